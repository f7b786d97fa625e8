"""The verbs of a response that touch the journal: diagnose, reconcile, finish."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runbook import evidence, export, record
from runbook.errors import CannotLook
from runbook.facts import Alarms, Answer, Diagnosis, Evidence, Impact, Row, Suspects
from runbook.incident import Incident, readable
from runbook.judgement import escalation
from runbook.judgement import triage as questions
from runbook.judgement.causes import CAUSES
from runbook.judgement.classes import CLASSES
from runbook.judgement.escalation import Level
from runbook.judgement.log_summary import LogSummary
from runbook.judgement.reconciliation import Reconciliation
from runbook.plan import Carried, Plan
from runbook.reconcile import reconcile as reconcile_facts


def triage(incident: Incident) -> Diagnosis:
    """The whole of triage in one call: the questions of notebook 00 in its order, and what they come to."""
    evidence.look_ahead(incident)
    sides = evidence.sides(incident)
    missing = evidence.missing_payments(incident)
    recorded = questions.payments_are_recorded(missing, evidence.stuck_payments(incident, missing))
    amounts = questions.amounts_agree(evidence.differing_amounts(incident))
    orders = questions.orders_are_paid_once(evidence.repeated_orders(incident))
    attempts = evidence.attempts(incident)
    logs, log = evidence.log_summary(incident)
    keys = evidence.key_settings(incident)
    suspects = questions.all_suspects().given(
        recorded,
        questions.customers_pay_as_usual(attempts),
        *questions.of_the_logs(logs, log),
        *questions.of_the_sides(logs, log, sides),
        incident.same_environment,
        questions.events_must_be_signed(evidence.probes(incident)),
        questions.events_are_subscribed(evidence.endpoints(incident)),
        questions.keys_have_the_right_mode(keys, incident.target),
        *questions.keys_are_accepted(keys, evidence.keys_tried(incident), incident.target),
    )
    arrivals, settings, now = evidence.arrivals(incident), incident.target, incident.window.end
    alarms = questions.alarms((recorded, amounts, orders), logs, log, sides, arrivals, attempts, settings, now)
    return diagnose(incident, suspects, missing, alarms, logs)[0]


def diagnose(
    incident: Incident,
    suspects: Suspects,
    missing: Evidence,
    alarms: Alarms,
    logs: LogSummary,
) -> tuple[Diagnosis, Level]:
    """Name the causes that are left and whom to tell, and note both in the journal."""
    found = impact(incident, missing, questions.turned_away(logs, incident.target.thresholds))
    parameters = {"target": incident.target.name, "incident": incident.id}
    diagnosis = questions.diagnose(suspects, found, alarms.findings, parameters)
    level = escalation.level(
        incident.target.escalation, diagnosis.impact, minutes_open(incident), diagnosis.alerts,
        minutes_lasting(incident, diagnosis),
        [CAUSES[cause].critical for cause in diagnosis.causes if cause in CAUSES and CAUSES[cause].critical],
    )  # fmt: skip
    incident.log(
        "diagnosis",
        diagnosis={
            "causes": list(diagnosis.causes),
            "ruled_out": list(suspects.ruled_out),
            "cannot_tell": [each.statement for each in suspects.open_questions],
            "evidence": [
                {"cause": cause, "because": each.because}
                for cause in diagnosis.causes
                for each in suspects.for_.get(cause, ())
            ],
            "since": {cause: span.first.isoformat() for cause, span in diagnosis.spans.items()},
            "sentence": diagnosis.sentence,
            "next_notebook": diagnosis.next_notebook,
            "look_next": diagnosis.look_next,
        },
        impact={
            "payments": diagnosis.impact.payments,
            "users": diagnosis.impact.users,
            "amounts_minor": dict(diagnosis.impact.amounts_minor),
            "turned_away": diagnosis.impact.turned_away,
            "scale": diagnosis.impact.scale,
        },
        escalation={"level": level.number, "contact": level.contact, "reasons": list(level.reasons)},
    )
    return diagnosis, level


def impact(incident: Incident, missing: Evidence, turned_away: int = 0) -> Impact:
    """Who is affected. Payments that could not be looked at are not nobody's."""
    found = questions.impact(missing.rows, incident.target.thresholds, turned_away)
    return found if missing.readable else replace(found, scale=Answer.CANNOT_TELL)


def minutes_open(incident: Incident) -> int:
    opened = incident.journal.entries("opened")[0]
    return int((incident.as_of - datetime.fromisoformat(opened.at)).total_seconds() // 60)


def minutes_lasting(incident: Incident, diagnosis: Diagnosis) -> int:
    """For how long what goes on has been going on."""
    firsts = [span.first for span in diagnosis.spans.values() if span.going_on]
    return int((incident.as_of - min(firsts)).total_seconds() // 60) if firsts else 0


@dataclass(frozen=True)
class Record:
    """What a notebook leaves behind: its headline, and the whole incident's record as it stands."""

    headline: str
    content: Mapping[str, Any]


def finish(incident: Incident, notebook: str, headline: str) -> Record:
    """The last cell of every notebook: without it a run does not count as completed."""
    incident.log("finished", notebook=notebook, headline=headline)
    return Record(headline, record.write(incident.directory))


def reconcile(incident: Incident) -> Reconciliation:
    """Every payment of the window, both sides, each in one class; the verdict is noted in the journal.

    With half of it out of reach nothing is classified: a payment would look lost that merely could not be seen.
    """
    facts = readable(lambda: export.facts(incident))
    result = unread(facts) if isinstance(facts, CannotLook) else reconcile_facts(facts, export.settings(incident))
    incident.log(
        "reconciliation",
        verdict=result.verdict,
        because=list(result.incomplete_because),
        items=len(result.items),
        discrepancies=len(result.discrepancies),
        digest=hashlib.sha256(result.to_json()).hexdigest(),
    )
    return result


def unread(why: CannotLook) -> Reconciliation:
    """The reconciliation of two sides of which one could not be read."""
    return Reconciliation(
        verdict="incomplete", incomplete_because=(str(why),), items=(), by_class=(), identities=(), repeated={}
    )


def summary(plan: Plan, done: Carried) -> str:
    """One clause for a headline: what became of the plan."""
    left = f", {len(plan.work_list)} left to a person" if plan.work_list else ""
    if plan.cannot_tell and not done.results:
        return "no plan, because a side could not be read"
    if not done.results:
        return f"nothing to repair{left}"
    if done.count("withheld") == len(done.results):
        return f"{len(done.results)} steps withheld ({done.results[0][1].detail}){left}"
    words = ("applied", "already done", "withheld")
    return ", ".join(f"{done.count(word)} {word}" for word in words if done.count(word)) + left


def discrepancies(incident: Incident, result: Reconciliation) -> Evidence:
    """The breaks, most urgent first, each with the notebook that goes on from it."""
    rows = tuple(
        {
            "priority": item.priority,
            "class": item.class_,
            "payment": item.intent_id or item.row_id or item.object_ids[0],
            "amount_minor": item.gateway_minor if item.gateway_minor is not None else item.ledger_minor or 0,
            "currency": item.currency or item.ledger_currency,
            "created_at": item.created_at,
            "age": item.age_bucket,
            "go on in": CLASSES[item.class_].notebook,
        }
        for item in result.discrepancies
    )
    return of_both(incident, "Which payments disagree?", rows, result)


def identities(incident: Incident, result: Reconciliation) -> Evidence:
    """Each number as read and as found again in the classes; money in minor units."""
    rows = tuple(
        {
            "what must be equal": each.statement,
            "currency": (each.currency or "").upper(),
            "read": each.read,
            "found": each.found,
            "residual": each.residual,
        }
        for each in sorted(result.identities, key=lambda each: each.residual == 0)
    )
    return of_both(incident, "Is everything that was read found again?", rows, result)


def of_both(incident: Incident, question: str, rows: tuple[Row, ...], result: Reconciliation) -> Evidence:
    """Rows of a reconciliation; none of one that could not be made says nothing."""
    unreadable = "; ".join(result.incomplete_because) if not result.identities else ""
    return Evidence(question, "gateway, ledger", incident.as_of, rows, unreadable=unreadable)
