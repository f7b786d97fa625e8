"""Stripe's events: which could not be delivered, where they are sent, which ones the service notes as handled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlsplit

from runbook.errors import CannotLook
from runbook.evidence.gathering import gathered
from runbook.evidence.honoured import other_mode
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import questions
from runbook.judgement.triage import NEEDED_EVENT

UNDELIVERED_MAX = 300
# Half a day of a mid-sized shop.
WAITING_MAX = 1_000


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


def waiting_events(incident: Incident) -> Evidence:
    """Which events that complete payments wait at Stripe, hour by hour, by `pending_webhooks`?

    An endpoint that was disabled or not subscribed was never meant to get them: those do not wait.
    """

    def read() -> list[Row]:
        hours: Counter[datetime] = Counter()
        found = incident.gateway.events(incident.window, types=(NEEDED_EVENT,), delivery_success=False)
        for event in islice(found, WAITING_MAX):
            hours[datetime.fromtimestamp(event["created"] // 3600 * 3600, UTC)] += event["pending_webhooks"] > 0
        return [{"hour_at": hour, "events waiting": count} for hour, count in sorted(hours.items())]

    return gathered(incident, f"Which {NEEDED_EVENT} events wait at Stripe, by the hour?", "gateway", read,
                    "stripe events list --delivery-success=false", f"at most {WAITING_MAX:,} events; what no endpoint "
                    "was subscribed to does not wait")  # fmt: skip


def endpoints_in_detail(incident: Incident) -> Evidence:
    """Where does Stripe send events in this mode and, where a key for it is at hand, in the other?"""
    note = ""

    def read() -> Iterable[Row]:
        nonlocal note
        yield from (_endpoint(incident, each, "ours") for each in incident.gateway.webhook_endpoints())
        other = other_mode(incident)
        found = readable(other.reader.webhook_endpoints) if other.reader else CannotLook(other.by)
        if isinstance(found, CannotLook):
            note = f"the other mode could not be looked at: {found}"
            return
        yield from (_endpoint(incident, each, "other") for each in found)

    found = gathered(incident, "Where is Stripe asked to send events, in each mode?", "gateway", read,
                     "stripe webhook_endpoints list; stripe webhook_endpoints list --live")  # fmt: skip
    return replace(found, note=note)


def _endpoint(incident: Incident, endpoint: Row, mode: str) -> Row:
    events = endpoint["enabled_events"]
    return {
        "endpoint": endpoint["id"],
        "mode": mode,
        "at": where(endpoint["url"], incident.target.service.webhook_url),
        "status": endpoint["status"],
        "has the event": "yes" if {"*", NEEDED_EVENT} & set(events) else "no",
        "events": "all" if "*" in events else f"{len(events)}",
    }


def where(url: str, ours: str) -> str:
    """`our URL`, a path on our host, or another host with its path; never what a query string may hold."""
    if url == ours:
        return "our URL"
    one, own = urlsplit(url), urlsplit(ours)
    return f"our host, {one.path}" if one.netloc == own.netloc else f"{one.hostname}{one.path}"


def handled_events(incident: Incident, events: Iterable[str]) -> frozenset[str]:
    """Events that the service notes as handled; it would skip their redelivery."""
    if incident.target.ledger.events is None:
        return frozenset()
    rows = incident.ledger.ask(questions.text("handled_events"), events=sorted(set(events)))
    return frozenset(row["event_id"] for row in rows)
