"""Which questions are asked together: the one list that the notebook's cells and a triage in one call both go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runbook.facts import Alarms, Evidence, Finding
from runbook.judgement.log_summary import LogSummary
from runbook.judgement.triage.alarms import (
    checkouts_are_tried,
    checkouts_keep_coming,
    errors_have_names,
    requests_are_not_refused,
    service_is_up,
)
from runbook.judgement.triage.customers import requests_succeed
from runbook.judgement.triage.database import database_answers, transactions_are_kept
from runbook.judgement.triage.gateway import (
    calls_are_within_limits,
    gateway_is_up,
    requests_are_valid,
    service_key_is_accepted,
)
from runbook.judgement.triage.keys import objects_are_of_the_keys_mode
from runbook.judgement.triage.webhooks import handler_runs_through, signatures_verify, webhooks_are_handled
from runbook.target import Target


def of_the_logs(logs: LogSummary, log: Evidence) -> tuple[Finding, ...]:
    """What the logs name, or show the absence of."""
    return (
        service_key_is_accepted(logs, log),
        signatures_verify(logs, log),
        calls_are_within_limits(logs, log),
        requests_are_valid(logs, log),
        objects_are_of_the_keys_mode(logs, log),
        handler_runs_through(logs, log),
        transactions_are_kept(logs, log),
    )


def of_the_sides(logs: LogSummary, log: Evidence, sides: Evidence) -> tuple[Finding, ...]:
    """Whether what the service depends on answers."""
    return gateway_is_up(logs, log, sides), database_answers(logs, log, sides)


def alarms(
    findings: Sequence[Finding],
    logs: LogSummary,
    log: Evidence,
    sides: Evidence,
    arrivals: Evidence,
    attempts: Evidence,
    settings: Target,
    now: datetime,
) -> Alarms:
    """What rings without saying why; `findings` are those that speak for causes as well, or were shown before."""
    return Alarms((
        *findings,
        webhooks_are_handled(logs, log, settings.thresholds),
        requests_succeed(logs, log, settings.thresholds),
        service_is_up(sides),
        errors_have_names(logs, log),
        requests_are_not_refused(logs, log),
        checkouts_keep_coming(arrivals, now),
        checkouts_are_tried(attempts),
    ))
