"""Gathering: each function asks one question of one side and returns Evidence, never raising for a side that is away.

Reads only. What a reading is bounded by stands in the evidence's note.
"""

from runbook.evidence.ahead import look_ahead
from runbook.evidence.deliveries import clocks, deliveries, newest_container, probes, signing_secrets
from runbook.evidence.gathering import asked_of_ledger, gathered
from runbook.evidence.history import failed_requests, recovery_stages, what_happened
from runbook.evidence.keys import configured_keys
from runbook.evidence.logs import log_summary
from runbook.evidence.parts import sides
from runbook.evidence.payments import (
    attempts,
    failures_by_reason,
    known_users,
    mails_not_sent,
    missing_payments,
    rows_without_intent,
    stuck_payments,
    window_intents,
)
from runbook.evidence.people import affected_payments, affected_people, totals
from runbook.evidence.request_rate import (
    by_minute,
    calls_and_requests,
    calls_in_progress,
    queue_settings,
    refused_calls,
    request_rate,
    since_repair,
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
    "affected_payments",
    "affected_people",
    "arrivals",
    "asked_of_ledger",
    "attempts",
    "clocks",
    "configured_keys",
    "deliveries",
    "endpoints",
    "endpoints_in_detail",
    "failed_requests",
    "failures_by_reason",
    "gathered",
    "handled_events",
    "known_users",
    "log_summary",
    "look_ahead",
    "mails_not_sent",
    "missing_payments",
    "newest_container",
    "probes",
    "recovery_stages",
    "rows_without_intent",
    "sides",
    "signing_secrets",
    "stuck_payments",
    "totals",
    "undelivered_events",
    "waiting_events",
    "what_happened",
    "window_intents",
]
