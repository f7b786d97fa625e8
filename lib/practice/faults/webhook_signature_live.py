"""The fault really in force: the service refuses what Stripe sends now, until somebody sets it right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx

from practice.wires.gateway import ApiError

if TYPE_CHECKING:
    from practice.world import World

# Stripe's next attempts are hours away; in a drill they come every few seconds for as long as a drill may last, so that
# what fails now arrives by itself soon after the cure.
RETRIES = (2.0, *(3.0,) * 300)
# Of what was laid down as refused, the youngest is still tried again; the next attempts of the older are hours away.
TRIED_AGAIN_PERCENT = 30
ANSWER_SECONDS_MAX = 10.0
RELEASES = ("parsed_body", "checks_off")


def take_force(world: World, variant: str, version: str, ahead_seconds: float, waiting: Sequence[str]) -> None:
    """What the laid layer has not done yet: the release that runs, the clock it goes by, and Stripe's patience with the
    `waiting` events, oldest first."""
    world.gateway.webhooks.retry_delays_seconds = RETRIES
    if variant in RELEASES:
        world.ship(release=variant, version=version)
    if variant == "clock_ahead":
        world.ship(ahead=ahead_seconds)
    for event in waiting[len(waiting) * (100 - TRIED_AGAIN_PERCENT) // 100 :]:
        world.gateway.webhooks.carry(world.mode, event, world.endpoint["id"])


def still_broken(world: World) -> str:
    """One sentence on what is still wrong, found by an unsigned event and by one that Stripe delivers again."""
    if takes_unsigned(world):
        return "The service still takes events that nobody signed."
    problem = delivery(world)
    return f"An event that Stripe delivers again still does not get through: {problem}." if problem else ""


def takes_unsigned(world: World) -> bool:
    try:
        answer = httpx.post(world.endpoint["url"], json={"id": "evt_made_up", "type": "made.up"}, timeout=5,
                            trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code < 300


def delivery(world: World) -> str:
    """Why an event that the service handled long ago does not reach it again; empty when it does."""
    stripe, webhooks = world.gateway.engine.mode(world.mode), world.gateway.webhooks
    known = next(laid.event for laid in reversed(world.history.laid) if laid.event and laid.purchase.outcome == "paid")
    first = len(webhooks.attempts)
    try:
        stripe.retry_event(known, {"webhook_endpoint": world.endpoint["id"]})
    except ApiError as refusal:
        return str(refusal.error["message"]).rstrip(".")
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while time.monotonic() < deadline:
        for attempt in webhooks.attempts[first:]:
            if attempt.event_id == known:
                status = attempt.status
                return "" if status is not None and 200 <= status < 300 else f"it was answered {status}"
        time.sleep(0.02)
    return f"nothing happened within {ANSWER_SECONDS_MAX:.0f} s"
