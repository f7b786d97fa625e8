"""What says that something is wrong without saying what: silence, errors without a name, and a part that is down."""

from __future__ import annotations

import math
from datetime import datetime

from runbook import clock
from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.log_summary import LogSummary, Occurrence
from runbook.judgement.shares import wilson
from runbook.judgement.triage.logs import states

# Checkouts come by chance and by the hour of the day. Six tenths of what came in the hour and a half before is the
# least that any hour brings, and fewer than that by so small a chance is silence: once in ten thousand looks.
SLOT_SECONDS, BEFORE_SLOTS, LONGEST_SLOTS = 600, 9, 12
LEAST_SHARE, SILENCE_CHANCE = 0.6, 1e-4
# Shares go up and down, too: an hour of fewer than so many says nothing, and of few before it little is known.
TIMES, SHARE_MIN, SHARE_UNKNOWN, LATELY_MIN, BEFORE_MIN, CHANCE = 3, 0.05, 0.25, 8, 20, 1e-5
HOUR_PIECES = 6
# A new kind of error is worth a look from so many lines on.
UNNAMED_MIN = 5


def checkouts_keep_coming(arrivals: Evidence, now: datetime) -> Finding:
    """An alarm: nobody reaches the checkout any more. What stands before the service logs nothing here."""
    statement = "Customers keep coming to the checkout."
    if not arrivals.readable:
        return cannot_tell(statement, arrivals)
    counts = {row["since"]: row["checkouts"] for row in arrivals.rows}
    if not counts:
        return Finding(statement, Answer.CANNOT_TELL, "no checkout stands in the window", evidence=(arrivals,))
    end = int(now.timestamp())
    last = end // SLOT_SECONDS * SLOT_SECONDS
    for slots in range(1, LONGEST_SLOTS + 1):
        since = last - slots * SLOT_SECONDS
        came = sum(count for at, count in counts.items() if at >= since)
        usual = sum(counts.get(since - number * SLOT_SECONDS, 0) for number in range(1, BEFORE_SLOTS + 1))
        expected = usual * (end - since) / (BEFORE_SLOTS * SLOT_SECONDS)
        if chance_of_at_most(came, expected * LEAST_SHARE) < SILENCE_CHANCE:
            when = clock.show(datetime.fromtimestamp(since, now.tzinfo))
            because = f"{came:,} since {when}, where {expected:,.0f} would be usual"
            return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(arrivals,), weight=int(expected))
    return Finding(statement, Answer.HOLDS, f"{sum(counts.values()):,} in the window, and no gap", evidence=(arrivals,))


def checkouts_are_tried(attempts: Evidence) -> Finding:
    """An alarm: customers come to the checkout and their browsers never try to pay, far more often than before. What
    runs in a browser writes no line in our log."""
    statement = "Customers who come to the checkout try to pay."
    if not attempts.readable:
        return cannot_tell(statement, attempts)
    untried = next((row for row in attempts.rows if row["outcome"] == "untried"), None)
    late, all_ = (untried["in the last hour"], untried["count"]) if untried else (0, 0)
    lately = sum(row["in the last hour"] for row in attempts.rows)
    before = sum(row["count"] for row in attempts.rows) - lately
    because = f"{late:,} of {lately:,} in the last hour were never tried, {all_ - late:,} of {before:,} before"
    rings = is_unusual(late, lately, all_ - late, before)
    answer = Answer.DOES_NOT_HOLD if rings else Answer.HOLDS
    return Finding(statement, answer, because, evidence=(attempts,), weight=late)


def requests_are_not_refused(logs: LogSummary, log: Evidence) -> Finding:
    """An alarm: the service itself turns customers away, politely and without an error, far more often than before."""
    statement = "The service does not turn customers away."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.requests:
        return Finding(statement, Answer.CANNOT_TELL, "no such request stands in the logs", evidence=(log,))
    lately, _, late = logs.recent_requests(HOUR_PIECES)
    total = sum(count[2] for count in logs.slots.values())
    before = logs.requests - lately
    because = f"{late:,} of {lately:,} in the last hour were answered with 4xx, {total - late:,} of {before:,} before"
    rings = is_unusual(late, lately, total - late, before)
    answer = Answer.DOES_NOT_HOLD if rings else Answer.HOLDS
    return Finding(statement, answer, because, evidence=(log,), weight=late)


def amounts_agree(differing: Evidence) -> Finding:
    """An alarm: customers paid another amount than the ledger says."""
    statement = "Customers paid what the ledger says."
    if not differing.readable:
        return cannot_tell(statement, differing)
    compared = f"{differing.looked_at or 0:,} payments compared"
    if not differing.rows:
        return Finding(statement, Answer.HOLDS, f"{compared}, no amount differs", evidence=(differing,))
    because = f"{len(differing):,} of {compared} differ in amount or currency"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(differing,), weight=len(differing))


def orders_are_paid_once(repeated: Evidence) -> Finding:
    """An alarm: an order was completed by more than one payment."""
    statement = "No order was paid for twice."
    if not repeated.readable:
        return cannot_tell(statement, repeated)
    if not repeated.rows:
        return Finding(statement, Answer.HOLDS, "none was", evidence=(repeated,))
    because = f"{len(repeated):,} orders have more than one completed payment"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(repeated,), weight=len(repeated))


def chance_of_at_most(count: int, expected: float) -> float:
    """Poisson's: how likely so few are where so many are expected."""
    if expected <= 0:
        return 1.0
    logs = (-expected + each * math.log(expected) - math.lgamma(each + 1) for each in range(count + 1))
    return sum(math.exp(each) for each in logs)


def is_unusual(late: int, lately: int, count: int, before: int) -> bool:
    """Whether `late` of `lately` is more than three times the highest share that `count` of `before` may stand for."""
    usual = max(TIMES * wilson(count, before)[1], SHARE_MIN) if before >= BEFORE_MIN else SHARE_UNKNOWN
    return lately >= LATELY_MIN and chance_of_at_least(late, lately, min(usual, 0.95)) < CHANCE


def chance_of_at_least(count: int, of: int, share: float) -> float:
    """The binomial's upper tail, by logarithms: of some thousand requests its coefficients are beyond any float."""
    ways = math.lgamma(of + 1)
    logs = (
        ways - math.lgamma(each + 1) - math.lgamma(of - each + 1)
        + each * math.log(share) + (of - each) * math.log1p(-share)
        for each in range(count, of + 1)
    )  # fmt: skip
    return sum(math.exp(each) for each in logs)


def errors_have_names(logs: LogSummary, log: Evidence) -> Finding:
    """An alarm: a kind of error that triage has no name for, and that is new. What stands in the logs all day long
    is somebody's old acquaintance."""
    statement = "The logs show no new kind of error that triage has no name for."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.entries or logs.first is None or logs.last is None:
        return Finding(statement, Answer.CANNOT_TELL, "the logs of the window are empty", evidence=(log,))
    middle = logs.first + (logs.last - logs.first) / 2
    new = [each for each in logs.unnamed.values() if each.lines >= UNNAMED_MIN and each.first and each.first > middle]
    if not new:
        return Finding(statement, Answer.HOLDS, f"{len(logs.unnamed):,} wordings without a name, none of them new",
                       evidence=(log,))  # fmt: skip
    worst: Occurrence = max(new, key=lambda each: each.lines)
    since = clock.show(worst.first) if worst.first else "?"
    because = f"{worst.lines:,}× since {since}: {worst.example}"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(log,), weight=worst.lines)


def service_is_up(sides: Evidence) -> Finding:
    """An alarm: the service's own health check, and the state of its containers."""
    statement = "The service is up."
    if not sides.readable:
        return cannot_tell(statement, sides)
    state = states(sides)
    down = [
        f"{row['part']} {row['state']}" for row in sides.rows
        if row["part"].startswith("container ") and row["state"] in ("restarting", "dead")
    ]  # fmt: skip
    if state.get("service") != "up":
        health = next((row["detail"] for row in sides.rows if row["part"] == "service"), "")
        down.insert(0, f"its health check does not pass{f': {health}' if health else ''}")
    if down:
        return Finding(statement, Answer.DOES_NOT_HOLD, "; ".join(down), evidence=(sides,))
    return Finding(statement, Answer.HOLDS, "its health check passes", evidence=(sides,))
