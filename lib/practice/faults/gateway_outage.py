"""Stripe itself is in trouble. The pager says: nobody can pay.

Variants, and what Stripe's own status page says meanwhile (it may lag behind, or be no page that a program can read):

errors       500 to most calls that write; reading still works; the page says major
unavailable  503 from the edge to everything, our own probe included; the page says critical
timeouts     calls that write are never answered; the page says that all is well
resets       the connection is closed under every call that writes; the page is an empty shell
over         as `errors`, but it ended some minutes ago, and people pay again; the page says that all is well
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth
from practice.faults.laying import Refusal, begin, refused, stretch
from practice.traffic.plan import MINUTE
from practice.wires.gateway import Fault as Trouble
from practice.wires.gateway.status import Indicator

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "gateway_outage"
STOPS = "It goes on until Stripe has mended it; nothing of ours can."
OVER_SINCE_SECONDS = 9 * MINUTE

CONTACT = "If this problem persists, let us know at support@stripe.com."
HOST = "HTTPSConnectionPool(host='api.stripe.com', port=443)"
ERROR = Refusal(500, "APIError", "api_error", "", "An unknown error occurred on Stripe's side. Try again later.")
TIMEOUT = Refusal(
    0, "APIConnectionError", "api_connection_error", "",
    f"Unexpected error communicating with Stripe. {CONTACT} (Network error: ReadTimeout: {HOST}: Read timed out. "
    "(read timeout=10))", (20_400, 21_600))
RESET = Refusal(
    0, "APIConnectionError", "api_connection_error", "",
    f"Unexpected error communicating with Stripe. {CONTACT} (Network error: ConnectionError: ('Connection aborted.', "
    "RemoteDisconnected('Remote end closed connection without response')))", (520, 900))


@dataclass(frozen=True, slots=True)
class How:
    """What the service's calls meet, what Stripe does from now on, and its status page. `trouble` None: nothing."""

    refusal: Refusal
    trouble: Trouble | None
    page: Indicator = "none"
    shell: bool = False


def hows() -> dict[str, How]:
    """Made anew for each world, for a trouble counts how often it struck."""
    writes = ("POST",)
    return {
        "errors": How(ERROR, Trouble("error", 500, methods=writes), "major"),
        "unavailable": How(replace(ERROR, status=503), Trouble("edge", 503), "critical"),
        "timeouts": How(TIMEOUT, Trouble("hang", seconds=60.0, methods=writes)),
        "resets": How(RESET, Trouble("reset", methods=writes), shell=True),
        "over": How(ERROR, None),
    }


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Stripe's side really is so from now on, with or without customers. What was under way is not told of."""
    random, how = Random(f"{CAUSE} {variant} {seed}"), hows()[variant]
    when = stretch(world, random)
    history = begin(world, when.began)
    ended = when.ended - OVER_SINCE_SECONDS if variant == "over" else when.ended
    for made in replace(when, ended=ended).purchases(world, random):
        refused(history, random, made, how.refusal)
    if variant == "over":
        for made in replace(when, began=ended, count=max(3, when.count // 6)).purchases(world, random):
            history.lay(made)
    world.add(history)
    if how.trouble is not None:
        world.gateway.faults.add(how.trouble)
    world.gateway.status.indicator, world.gateway.status.shell = how.page, how.shell
    return Truth(CAUSE, variant, seed, when.began, ended, STOPS, (),
                 still_broken=lambda seen: still_broken(seen, how.trouble))


def still_broken(world: World, trouble: Trouble | None) -> str:
    return "Stripe is still in trouble." if trouble is not None and world.gateway.faults.holds(trouble) else ""


FAULT = Fault(CAUSE, tuple(hows()), STOPS, inject)
