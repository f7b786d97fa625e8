"""Triage's questions, each answered from evidence by a pure function that returns a Finding.

The order of the questions does not matter: every finding only speaks for causes or strikes them out. What they come to
is said by `diagnose`.
"""

from runbook.judgement.diagnosis import all_suspects, diagnose, impact
from runbook.judgement.triage.customers import (
    UNRECORDED,
    customers_pay_as_usual,
    payments_are_recorded,
    requests_succeed,
)
from runbook.judgement.triage.database import DATABASE_ERRORS, database_answers, transactions_are_kept
from runbook.judgement.triage.gateway import (
    calls_are_within_limits,
    gateway_is_up,
    requests_are_valid,
    service_key_is_accepted,
)
from runbook.judgement.triage.keys import keys_have_the_right_mode
from runbook.judgement.triage.webhooks import (
    events_are_subscribed,
    handler_runs_through,
    signatures_verify,
    webhooks_are_handled,
)

__all__ = [
    "DATABASE_ERRORS",
    "UNRECORDED",
    "all_suspects",
    "calls_are_within_limits",
    "customers_pay_as_usual",
    "database_answers",
    "diagnose",
    "events_are_subscribed",
    "gateway_is_up",
    "handler_runs_through",
    "impact",
    "keys_have_the_right_mode",
    "payments_are_recorded",
    "requests_are_valid",
    "requests_succeed",
    "service_key_is_accepted",
    "signatures_verify",
    "transactions_are_kept",
    "webhooks_are_handled",
]
