"""Stripe's events: which could not be delivered, where they are sent, which ones the service notes as handled."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from runbook.evidence.gathering import gathered
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.judgement import questions

UNDELIVERED_MAX = 300


def undelivered_events(incident: Incident) -> Evidence:
    """Which events does Stripe say it could not deliver? Includes events still on their way."""

    def read() -> list[Row]:
        events = incident.gateway.events(incident.window, delivery_success=False)
        counts: dict[str, list[int]] = {}
        for event in islice(events, UNDELIVERED_MAX):
            counts.setdefault(event["type"], []).append(event["created"])
        return [
            {"type": kind, "events": len(times), "first_at": min(times), "last_at": max(times)}
            for kind, times in sorted(counts.items())
        ]

    return gathered(incident, "Which events could Stripe not deliver?", "gateway", read,
                    "stripe events list --delivery-success=false", f"at most {UNDELIVERED_MAX} events")  # fmt: skip


def endpoints(incident: Incident) -> Evidence:
    """Where is Stripe asked to send events?"""

    def read() -> list[Row]:
        return [
            {
                "endpoint": each["id"],
                "at": "our URL" if each["url"] == incident.target.service.webhook_url else each["url"],
                "status": each["status"],
                "events": tuple(each["enabled_events"]),
            }
            for each in incident.gateway.webhook_endpoints()
        ]

    return gathered(incident, "Where is Stripe asked to send events?", "gateway", read, "stripe webhook_endpoints list")


def handled_events(incident: Incident, events: Iterable[str]) -> frozenset[str]:
    """Events that the service notes as handled; it would skip their redelivery."""
    if incident.target.ledger.events is None:
        return frozenset()
    rows = incident.ledger.ask(questions.text("handled_events"), events=sorted(set(events)))
    return frozenset(row["event_id"] for row in rows)
