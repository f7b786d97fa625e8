"""Gathering: each function asks one question of one side and returns Evidence, never raising for a side that is away.

Reads only. What a reading is bounded by stands in the evidence's note.
"""

from runbook.evidence.ahead import look_ahead
from runbook.evidence.deliveries import clocks, deliveries, newest_container, probes, signing_secrets
from runbook.evidence.gathering import asked_of_ledger, gathered
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
from runbook.evidence.sample import arrivals
from runbook.evidence.webhooks import (
    endpoints,
    endpoints_in_detail,
    handled_events,
    undelivered_events,
    waiting_events,
)

__all__ = [
    "arrivals",
    "asked_of_ledger",
    "attempts",
    "clocks",
    "configured_keys",
    "deliveries",
    "endpoints",
    "endpoints_in_detail",
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
    "rows_without_intent",
    "sides",
    "signing_secrets",
    "stuck_payments",
    "undelivered_events",
    "waiting_events",
    "window_intents",
]
