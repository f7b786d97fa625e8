"""Payments on both sides: which are missing, which are stuck, how attempts ended, and what the ledger says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice

from runbook.evidence.gathering import asked_of_ledger, gathered, ledger_parameters
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.judgement import payments, questions

# Triage reads at most this many intents, newest first (30 pages): enough for a day of a mid-sized shop within seconds.
# Completeness is reconciliation's work.
TRIAGE_INTENTS_MAX = 3_000
# Pending rows whose intent lies beyond those are asked for one by one, up to this many.
SINGLE_LOOKS_MAX = 40


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
    limit = None if complete else TRIAGE_INTENTS_MAX
    by_hand = "stripe payment_intents list --limit 100, page by page; then psql: rows_of_intents.sql"
    return gathered(incident, question, "gateway, ledger", lambda: _missing(incident, limit), by_hand,
                    "" if complete else f"of the newest {TRIAGE_INTENTS_MAX:,} payments of the window")  # fmt: skip


def _missing(incident: Incident, limit: int | None) -> list[Row]:
    due = int(incident.as_of.timestamp()) - incident.target.thresholds.grace_seconds
    paid = [
        intent for intent in window_intents(incident, limit) if payments.is_paid(intent) and intent["created"] <= due
    ]
    if limit is not None:
        paid += _older_paid(incident, limit, due)
    ids = [intent["id"] for intent in paid]
    rows = incident.ledger.ask(questions.text("rows_of_intents"), intents=ids) if ids else []
    return payments.missing(paid, rows, incident.target.ledger.status, incident.target.gateway.user_metadata)


def _older_paid(incident: Incident, limit: int, due: int) -> list[Row]:
    """Paid intents of pending rows that lie beyond the newest `limit`, looked at one by one up to a bound."""
    listed = {intent["id"] for intent in window_intents(incident, limit)}
    if len(listed) < limit:
        return []
    rows = incident.ledger.ask(questions.text("pending_rows"), **ledger_parameters(incident))
    beyond = [row["intent_id"] for row in rows if row["intent_id"] and row["intent_id"] not in listed]
    found = (incident.gateway.find(f"/v1/payment_intents/{intent}") for intent in beyond[:SINGLE_LOOKS_MAX])
    return [intent for intent in found if intent and payments.is_paid(intent) and intent["created"] <= due]


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
    """How did customers' attempts to pay end at Stripe?"""
    return gathered(
        incident,
        "How did customers' attempts to pay end at Stripe?",
        "gateway",
        lambda: payments.outcomes(window_intents(incident, TRIAGE_INTENTS_MAX)),
        "stripe payment_intents list --limit 100, page by page",
    )


def known_users(incident: Incident, users: Iterable[str]) -> Mapping[str, str | None]:
    """Users that the service still knows → their customer id at the gateway. Empty where the target maps no users."""
    if incident.target.ledger.users is None:
        return {}
    rows = incident.ledger.ask(questions.text("known_users"), users=sorted(set(users)))
    return {row["user_id"]: row["customer"] for row in rows}
