"""The limits, really in force at the simulated Stripe, and customers who meet them until the service calls slowly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from practice.faults.rate_limited_waves import ACCOUNT_PER_SECOND, ENDPOINT_PER_SECOND, IN_FLIGHT_MAX, INTENTS
from practice.traffic.crowd import Crowd
from practice.wires.gateway.faults import Fault
from practice.wires.service.queue import QueueSettings

if TYPE_CHECKING:
    from practice.world import World

# Stripe once counted reads and writes apart, and so do these limits: who only looks is not hindered by what they see.
WRITES = ("POST",)
SLOW_SECONDS = 1.0
# A share of calls that other programs on the account leave no budget for, or that meet a locked object.
OTHERS_SHARE, LOCKED_SHARE = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Force:
    """What is put in force: faults of Stripe's, and a crowd of so many checkouts every so many seconds. `per_second`
    and `in_flight`: what the service must stay below to be cured, 0 where that is not what it takes."""

    faults: tuple[Callable[[], Fault], ...]
    size: int
    every_seconds: float
    per_second: int = 0
    in_flight: int = 0


def limit(reason: str | None, path: str = "/v1/", **more: object) -> Callable[[], Fault]:
    return partial(Fault, "rate_limit", 429, reason, path=path, methods=WRITES, **more)  # type: ignore[arg-type]


FORCES = {
    "traffic_burst": Force((limit("global-rate", per_second=ACCOUNT_PER_SECOND),), 40, 8.0, ACCOUNT_PER_SECOND),
    "retry_storm": Force((limit("global-rate", per_second=ACCOUNT_PER_SECOND, counts_refused=True),), 36, 10.0,
                         ACCOUNT_PER_SECOND),
    "other_job": Force((limit("global-rate", share=OTHERS_SHARE),), 3, 2.0),
    "endpoint_limit": Force((limit("endpoint-rate", INTENTS, per_second=ENDPOINT_PER_SECOND),), 32, 8.0,
                            ENDPOINT_PER_SECOND),
    "concurrency": Force((limit("global-concurrency", in_flight_max=IN_FLIGHT_MAX),
                          partial(Fault, "slow", 200, seconds=SLOW_SECONDS, executes=True, path=INTENTS,
                                  methods=WRITES)), 20, 8.0, in_flight=IN_FLIGHT_MAX),
    "lock_timeout": Force((limit(None, INTENTS, share=LOCKED_SHARE),), 4, 4.0),
}  # fmt: skip


# The crowd of each world that has one; it goes home when its world closes.
CROWDS: WeakKeyDictionary[World, Crowd] = WeakKeyDictionary()


def take_force(world: World, variant: str, seed: int) -> None:
    """From now on Stripe's limit holds and crowds come. Who injects this into a running world meets it at once."""
    force = FORCES[variant]
    for make in force.faults:
        world.gateway.faults.add(make())
    people, wallets = world.plan.people, world.history.wallets
    CROWDS[world] = crowd = Crowd(world.shopper, people, wallets, seed, force.size, force.every_seconds)
    crowd.start()


def still_broken(world: World, variant: str) -> str:
    """What the service's container is set to, held against the limit; and whether it was refused since it started."""
    force = FORCES[variant]
    queue = QueueSettings.from_environment(world.process.definition.environment)
    if variant == "lock_timeout":
        return ""  # a matter for developers; no setting and no row is wrong
    if queue.retry_max and queue.jitter == "none":
        return "The service still repeats refused calls without a pause."
    if variant == "other_job" and not queue.retry_max:
        return "A call that finds no budget left is still given up at once."
    if force.per_second and queue.most_in_a_second > force.per_second:
        return f"The service may still begin more than {force.per_second} calls a second."
    if force.in_flight and not 0 < queue.concurrency <= force.in_flight:
        return f"The service may still have more than {force.in_flight} calls in progress."
    refused = refused_since_start(world) if variant != "other_job" else 0
    return f"Stripe has refused {refused} calls of the service since its container started." if refused else ""


def refused_since_start(world: World) -> int:
    started = world.process.state.started_at or 0.0
    return sum(seen.status == 429 and seen.at >= started for seen in world.gateway.requests)
