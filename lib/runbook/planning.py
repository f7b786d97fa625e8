"""Making plans and approving them: the case is gathered, a remedy decides, the journal keeps the sealed plan.

The journal is the only authority for approvals. An approval is as strong as the operating system's accounts: it holds
the login and host of whoever wrote it, and nothing stronger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice

from runbook import plan
from runbook.clock import Clock, Window
from runbook.errors import BadInput, CannotLook, Refused
from runbook.evidence import handled_events, known_users
from runbook.facts import Answer, Evidence, Row
from runbook.incident import Incident
from runbook.journal import Entry, Journal
from runbook.judgement import questions
from runbook.judgement.remedies import database_rollback, test_payment, undo
from runbook.judgement.remedies.audit import Audit
from runbook.judgement.triage import NEEDED_EVENT
from runbook.plan import Approval, Plan, Step

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
    incident.log("work_list", items=[asdict(item) for item in made.work_list])
    return seal(incident, made)


def no_plan(incident: Incident, remedy: str, notebook: str, cannot_tell: str = "") -> Plan:
    """An empty plan, where none may be made or where a side that it depends on cannot be read."""
    return Plan(incident.target.name, "", remedy, notebook, (), cannot_tell=cannot_tell)


def audit(incident: Incident) -> Audit:
    """Where audit rows go: the target decides, the ledger's catalogue says whether the table is there."""
    if incident.target.ledger.audit == "journal":
        return "journal"
    present = incident.ledger.ask(questions.text("audit_table"))[0]["present"]
    return "present" if present else "absent"


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


def completed_word(incident: Incident) -> str:
    return incident.target.ledger.status["completed"][0]


def plan_test_payment(incident: Incident) -> Plan:
    """Verification's test payment, sealed; an empty plan where none is allowed."""
    settings = incident.target
    if not test_payment.allowed(settings.environment, settings.gateway.expected_mode):
        return no_plan(incident, test_payment.NAME, test_payment.NOTEBOOK)
    try:
        require_same_environment(incident)
        made = test_payment.plan(
            incident.id,
            settings.name,
            incident.identity,
            settings.gateway.test_payment_method,
            completed_word(incident),
        )
    except CannotLook as error:
        return no_plan(incident, test_payment.NAME, test_payment.NOTEBOOK, str(error))
    return seal(incident, made)


def require_same_environment(incident: Incident) -> None:
    """Raises Refused where the two sides do not belong together, and CannotLook where nobody can say."""
    found = incident.same_environment
    if found.answer is Answer.CANNOT_TELL:
        raise CannotLook(found.because)
    if not found.holds:
        raise Refused(f"No plan is made: {found.because}")


def seal(incident: Incident, made: Plan) -> Plan:
    """Store the plan in the journal, once; the stored one is what will be carried out."""
    known = {entry.body["fingerprint"] for entry in incident.journal.entries("plan")}
    if made and made.fingerprint not in known:
        incident.log("plan", **plan.to_json(made))
    return made


def sealed(journal: Journal, fingerprint: str) -> tuple[Plan, Entry]:
    """The plan as it stands in the journal; raises BadInput when there is none, Refused when it was tampered with."""
    entries = journal.entries("plan")
    for entry in entries:
        if entry.body["fingerprint"] == fingerprint:
            stored = plan.from_json(entry.body)
            if stored.fingerprint != fingerprint:
                raise Refused(f"The stored plan {fingerprint} does not match its fingerprint; make a new one.")
            return stored, entry
    known = ", ".join(entry.body["fingerprint"] for entry in entries) or "none"
    raise BadInput(f"The journal of {journal.path.parent.name} holds no plan `{fingerprint}`; it holds: {known}.")


def approve(journal: Journal, fingerprint: str, minutes: int, clock: Clock) -> Approval:
    """Say yes to exactly this plan; the one function behind the command line and the notebook's box."""
    sealed(journal, fingerprint)
    now = clock.now()
    until = now + timedelta(minutes=minutes)
    entry = journal.append("approval", {"plan": fingerprint, "until": until.isoformat()}, now)
    return approval_of(entry)


def approval_of(entry: Entry) -> Approval:
    return Approval(entry.body["plan"], entry.login, entry.host, entry.at, entry.body["until"])


def approvals(journal: Journal, fingerprint: str) -> list[Approval]:
    return [approval_of(entry) for entry in journal.entries("approval") if entry.body["plan"] == fingerprint]


def applied_steps(journal: Journal, made: Plan) -> list[Step]:
    """The steps of a plan that the journal says were applied, in order."""
    done = {
        outcome["key"]
        for entry in journal.entries("outcomes")
        if entry.body["plan"] == made.fingerprint
        for outcome in entry.body["outcomes"]
        if outcome["word"] == "applied"
    }
    return [step for step in made.steps if step.key in done]


def plan_undo(incident: Incident) -> Plan:
    """What the incident's newest applied plan would take to be taken back, sealed."""
    applied = [entry.body["plan"] for entry in incident.journal.entries("outcomes")]
    for fingerprint in dict.fromkeys(reversed(applied)):
        made, _ = sealed(incident.journal, fingerprint)
        steps = applied_steps(incident.journal, made)
        if made.undoes or not any(step.undo for step in steps):
            continue
        return seal(incident, undo.plan(made, steps))
    raise BadInput(f"`{incident.id}` has applied nothing that can be undone.")
