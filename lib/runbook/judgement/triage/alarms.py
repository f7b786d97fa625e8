"""What says that something is wrong without saying what: silence, errors without a name, and a part that is down."""

from __future__ import annotations

import math
from datetime import datetime

from runbook import clock
from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.log_summary import LogSummary, Occurrence
from runbook.judgement.triage.logs import states

# Checkouts come by chance and by the hour of the day. Half of what came in the three hours before is the least that
# any hour brings, and fewer than that by so small a chance is silence: once in a hundred thousand looks.
SLOT_SECONDS, BEFORE_SLOTS, LONGEST_SLOTS = 600, 18, 12
LEAST_SHARE, CHANCE = 0.5, 1e-5
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
        if chance_of_at_most(came, expected * LEAST_SHARE) < CHANCE:
            when = clock.show(datetime.fromtimestamp(since, now.tzinfo))
            because = f"{came:,} since {when}, where {expected:,.0f} would be usual"
            return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(arrivals,), weight=int(expected))
    return Finding(statement, Answer.HOLDS, f"{sum(counts.values()):,} in the window, and no gap", evidence=(arrivals,))


def chance_of_at_most(count: int, expected: float) -> float:
    """Poisson's: how likely so few are where so many are expected."""
    return sum(math.exp(-expected + each * math.log(expected) - math.lgamma(each + 1)) for each in range(count + 1)) \
        if expected > 0 else 1.0


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
