"""Triage's questions, each answered from evidence by a pure function that returns a Finding.

The order of the questions does not matter: every finding only speaks for causes or strikes them out. What they come to
is said by `diagnose`.
"""

from runbook.judgement.diagnosis import all_suspects, diagnose, impact
from runbook.judgement.triage.alarms import (
    amounts_agree,
    checkouts_are_tried,
    checkouts_keep_coming,
    errors_have_names,
    orders_are_paid_once,
    requests_are_not_refused,
    service_is_up,
)
from runbook.judgement.triage.customers import (
    UNRECORDED,
    customers_pay_as_usual,
    payments_are_recorded,
    requests_succeed,
    turned_away,
)
from runbook.judgement.triage.database import DATABASE_ERRORS, database_answers, transactions_are_kept
from runbook.judgement.triage.gateway import (
    calls_are_within_limits,
    gateway_is_up,
    requests_are_valid,
    service_key_is_accepted,
)
from runbook.judgement.triage.keys import keys_are_accepted, keys_have_the_right_mode, objects_are_of_the_keys_mode
from runbook.judgement.triage.routine import alarms, of_the_logs, of_the_sides
from runbook.judgement.triage.webhooks import (
    NEEDED_EVENT,
    events_are_subscribed,
    events_must_be_signed,
    handler_runs_through,
    signatures_verify,
    webhooks_are_handled,
)

__all__ = [
    "DATABASE_ERRORS",
    "NEEDED_EVENT",
    "UNRECORDED",
    "alarms",
    "all_suspects",
    "amounts_agree",
    "calls_are_within_limits",
    "checkouts_are_tried",
    "checkouts_keep_coming",
    "customers_pay_as_usual",
    "database_answers",
    "diagnose",
    "errors_have_names",
    "events_are_subscribed",
    "events_must_be_signed",
    "gateway_is_up",
    "handler_runs_through",
    "impact",
    "keys_are_accepted",
    "keys_have_the_right_mode",
    "objects_are_of_the_keys_mode",
    "of_the_logs",
    "of_the_sides",
    "orders_are_paid_once",
    "payments_are_recorded",
    "requests_are_not_refused",
    "requests_are_valid",
    "requests_succeed",
    "service_is_up",
    "service_key_is_accepted",
    "signatures_verify",
    "transactions_are_kept",
    "turned_away",
    "webhooks_are_handled",
]
