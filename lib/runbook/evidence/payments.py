"""Payments on both sides: which are missing, which are stuck, how attempts ended, and what the ledger says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from runbook.errors import CannotLook
from runbook.evidence.gathering import asked_of_ledger, gathered
from runbook.evidence.sample import sample
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable, told
from runbook.judgement import payments, questions, slices

# So many intents are read one after the other where a look must be quick.
TRIAGE_INTENTS_MAX = slices.WHOLE_MAX
# A wave of declines is an hour's; in a day's share it would drown.
LATELY_SECONDS = 3_600

def window_intents(incident: Incident, limit: int | None) -> list[Row]:
    """The window's payment intents, newest first: all of them, or the newest `limit`."""
    return incident.once(
        f"intents up to {limit}", lambda: list(islice(incident.gateway.intents(incident.window), limit))
    )


def missing_payments(incident: Incident, complete: bool = False) -> Evidence:
    """Which payments did Stripe take that the ledger has not completed?

    Intent is compared with intent, over every page where `complete`, and only for payments older than the grace: a
    webhook that is seconds old is not late. The ledger is asked by intent id, so that a row beyond the window's edge
    still counts.
    """
    question = "Which payments did Stripe take that the ledger has not completed?"
    by_hand = "stripe payment_intents list --limit 100, page by page; then psql: rows_of_intents.sql"
    due = readable(lambda: _due(incident, complete))
    found = gathered(incident, question, "gateway, ledger", lambda: _missing(incident, told(due)), by_hand)
    if isinstance(due, CannotLook):
        return found
    return replace(found, looked_at=len(due), note="" if complete else sample(incident).note)


def _due(incident: Incident, complete: bool) -> list[Row]:
    """Payments that Stripe took long enough ago."""
    if complete:
        seen = window_intents(incident, None)
    else:
        read = sample(incident)
        seen = [*read.intents, *read.extra]
    due = int(incident.as_of.timestamp()) - incident.target.thresholds.grace_seconds
    return [intent for intent in seen if payments.is_paid(intent) and intent["created"] <= due]


def _missing(incident: Incident, paid: list[Row]) -> list[Row]:
    rows = _rows_of(incident, [intent["id"] for intent in paid])
    return payments.missing(paid, rows, incident.target.ledger.status, incident.target.gateway.user_metadata)


def _rows_of(incident: Incident, intents: list[str]) -> list[Row]:
    return list(incident.ledger.ask(questions.text("rows_of_intents"), intents=intents)) if intents else []


def differing_amounts(incident: Incident) -> Evidence:
    """Which payments did Stripe take with another amount or currency than the ledger has? Of those that triage read."""
    question = "Which payments differ in their amount?"
    due = readable(lambda: _due(incident, complete=False))

    def read() -> list[Row]:
        paid = told(due)
        return payments.differing(paid, _rows_of(incident, [intent["id"] for intent in paid]))

    found = gathered(incident, question, "gateway, ledger", read, "stripe payment_intents list beside psql")
    return found if isinstance(due, CannotLook) else replace(found, looked_at=len(due), note=sample(incident).note)


def repeated_orders(incident: Incident) -> Evidence:
    return asked_of_ledger(incident, "repeated_orders")


def stuck_payments(incident: Incident, missing: Evidence) -> Evidence:
    """Which payments are pending for too long *and* paid? Abandoned checkouts are pending too, and are not stuck."""
    minutes = incident.target.thresholds.stuck_after_minutes
    question = f"Which payments have been pending for more than {minutes} minutes and are paid at Stripe?"
    pending = asked_of_ledger(incident, "pending_rows")
    waiting = {row["row_id"] for row in pending.rows}
    stuck = tuple(row for row in missing.rows if row["row_id"] in waiting)
    unreadable = missing.unreadable or pending.unreadable
    unpaid = len(pending) - len(stuck)
    note = (
        f"{len(pending):,} rows have been pending that long; {unpaid:,} of them are unpaid: abandoned, or in progress"
    )
    if unreadable:
        return Evidence(question, "gateway, ledger", incident.as_of, by_hand=missing.by_hand, unreadable=unreadable)
    return Evidence(question, "gateway, ledger", incident.as_of, stuck, missing.by_hand, note=note)


def rows_without_intent(incident: Incident) -> Evidence:
    return asked_of_ledger(incident, "rows_without_intent")


def failures_by_reason(incident: Incident) -> Evidence:
    return asked_of_ledger(incident, "failures_by_reason")


def mails_not_sent(incident: Incident) -> Evidence:
    grace = timedelta(seconds=incident.target.thresholds.grace_seconds)
    return asked_of_ledger(incident, "mails_not_sent", before=incident.as_of - grace)


def attempts(incident: Incident) -> Evidence:
    """How did customers' attempts to pay end at Stripe, and how lately?"""
    lately = int(incident.as_of.timestamp()) - LATELY_SECONDS
    found = gathered(
        incident,
        "How did customers' attempts to pay end at Stripe?",
        "gateway",
        lambda: payments.outcomes(sample(incident).intents, lately),
        "stripe payment_intents list --limit 100, page by page",
    )
    return replace(found, note=sample(incident).note) if found.readable else found


def known_users(incident: Incident, users: Iterable[str]) -> Mapping[str, str | None]:
    """Users that the service still knows → their customer id at the gateway. Empty where the target maps no users."""
    if incident.target.ledger.users is None:
        return {}
    rows = incident.ledger.ask(questions.text("known_users"), users=sorted(set(users)))
    return {row["user_id"]: row["customer"] for row in rows}
