"""Invariants of healthy payments, the same before and after a repair; each looked at from both sides.

What came before a repair says nothing about it. So after one the last three checks judge what happened since; where
that is too little, and the last half hour as it stands now is well, that is said instead; otherwise nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from runbook.facts import Answer, Evidence, Finding, Row, cannot_tell
from runbook.judgement import payments
from runbook.judgement.shares import show_interval, show_share

NAMES_SHOWN = 3
# Good news needs so many cases. A fault that breaks every second payment lets five in a row pass three times in a
# hundred; customers who pay one or two a second bring five within some seconds of a cure.
ENOUGH = 5
# Bad news needs one only, except in a share: of fewer than this a single failure is above every sensible limit.
FEW = 20
# A webhook normally arrives within a second or two. What has waited for longer is not lost yet, and is no good news.
SLOW_SECONDS = 10


def paid_is_recorded(missing: Evidence, work_list: Collection[str]) -> Finding:
    """Gateway → ledger. A payment that waits for a person's decision is not forgotten, and is counted aloud."""
    statement = "Every payment that Stripe took is recorded, or on the work list."
    if not missing.readable:
        return cannot_tell(statement, missing)
    waiting = [row for row in missing.rows if row["intent_id"] in work_list]
    lacking = len(missing) - len(waiting)
    because = f"{lacking:,} not recorded, {len(waiting):,} on the work list"
    return answered(statement, lacking == 0, because, missing)


def recorded_is_paid(rows: Evidence, paid: Mapping[str, bool], work_list: Collection[str] = ()) -> Finding:
    """Ledger → gateway. `paid` says of each intent of the completed rows whether Stripe took the money."""
    statement = "Every payment that the ledger calls completed was taken by Stripe, or is on the work list."
    if not rows.readable:
        return cannot_tell(statement, rows)
    unpaid = [row for row in rows.rows if not paid.get(row["intent_id"] or "", False)]
    wrong = [row for row in unpaid if row["intent_id"] not in work_list]
    because = f"{len(rows) - len(unpaid):,} of {len(rows):,} were"
    if len(unpaid) > len(wrong):
        because += f", {len(unpaid) - len(wrong):,} on the work list"
    if wrong:
        because += f"; not {some(row['intent_id'] or row['row_id'] for row in wrong)}"
    return answered(statement, not wrong, because, rows)


def events_arrive(events: Evidence, repaired_at: int | None = None) -> Finding:
    """Gateway side: what Stripe told of, and whether it was delivered.

    `events` rows: event, created_at, state (delivered | undelivered | late | on its way | settled otherwise).
    """
    statement = "Stripe has delivered every event of the last minutes."
    return decided(statement, events, repaired_at, lambda rows, span: deliveries(statement, events, rows, span))


def deliveries(statement: str, events: Evidence, rows: Sequence[Row], span: str) -> Finding:
    lost = [row["event"] for row in rows if row["state"] == "undelivered"]
    late = [row["event"] for row in rows if row["state"] == "late"]
    delivered = sum(row["state"] == "delivered" for row in rows)
    if lost:
        return answered(statement, False, f"{len(lost):,} undelivered {span}: {some(lost)}", events)
    if late:
        because = f"{len(late):,} under way for more than {SLOW_SECONDS} s: {some(late)}"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(events,))
    if not delivered:
        return Finding(statement, Answer.CANNOT_TELL, f"there was none to deliver {span}", evidence=(events,))
    return answered(statement, True, f"{delivered:,} delivered {span}, none is undelivered", events)


def succeeds_often_enough(ends: Evidence, percent: int, repaired_at: int | None = None) -> Finding:
    """Both sides; customers' own declines are no attempts of ours. Exactly `percent` is not above it.

    `ends` rows: created_at, end (completed | not_completed | declined_by_bank | late | on_the_way).
    """
    statement = f"More than {percent} % of the latest payments went through, customers' own declines excluded."

    def judge(rows: Sequence[Row], span: str) -> Finding:
        good, bad, late = (sum(row["end"] == end for row in rows) for end in ("completed", "not_completed", "late"))
        found = share(statement, "went through", good, bad, percent, span, ends)
        if found.holds and good * 100 <= percent * (good + bad + late):
            because = f"{found.because}; {late:,} more were paid over {SLOW_SECONDS} s ago and are not recorded yet"
            return Finding(statement, Answer.CANNOT_TELL, because, evidence=(ends,))
        return found

    return decided(statement, ends, repaired_at, judge)


def requests_succeed(requests: Evidence, percent: int, repaired_at: int | None = None) -> Finding:
    """The service's own answers. `requests` rows: created_at (a second), requests, failed (answered with a 5xx)."""
    statement = f"No more than {percent} % of the requests on the payment paths fail."

    def judge(rows: Sequence[Row], span: str) -> Finding:
        bad = sum(row["failed"] for row in rows)
        good = sum(row["requests"] for row in rows) - bad
        # "No more than 5 % fail" is "95 % or more succeed", and a share that is exactly there still holds.
        return share(statement, "succeeded", good, bad, 100 - percent, span, requests, at_the_limit=True)

    return decided(statement, requests, repaired_at, judge)


def events_of_others_are_refused(probes: Evidence) -> Finding:
    """`probes` rows: sent, refused (yes | no | cannot tell), detail. Taking one lets anybody mark orders as paid."""
    statement = "The webhook route refuses events that are not Stripe's."
    if not probes.readable:
        return cannot_tell(statement, probes)
    because = "; ".join(f"{row['sent']} was {row['detail']}" for row in probes.rows)
    answers = [row["refused"] for row in probes.rows]
    if "no" in answers:
        return answered(statement, False, because, probes)
    if set(answers) != {"yes"}:
        return Finding(statement, Answer.CANNOT_TELL, because or "nothing was tried", evidence=(probes,))
    return answered(statement, True, because, probes)


def decided(
    statement: str, found: Evidence, repaired_at: int | None, judge: Callable[[Sequence[Row], str], Finding]
) -> Finding:
    """The answer of what happened since the repair; where that is too little, good news of the whole half hour."""
    if not found.readable:
        return cannot_tell(statement, found)
    whole = judge(found.rows, "lately")
    if repaired_at is None:
        return whole
    since = judge([row for row in found.rows if row["created_at"] >= repaired_at], "since the repair")
    return whole if since.answer is Answer.CANNOT_TELL and whole.holds else since


def share(
    statement: str, verb: str, good: int, bad: int, percent: int, span: str, found: Evidence, at_the_limit: bool = False
) -> Finding:
    """Whether enough went well: with the interval in which the true share lies, or with the number that is too few."""
    total = good + bad
    if not total:
        return Finding(statement, Answer.CANNOT_TELL, f"there was none to judge by {span}", evidence=(found,))
    holds = good * 100 > percent * total or (at_the_limit and good * 100 == percent * total)
    if (holds and total < ENOUGH) or (not holds and bad == 1 and total < FEW):
        because = f"{good:,} of {total:,} {verb} {span}, too few to tell"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(found,))
    because = (
        f"{good:,} of {total:,} {verb} {span} ({show_share(good, total)}; "
        f"the true share is most likely {show_interval(good, total)})"
    )
    return answered(statement, holds, because, found)


def answered(statement: str, holds: bool, because: str, *evidence: Evidence) -> Finding:
    return Finding(statement, Answer.HOLDS if holds else Answer.DOES_NOT_HOLD, because, evidence=evidence)


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - NAMES_SHOWN:,} more" if len(listed) > NAMES_SHOWN else ""
    return ", ".join(listed[:NAMES_SHOWN]) + more


COLUMNS = ("completed", "not_completed", "declined_by_bank", "on_the_way")


def by_minute(ends: Iterable[Row]) -> list[Row]:
    """Payments by the minute they were begun: completed on both sides, paid but not recorded or failed by our side,
    customers' own declines, and those whose webhook may still come."""
    minutes: dict[int, dict[str, int]] = {}
    for row in ends:
        counts = minutes.setdefault(row["created_at"] // 60 * 60, dict.fromkeys(COLUMNS, 0))
        if row["end"]:
            counts["on_the_way" if row["end"] == "late" else row["end"]] += 1
    return [
        {
            "minute_at": minute,
            **counts,
            "share": show_share(counts["completed"], counts["completed"] + counts["not_completed"]),
        }
        for minute, counts in sorted(minutes.items())
    ]


def end_of(intent: Row, recorded: Collection[str], now: float, grace_seconds: int) -> str:
    """How a payment ended; empty while it has not, or when it is of no interest. What both sides know counts at once,
    and only what Stripe took and nobody recorded is given its time."""
    kind = payments.outcome(intent)
    if kind != "paid":
        return {"other": "not_completed", "declined": "declined_by_bank"}.get(kind, "")
    if intent["id"] in recorded:
        return "completed"
    waited = now - paid_at(intent)
    return "not_completed" if waited > grace_seconds else "late" if waited > SLOW_SECONDS else "on_the_way"


def paid_at(intent: Row) -> int:
    """When Stripe took the money, where its charge was read along; else when the checkout began."""
    charge = intent.get("latest_charge")
    return int(charge["created"] if isinstance(charge, Mapping) else intent["created"])


def delivery_of(event: Row, resolved: Collection[str], now: float, grace_seconds: int) -> str:
    """What became of an event, as far as Stripe says; `resolved`: payments that are recorded, or left to a person."""
    if not event["pending_webhooks"]:
        return "delivered"
    if event["data"]["object"]["id"] in resolved:
        return "settled otherwise"
    waited = now - event["created"]
    return "undelivered" if waited > grace_seconds else "late" if waited > SLOW_SECONDS else "on its way"
