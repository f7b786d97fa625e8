"""Nothing is wrong. The pager says: somebody wrote that payments fail.

quiet  a good day
noisy  a good day with all that goes wrong on good days and mends itself
late   a good day that ends with a card that was declined twice and a checkout that was left open: one unhappy customer
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth
from practice.traffic.history import History
from practice.traffic.noise import lay_noise
from practice.traffic.plan import MINUTE, Outcome, purchase

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "nothing_wrong"
STOPS = "There is nothing that could stop."
VARIANTS = ("quiet", "noisy", "late")
UNHAPPY: tuple[tuple[float, Outcome, str], ...] = (
    (34.0, "declined", "insufficient_funds"), (31.0, "declined", "insufficient_funds"), (28.0, "abandoned", ""),
)


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    random, now = Random(f"{CAUSE} {variant} {seed}"), world.now()
    if variant == "noisy":
        lay_noise(world, "heavy", seed)
    if variant == "late":
        history = History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)
        who = random.choice(world.plan.people)
        for minutes, outcome, reason in UNHAPPY:
            history.lay(replace(purchase(random, who, now - minutes * MINUTE, outcome), decline_code=reason))
        world.add(history)
    return Truth(CAUSE, variant, seed, now, now, STOPS, (), expected="none")


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
