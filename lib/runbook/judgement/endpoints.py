"""Webhook endpoints as Stripe has them: what of one may be changed, and which of several is meant to be ours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from runbook.facts import Row
from runbook.judgement.triage import NEEDED_EVENT


def endpoint_to_repair(endpoints: Sequence[Row], url: str) -> Row | None:
    """The endpoint at our URL; without one, the only one on our host, or the only one that asks for the event."""
    at_url = [each for each in endpoints if each["url"] == url]
    on_host = [each for each in endpoints if urlsplit(each["url"]).netloc == urlsplit(url).netloc]
    asking = [each for each in endpoints if {"*", NEEDED_EVENT} & set(each["enabled_events"])]
    return next((found[0] for found in (at_url[:1], on_host, asking) if len(found) == 1), None)


def image(endpoint: Row) -> dict[str, Any]:
    """What a step may change of an endpoint, in one order."""
    return {
        "url": endpoint["url"],
        "status": endpoint["status"],
        "enabled_events": sorted(endpoint["enabled_events"]),
    }
