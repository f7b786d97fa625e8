"""Scenario E's plan: keys of the right mode for every part, and the orders that a person must decide."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.errors import CannotLook
from runbook.evidence.keys import key_settings
from runbook.facts import Evidence
from runbook.incident import Incident
from runbook.judgement.remedies import configuration, test_key
from runbook.judgement.remedies.configuration import Change
from runbook.judgement.remedies.test_key import Case
from runbook.plan import Plan
from runbook.planning.configuration import changes
from runbook.planning.sealing import no_plan, note_work_list, require_same_environment, seal


def plan_for_test_mode(incident: Incident, orders: Evidence) -> Plan:
    """One plan for all the keys, sealed in the journal. Without steps where every key is of the right mode, and with
    the reason where a new one is missing, or is none that Stripe takes."""
    try:
        require_same_environment(incident)
        case = gather_case(incident, orders)
        wanted = list(replacements(incident, case))
    except CannotLook as error:
        return no_plan(incident, test_key.NAME, test_key.NOTEBOOK, str(error))
    keys = configuration.plan(wanted, incident.target.deploy.kind == "manual", incident.target.name, incident.identity,
                              test_key.NAME, test_key.NOTEBOOK)  # fmt: skip
    made = test_key.with_orders(keys, case)
    note_work_list(incident, made)
    return seal(incident, made)


def gather_case(incident: Incident, orders: Evidence) -> Case:
    """Raises CannotLook where the keys cannot be read; orders that cannot be told do not keep the keys from cure."""
    settings = key_settings(incident)
    if not settings.readable:
        raise CannotLook(settings.unreadable)
    return Case(
        expected_mode=incident.target.gateway.expected_mode,
        keys=settings.rows,
        webhook_at_hand=bool(incident.target.deploy.new_values.webhook_secret.given()),
        orders=orders.rows,
        orders_unknown=orders.unreadable,
    )


def replacements(incident: Incident, case: Case) -> Iterator[Change]:
    """Every place of every role that is to be replaced; the new values have been proven at Stripe."""
    for role in test_key.roles_to_replace(case):
        yield from changes(incident, role)
