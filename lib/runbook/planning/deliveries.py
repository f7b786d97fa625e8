"""Scenario B's plan: what keeps Stripe's events from being heard is set right, then what was missed is told again."""

from __future__ import annotations

from runbook.errors import BadInput, CannotLook, Refused
from runbook.facts import Evidence, Suspects
from runbook.incident import Incident
from runbook.judgement.mechanisms import MECHANISMS, REFUSING
from runbook.judgement.remedies import configuration as new_value
from runbook.judgement.remedies import webhook_signature
from runbook.judgement.remedies.webhook_signature import Cure
from runbook.plan import Plan, Step
from runbook.planning.configuration import changes
from runbook.planning.missing import gather_case
from runbook.planning.sealing import audit, no_plan, note_work_list, require_same_environment, seal

SAME = "the new value is the one that the service runs with already, so that setting it would change nothing"
UNEXPLAINED = "Stripe's deliveries are refused, and no mechanism that is known here explains it; read the service's log"


def plan_for_deliveries(incident: Incident, suspects: Suspects, missing: Evidence) -> Plan:
    """Sealed; empty when nothing is wrong or missing, or when a person has to act first, which the work list says."""
    try:
        require_same_environment(incident)
        if not missing.readable:
            raise CannotLook(missing.unreadable)
        if refused(suspects) and not suspects.implicated:
            raise CannotLook(UNEXPLAINED)
        cure, case = gather_cure(incident, suspects), gather_case(incident, missing)
        made = webhook_signature.plan(
            cure, missing.rows, case, incident.target.name, incident.identity, audit(incident)
        )
    except CannotLook as error:
        return no_plan(incident, webhook_signature.NAME, webhook_signature.NOTEBOOK, str(error))
    note_work_list(incident, made)
    return seal(incident, made)


def refused(suspects: Suspects) -> bool:
    """Whether deliveries were found to be refused, by whatever."""
    found = suspects.for_.get("webhook_signature", ())
    return any(set(REFUSING) & set(finding.implicates) for finding in found)


def gather_cure(incident: Incident, suspects: Suspects) -> Cure:
    mechanisms = suspects.implicated
    ways = {MECHANISMS[name].by for name in mechanisms}
    steps, why = new_secret(incident) if "secret" in ways else ((), "")
    endpoints = tuple(incident.gateway.webhook_endpoints()) if "endpoint" in ways else ()
    return Cure(mechanisms, incident.target.service.webhook_url, endpoints, steps, why)


def new_secret(incident: Incident) -> tuple[tuple[Step, ...], str]:
    """The steps that set the new signing secret and deploy it; without any, why there are none."""
    manual = incident.target.deploy.kind == "manual"
    try:
        wanted = list(changes(incident, "webhook_secret"))
    except (CannotLook, BadInput, Refused) as error:
        return (), str(error)
    made = new_value.plan(wanted, manual, incident.target.name, incident.identity, webhook_signature.NAME,
                          webhook_signature.NOTEBOOK)  # fmt: skip
    return made.steps, "" if made.steps else SAME
