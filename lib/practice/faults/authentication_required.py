"""Banks want to hear from their customers first (3-D Secure). The pager says: payments hang. No incident of ours.

unanswered   the bank asks, and most customers close the window: intents wait for an answer that does not come
off_session  the shop charges saved cards while nobody is there to answer, and the bank says authentication_required
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth, scaled
from practice.faults.laying import Stretch
from practice.traffic.history import History
from practice.traffic.plan import MINUTE

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "authentication_required"
STOPS = "It ends when customers answer their banks, or the banks ask less often."
VARIANTS = ("unanswered", "off_session")
WAVE_PERCENT, WAVE_MIN, ASKED_PERCENT = 25, 60, 85


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Beside the ordinary customers, who pay as always."""
    random = Random(f"{CAUSE} {variant} {seed}")
    now = world.now()
    count = scaled(world, max(WAVE_MIN, len(world.plan.purchases) * WAVE_PERCENT // 100), 30)
    when = Stretch(now - random.uniform(70, 115) * MINUTE, now, count)
    history = History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)
    for made in when.purchases(world, random):
        if random.randrange(100) >= ASKED_PERCENT:
            history.lay(made)
        elif variant == "unanswered":
            history.lay(replace(made, outcome="needs_action"))
        else:
            history.lay(replace(made, outcome="declined", decline_code="authentication_required"))
    world.add(history)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, ())


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
