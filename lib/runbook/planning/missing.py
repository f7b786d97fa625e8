"""Scenario C's plan: payments that Stripe took and the ledger did not complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence import handled_events, known_users
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.judgement.remedies import database_rollback
from runbook.judgement.triage import NEEDED_EVENT
from runbook.plan import Plan
from runbook.planning.sealing import audit, completed_word, no_plan, note_work_list, require_same_environment, seal

# Longer than any outage that a responder works on at once; what is more goes through reconciliation, in batches.
EVENTS_MAX = 100_000


def plan_for_missing(incident: Incident, missing: Evidence) -> Plan:
    """Scenario C's plan, sealed in the journal; empty when nothing is missing, or when that cannot be told."""
    try:
        require_same_environment(incident)
        if not missing.readable:
            raise CannotLook(missing.unreadable)
        case = gather_case(incident, missing)
        made = database_rollback.plan(missing.rows, case, incident.target.name, incident.identity, audit(incident))
    except CannotLook as error:
        return no_plan(incident, database_rollback.NAME, database_rollback.NOTEBOOK, str(error))
    note_work_list(incident, made)
    return seal(incident, made)


def left_to_a_person(incident: Incident, made: Plan) -> Evidence:
    """The plan's work list: payments that no machine should decide, each with why and a proposal."""
    rows = tuple(
        {
            "payment": item.payment,
            "amount_minor": item.amount_minor,
            "currency": item.currency,
            "why no machine": item.reason,
            "proposal": item.proposal,
        }
        for item in made.work_list
    )
    question = "Which payments are left to a person?"
    return Evidence(question, "plan", incident.as_of, rows, unreadable=made.cannot_tell)


def gather_case(incident: Incident, missing: Evidence) -> database_rollback.Case:
    events = succeeded_events(incident, missing.rows)
    users = known_users(incident, (row["user_id"] for row in missing.rows if row["user_id"]))
    return database_rollback.Case(
        events=events,
        handled=handled_events(incident, events.values()),
        users=users,
        users_mapped=incident.target.ledger.users is not None,
        reversed_=reversed_payments(incident, missing.rows),
        endpoint=our_endpoint(incident),
        completed_word=completed_word(incident),
        canceled_words=incident.target.ledger.status.get("canceled", ()),
        events_mapped=incident.target.ledger.events is not None,
    )


def succeeded_events(incident: Incident, missing: Sequence[Row]) -> dict[str, str]:
    """Intent → the event that told of its success, as far back as Stripe delivers again."""
    if not missing:
        return {}
    oldest = incident.as_of - timedelta(days=incident.target.thresholds.redelivery_days)
    since = max(datetime.fromtimestamp(min(row["created_at"] for row in missing), UTC), oldest)
    intents = {row["intent_id"] for row in missing}
    told = Window(since, incident.clock.now() + timedelta(seconds=1))
    found = islice(incident.gateway.events(told, types=[NEEDED_EVENT]), EVENTS_MAX)
    named = ((event["data"]["object"]["id"], event["id"]) for event in found)
    return {intent: event for intent, event in named if intent in intents}


def reversed_payments(incident: Incident, missing: Sequence[Row]) -> dict[str, str]:
    """Payments that Stripe has given back, wholly or in part, or must defend; looked for up to now, since somebody may
    have refunded by hand while the incident was worked."""
    if not missing:
        return {}
    since = datetime.fromtimestamp(min(row["created_at"] for row in missing), UTC)
    until_now = Window(since, incident.clock.now() + timedelta(seconds=1))
    counting = (each for each in incident.gateway.refunds(until_now) if each["status"] not in ("failed", "canceled"))
    found = {each["payment_intent"]: "refunded" for each in counting}
    found |= {each["payment_intent"]: "disputed" for each in incident.gateway.disputes(until_now)}
    return {row["intent_id"]: found[row["intent_id"]] for row in missing if row["intent_id"] in found}


def our_endpoint(incident: Incident) -> str:
    """The enabled endpoint at exactly the target's URL that is sent the event; empty when there is none."""
    ours = [
        each["id"]
        for each in incident.gateway.webhook_endpoints()
        if each["url"] == incident.target.service.webhook_url
        and each["status"] == "enabled"
        and {"*", NEEDED_EVENT} & set(each["enabled_events"])
    ]
    return ours[0] if ours else ""
