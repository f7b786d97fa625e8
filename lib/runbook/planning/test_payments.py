"""Verification's test payment, where one is allowed."""

from __future__ import annotations

from runbook.errors import CannotLook
from runbook.incident import Incident
from runbook.judgement.remedies import test_payment
from runbook.plan import Plan
from runbook.planning.sealing import completed_word, no_plan, require_same_environment, seal


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
