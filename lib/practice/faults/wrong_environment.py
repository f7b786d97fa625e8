"""The responder's two sides belong to different environments. The pager says: every payment is missing.

other_gateway_data  the ledger is that of another environment of the same company: Stripe knows none of its payments,
                    and has a day of others that this ledger has never heard of

Nothing is broken but the target file, and each repair that one could think of would break something.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth
from practice.traffic.history import History, Laid
from practice.traffic.plan import DAY, moments, purchase
from practice.traffic.quiet import take_back

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "wrong_environment"
STOPS = "It goes on until the target file names a gateway and a ledger that belong together."
VARIANTS = ("other_gateway_data",)
# The other environment is as busy as this one, give or take.
SIZE_PERCENT = (60, 130)


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Stripe forgets what this shop did and remembers another one's day; ledger and logs stay as they are."""
    random = Random(f"{CAUSE} {variant} {seed}")
    now, count = world.now(), len(world.plan.purchases) * random.randint(*SIZE_PERCENT) // 100
    kept, stripe = world.history, world.history.stripe
    # Everything goes, whoever laid it; of a purchase only the intent is needed for that.
    known = [Laid(world.plan.purchases[0], intent["id"]) for intent in stripe.tables["payment_intent"]]
    take_back(History(world.gateway.engine, laid=known, mode=kept.mode), 0.0)
    others = History(world.gateway.engine, wallets=dict(kept.wallets), mode=kept.mode)
    for at in moments(random, now, count):
        others.lay(purchase(random, random.choice(world.plan.people), at, "paid"))
    return Truth(CAUSE, variant, seed, now - DAY, now, STOPS, ())


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
