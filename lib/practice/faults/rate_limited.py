"""Stripe refuses calls because there are too many, or says 429 for a reason that only looks like it.

variant         mechanism                                evidence                                   cure
--------------  ---------------------------------------  -----------------------------------------  ------------------
traffic_burst   a mail to all customers, again and       429 global-rate; checkouts and calls rise  queue
                again: everybody comes at once           together, about one call each
retry_storm     the service tries again at once, twelve  429 global-rate; a dozen calls for each    retry with pauses,
                times, and keeps Stripe's door shut      checkout; STRIPE_RETRY_MAX=12, no pause    queue
other_job       another job with the same key reads the  429 global-rate while our own calls are    a key of its own
                whole account                            few                                        for the job; queue
endpoint_limit  as traffic_burst, at one endpoint's      429 endpoint-rate on one path; other       queue
                limit                                    paths go on
concurrency     Stripe takes seconds for a call, and     429 global-concurrency; few calls a        queue
                calls pile up                            second, many at once
lock_timeout    two calls about one customer at once     429, code lock_timeout, no reason header   developers: one
                                                         after two seconds                          call at a time

`lock_timeout` is no rate limit: fewer calls would not end it. Stripe's own type for it is invalid_request_error, and
the cause is the service's way of asking, so that `invalid_requests` is what a responder should conclude.

A refused checkout has no intent, so no money is ever taken for it: nothing is to be repaired afterwards, and what was
lost are the customers who went away. Ordinary purchases of the same hours go through between the waves.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from practice.faults import rate_limited_live
from practice.faults import rate_limited_waves as waves
from practice.faults.fault import Fault, Truth
from practice.faults.rate_limited_waves import ACCOUNT_PER_SECOND, ENDPOINT_PER_SECOND, STORM_RETRIES, Past
from practice.traffic.history import History
from practice.traffic.plan import MINUTE

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "rate_limited"
STOPS = ("It does not stop by itself: every wave of customers is refused again until the service calls Stripe no "
         "faster than it may.")
BEGAN_AGO = (20 * MINUTE, 120 * MINUTE)
# A shop with this many payments a day has the full damage; a smaller one less.
FULL_PAYMENTS = 2_000
SMALLEST_SHARE = 0.25
# What the release of that day brought along: a loop around the call, and no thought of a pause.
STORM = {"STRIPE_RETRY_MAX": str(STORM_RETRIES), "STRIPE_RETRY_JITTER": "none"}

LAYS: dict[str, Callable[[Past, float], None]] = {
    "traffic_burst": lambda past, began: waves.burst(past, began, "global-rate", ACCOUNT_PER_SECOND),
    "retry_storm": waves.storm,
    "other_job": waves.strangers,
    "endpoint_limit": lambda past, began: waves.burst(past, began, "endpoint-rate", ENDPOINT_PER_SECOND, True),
    "concurrency": waves.parallel,
    "lock_timeout": waves.locked,
}
VARIANTS = tuple(LAYS)
EXPECTED = {"lock_timeout": "invalid_requests"}


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Lay the waves of the last hour or two; with `live`, let them go on."""
    now, random = world.now(), Random(f"{CAUSE} {variant} {seed}")
    began = round(now - random.uniform(*BEGAN_AGO), 3)
    history = History(world.gateway.engine, wallets=dict(world.history.wallets))
    if variant == "retry_storm":
        world.reconfigure(STORM, at=began - MINUTE)
    LAYS[variant](Past(history, world.plan, random, now, damage_of(world)), began)
    world.add(history)
    if live:
        rate_limited_live.take_force(world, variant, seed)
    return Truth(CAUSE, variant, seed, began, now, STOPS, (), EXPECTED.get(variant, ""),
                 still_broken=lambda seen: rate_limited_live.still_broken(seen, variant))


def damage_of(world: World) -> float:
    """How much of the full damage: by the size of the shop, and by the severity where a world has one."""
    share = min(1.0, max(SMALLEST_SHARE, len(world.plan.purchases) / FULL_PAYMENTS))
    return share * float(getattr(world, "severity", 1.0))


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
