"""Invariants of healthy payments, the same before and after a repair; each looked at from both sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from runbook.facts import Answer, Evidence, Finding, Row, cannot_tell
from runbook.judgement import payments

NAMES_SHOWN = 3


def paid_is_recorded(missing: Evidence, work_list: Collection[str]) -> Finding:
    """Gateway → ledger. A payment that waits for a person's decision is not forgotten, and is counted aloud."""
    statement = "Every payment that Stripe took is recorded, or on the work list."
    if not missing.readable:
        return cannot_tell(statement, missing)
    waiting = [row for row in missing.rows if row["intent_id"] in work_list]
    lacking = len(missing) - len(waiting)
    because = f"{lacking:,} not recorded, {len(waiting):,} on the work list"
    return answered(statement, lacking == 0, because, missing)


def recorded_is_paid(rows: Evidence, paid: Mapping[str, bool]) -> Finding:
    """Ledger → gateway. `paid` says of each intent of the completed rows whether Stripe took the money."""
    statement = "Every payment that the ledger calls completed was taken by Stripe."
    if not rows.readable:
        return cannot_tell(statement, rows)
    wrong = [row for row in rows.rows if not paid.get(row["intent_id"] or "", False)]
    because = f"{len(rows) - len(wrong):,} of {len(rows):,} were"
    if wrong:
        because += f"; not {some(row['intent_id'] or row['row_id'] for row in wrong)}"
    return answered(statement, not wrong, because, rows)


def events_arrive(undelivered: Evidence) -> Finding:
    """Gateway side: what Stripe still tries to deliver."""
    statement = "Stripe has delivered every event of the last minutes."
    if not undelivered.readable:
        return cannot_tell(statement, undelivered)
    because = f"{len(undelivered):,} undelivered" if undelivered.rows else "none is undelivered"
    if undelivered.rows:
        because += f": {some(row['event'] for row in undelivered.rows)}"
    return answered(statement, not undelivered.rows, because, undelivered)


def succeeds_often_enough(minutes: Evidence, percent: int) -> Finding:
    """Both sides, minute by minute; customers' own declines are no attempts of ours.

    Exactly `percent` is not above it; no payment at all says nothing.
    """
    statement = f"More than {percent} % of the latest payments went through, customers' own declines excluded."
    if not minutes.readable:
        return cannot_tell(statement, minutes)
    paid, failed = (sum(row[name] for row in minutes.rows) for name in ("completed", "not_completed"))
    if not paid + failed:
        return Finding(statement, Answer.CANNOT_TELL, "there was no payment to judge by", evidence=(minutes,))
    because = f"{paid:,} of {paid + failed:,} ({show_share(paid, paid + failed)})"
    return answered(statement, paid * 100 > percent * (paid + failed), because, minutes)


def answered(statement: str, holds: bool, because: str, *evidence: Evidence) -> Finding:
    return Finding(statement, Answer.HOLDS if holds else Answer.DOES_NOT_HOLD, because, evidence=evidence)


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - NAMES_SHOWN:,} more" if len(listed) > NAMES_SHOWN else ""
    return ", ".join(listed[:NAMES_SHOWN]) + more


def show_share(part: int, whole: int) -> str:
    """`97.4 %`, never rounded up to 100 while something is missing."""
    return f"{part * 1000 // whole / 10:.1f} %" if whole else "no payments"


def by_minute(intents: Sequence[Row], missing: Collection[str]) -> list[Row]:
    """Payments by the minute they were begun: completed on both sides, paid but not recorded or failed by our side,
    and customers' own declines beside them."""
    minutes: dict[int, dict[str, int]] = {}
    for intent in intents:
        kind = end_of(intent, missing)
        counts = minutes.setdefault(intent["created"] // 60 * 60, dict.fromkeys(ENDS.values(), 0))
        if kind:
            counts[kind] += 1
    return [
        {
            "minute_at": minute,
            **counts,
            "share": show_share(counts["completed"], counts["completed"] + counts["not_completed"]),
        }
        for minute, counts in sorted(minutes.items())
    ]


ENDS = {"paid": "completed", "other": "not_completed", "declined": "declined_by_bank"}


def end_of(intent: Row, missing: Collection[str]) -> str:
    """Which of the three ends a payment has; empty while it has none, or none of interest."""
    if intent["id"] in missing:
        return "not_completed"
    return ENDS.get(payments.outcome(intent), "")
