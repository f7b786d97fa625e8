"""What the look-alikes have in common: how long they last, who comes meanwhile, and a checkout that Stripe refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import scaled
from practice.traffic.history import CHECKOUT, History
from practice.traffic.plan import DAY, MINUTE, Outcome, Purchase, purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

# A fault of full size began so long ago; a small one is young.
LASTS_MINUTES, SHORTEST_MINUTES = (55, 110), 21
# Customers who find a checkout broken come again; a small shop shows its trouble by no fewer than so many attempts.
COME_AGAIN, ATTEMPTS_MIN, ATTEMPTS_LEAST = 1.6, 26, 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when, in unix seconds, and how many come."""

    began: float
    ended: float
    count: int

    def purchases(self, world: World, random: Random, outcome: Outcome = "paid") -> Iterator[Purchase]:
        """Checkouts in this time, in order; what is paid is paid within a minute or two."""
        for at in sorted(random.uniform(self.began + 5, self.ended - 150) for _ in range(self.count)):
            yield purchase(random, random.choice(world.plan.people), at, outcome)


def stretch(world: World, random: Random, least: int = ATTEMPTS_LEAST) -> Stretch:
    """A fault that still goes on, as long and as busy as the world's severity has it."""
    now = world.now()
    seconds = scaled(world, round(random.uniform(*LASTS_MINUTES)), SHORTEST_MINUTES) * MINUTE
    usual = len(world.plan.purchases) * seconds / DAY * COME_AGAIN
    return Stretch(now - seconds, now, max(least, scaled(world, ATTEMPTS_MIN, least), round(usual)))


def begin(world: World, since: float) -> History:
    """Nobody pays as usual from then on; the history is for what happens instead."""
    world.quiet_since(since)
    return History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a call to Stripe went wrong, as its SDK tells it; `status` 0: no answer came. `ms`: from, to."""

    status: int
    kind: str
    type: str
    code: str
    message: str
    ms: tuple[int, int] = (60, 160)


def refused(history: History, random: Random, made: Purchase, refusal: Refusal, path: str = "/v1/payment_intents",
            ) -> None:
    """A checkout that ends with Stripe's refusal: no intent, no row, and a 502 for the customer."""
    ms = random.randint(*refusal.ms)
    done = made.at + ms / 1000
    history.records += (
        says.stripe_refusal(done, "POST", path, refusal.status, ms, request_id(random) if refusal.status else "",
                            kind=refusal.kind, error_type=refusal.type, code=refusal.code, decline_code="",
                            message=refusal.message),
        says.access(done + 0.006, "POST", CHECKOUT, 502, ms + 8),
    )


def request_id(random: Random) -> str:
    return f"req_{random.getrandbits(56):014x}"
