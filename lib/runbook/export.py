"""Reading both sides whole, for reconciliation: every page of every kind, and every row that could belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from runbook import evidence
from runbook.facts import Row
from runbook.incident import Incident
from runbook.judgement import questions
from runbook.judgement.columns import MetadataKeys
from runbook.reconcile import ReconciliationFacts, ReconciliationSettings


def facts(incident: Incident) -> ReconciliationFacts:
    """Both sides of the window. Raises CannotLook when either cannot be read to its end: half an export reconciles
    nothing.

    A webhook may write a row after the window and a row may be begun before it, so the ledger is read a grace wider
    and asked by id for every intent; intents of rows at the edge are asked singly.
    """
    window = incident.window
    intents = list(evidence.window_intents(incident, None))
    rows = ledger_rows(incident, (intent["id"] for intent in intents))
    charges = list(incident.gateway.charges(window))
    refunds = list(incident.gateway.refunds(window))
    disputes = list(incident.gateway.disputes(window))
    named = {row["intent_id"] for row in rows} | {each["payment_intent"] for each in (*charges, *refunds, *disputes)}
    beyond = asked_singly(incident, named - {intent["id"] for intent in intents} - {None})
    more = ledger_rows_named(incident, (intent["id"] for intent in beyond))
    return ReconciliationFacts(
        intents=[*intents, *beyond],
        charges=charges,
        refunds=refunds,
        disputes=disputes,
        ledger=list({row["row_id"]: row for row in (*rows, *more)}.values()),
    )


def asked_singly(incident: Incident, intents: Iterable[str]) -> list[Row]:
    """Intents begun before the window that something in it names: late refunds, and rows at its edge."""
    found = (incident.gateway.find(f"/v1/payment_intents/{intent}") for intent in sorted(intents))
    return [intent for intent in found if intent]


def ledger_rows(incident: Incident, intents: Iterable[str]) -> list[Row]:
    """The window's rows, and those that name one of `intents` wherever they lie; each once."""
    grace = timedelta(seconds=incident.target.thresholds.grace_seconds)
    wide = incident.window.widened(grace, grace)
    rows = incident.ledger.ask(questions.text("rows_of_window"), start=wide.start, end=wide.end)
    return list({row["row_id"]: row for row in (*ledger_rows_named(incident, intents), *rows)}.values())


def ledger_rows_named(incident: Incident, intents: Iterable[str]) -> list[Row]:
    asked = sorted(intents)
    return incident.ledger.ask(questions.text("rows_of_intents"), intents=asked) if asked else []


def settings(incident: Incident) -> ReconciliationSettings:
    start, end = incident.window.epochs
    thresholds = incident.target.thresholds
    words = incident.target.ledger.status
    return ReconciliationSettings(
        window_start=start,
        window_end=end,
        as_of=int(incident.as_of.timestamp()),
        gateway_grace_seconds=thresholds.grace_seconds,
        ledger_grace_seconds=thresholds.grace_seconds,
        stuck_after_seconds=thresholds.stuck_after_minutes * 60,
        status_map={word: meaning for meaning, named in words.items() for word in named},
        livemode_expected=incident.target.gateway.expected_mode == "live",
        counterparts_asked_by_id=True,
        metadata_keys=MetadataKeys(user=incident.target.gateway.user_metadata),
    )
