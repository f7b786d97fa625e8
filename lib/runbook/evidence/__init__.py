"""Gathering: each function asks one question of one side and returns Evidence, never raising for a side that is away.

Reads only. What a reading is bounded by stands in the evidence's note.
"""

from runbook.evidence import health
from runbook.evidence.ahead import look_ahead
from runbook.evidence.deliveries import clocks, deliveries, newest_container, probes, signing_secrets
from runbook.evidence.deployment import ABSENT, deployment_store, newest_started, running_with, shown
from runbook.evidence.gathering import asked_of_ledger, gathered
from runbook.evidence.history import failed_requests, recovery_stages, what_happened
from runbook.evidence.honoured import (
    funds_declines,
    honoured_by_user,
    honoured_orders,
    other_mode_payments,
    stored_ids,
)
from runbook.evidence.keys import configured_keys, key_settings, keys_tried, new_values
from runbook.evidence.logs import log_summary
from runbook.evidence.parts import sides
from runbook.evidence.payments import (
    attempts,
    differing_amounts,
    failures_by_reason,
    known_users,
    mails_not_sent,
    missing_payments,
    repeated_orders,
    rows_without_intent,
    stuck_payments,
    window_intents,
)
from runbook.evidence.people import affected_payments, affected_people, totals
from runbook.evidence.request_rate import (
    call_rates,
    calls_and_requests,
    calls_by_minute,
    calls_in_progress,
    calls_since_repair,
    queue_settings,
    refused_calls,
)
from runbook.evidence.sample import arrivals
from runbook.evidence.webhooks import (
    endpoints,
    endpoints_in_detail,
    handled_events,
    undelivered_events,
    waiting_events,
)

__all__ = [
    "ABSENT",
    "affected_payments",
    "affected_people",
    "arrivals",
    "asked_of_ledger",
    "attempts",
    "call_rates",
    "calls_and_requests",
    "calls_by_minute",
    "calls_in_progress",
    "calls_since_repair",
    "clocks",
    "configured_keys",
    "deliveries",
    "deployment_store",
    "differing_amounts",
    "endpoints",
    "endpoints_in_detail",
    "failed_requests",
    "failures_by_reason",
    "funds_declines",
    "gathered",
    "handled_events",
    "health",
    "honoured_by_user",
    "honoured_orders",
    "key_settings",
    "keys_tried",
    "known_users",
    "log_summary",
    "look_ahead",
    "mails_not_sent",
    "missing_payments",
    "new_values",
    "newest_container",
    "newest_started",
    "other_mode_payments",
    "probes",
    "queue_settings",
    "recovery_stages",
    "refused_calls",
    "repeated_orders",
    "rows_without_intent",
    "running_with",
    "shown",
    "sides",
    "signing_secrets",
    "stored_ids",
    "stuck_payments",
    "totals",
    "undelivered_events",
    "waiting_events",
    "what_happened",
    "window_intents",
]
