"""The last minutes on every side: how payments ended, what Stripe delivered, how the service answered.

Always about now, also where the incident's window was frozen an hour ago.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence.gathering import gathered
from runbook.evidence.logs import entries_of, logs_by_hand
from runbook.evidence.payments import TRIAGE_INTENTS_MAX, missing_payments
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import checks, log_lines, payments, questions

# The event that completes a payment.
SUCCEEDED = "payment_intent.succeeded"
EVENTS_MAX = 3_000  # thirty pages, newest first, as for payments


def last_minutes(incident: Incident) -> Window:
    """The half hour, or what the target makes of it, until now; a second more, because Stripe counts in whole ones."""
    now = incident.clock.now()
    return Window(now - timedelta(minutes=incident.target.thresholds.success_window_minutes), next_second(now))


def next_second(now: datetime) -> datetime:
    return now.replace(microsecond=0) + timedelta(seconds=1)


def recent_payments(incident: Incident, work_list: Collection[str]) -> Evidence:
    """How did the payments of the last minutes end? Those that wait for a person's decision are left out."""
    window, now = last_minutes(incident), incident.clock.now().timestamp()
    grace = incident.target.thresholds.grace_seconds

    def read() -> Iterable[Row]:
        intents = [each for each in newest_intents(incident, window) if each["id"] not in work_list]
        noted = recorded(incident, (each["id"] for each in intents if payments.is_paid(each)))
        for each in intents:
            yield {"created_at": each["created"], "end": checks.end_of(each, noted, now, grace)}

    return gathered(incident, "How did the payments of the last minutes end?", "gateway, ledger", read,
                    "stripe payment_intents list beside psql: rows_of_intents.sql",
                    f"at most the newest {TRIAGE_INTENTS_MAX:,} payments")  # fmt: skip


def newest_intents(incident: Incident, window: Window) -> list[Row]:
    """The window's intents with their charges, which say when the money was taken; newest first, up to a bound."""
    first, last = window.epochs
    asked = {"created": {"gte": first, "lt": last}, "expand": ["data.latest_charge"]}
    return list(islice(incident.gateway.every("/v1/payment_intents", asked), TRIAGE_INTENTS_MAX))


def recorded(incident: Incident, intents: Iterable[str]) -> frozenset[str]:
    """Those of the intents that the ledger records as paid."""
    ids = sorted(intents)
    words = incident.target.ledger.status
    paid = {word for status in payments.PAID for word in words.get(status, ())}
    rows = incident.ledger.ask(questions.text("rows_of_intents"), intents=ids) if ids else []
    return frozenset(row["intent_id"] for row in rows if row["status"] in paid)


def missing_until_now(incident: Incident) -> Evidence:
    """Payments of the window that are not recorded, and those begun since it was frozen that should be by now."""
    found = missing_payments(incident, complete=True)
    later = readable(lambda: missing_since(incident, incident.window.end) if found.readable else [])
    if isinstance(later, CannotLook):
        return replace(found, rows=(), unreadable=str(later))
    return replace(found, rows=(*found.rows, *later))


def missing_since(incident: Incident, start: datetime) -> list[Row]:
    """Payments begun since then that Stripe took and the ledger has had its time to record."""
    now = incident.clock.now()
    if now <= start:
        return []
    due = now.timestamp() - incident.target.thresholds.grace_seconds
    listed = newest_intents(incident, Window(start, next_second(now)))
    paid = [each for each in listed if payments.is_paid(each) and checks.paid_at(each) <= due]
    ids = [each["id"] for each in paid]
    rows = incident.ledger.ask(questions.text("rows_of_intents"), intents=ids) if ids else []
    settings = incident.target
    return payments.missing(paid, rows, settings.ledger.status, settings.gateway.user_metadata)


def recent_events(incident: Incident, work_list: Collection[str]) -> Evidence:
    """Which events of the last minutes has Stripe delivered?"""
    window, now = last_minutes(incident), incident.clock.now().timestamp()
    grace = incident.target.thresholds.grace_seconds

    def read() -> Iterable[Row]:
        events = list(islice(incident.gateway.events(window, types=(SUCCEEDED,)), EVENTS_MAX))
        open_ = [each["data"]["object"]["id"] for each in events if each["pending_webhooks"]]
        resolved = recorded(incident, open_) | frozenset(work_list)
        for each in events:
            state = checks.delivery_of(each, resolved, now, grace)
            yield {"event": each["id"], "created_at": each["created"], "state": state}

    return gathered(incident, "Which events of the last minutes has Stripe delivered?", "gateway, ledger", read,
                    f"stripe events list --type {SUCCEEDED}", f"at most the newest {EVENTS_MAX:,} events")  # fmt: skip


def recent_requests(incident: Incident) -> Evidence:
    """How did the service answer requests on the payment paths, second by second?"""
    window, paths = last_minutes(incident), incident.target.service.paths

    def read() -> Iterable[Row]:
        seconds: dict[int, list[int]] = {}
        entries, _ = entries_of(incident, window)
        for entry in entries:
            asked = log_lines.request(entry)
            if asked and asked.path.startswith(paths.payments):
                counts = seconds.setdefault(int(entry.at.timestamp()), [0, 0])
                counts[0] += 1
                counts[1] += asked.status >= 500
        return [{"created_at": at, "requests": seen, "failed": bad} for at, (seen, bad) in sorted(seconds.items())]

    question = "How were requests on the payment paths answered?"
    return gathered(incident, question, "logs", read, logs_by_hand(incident, window.start))
