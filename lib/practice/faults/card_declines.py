"""Cards are declined, many more than on other days. The pager says: the success rate falls. No incident of ours.

issuer_wave   one bank, in trouble or over-cautious, says no to most of its customers for an hour or two
card_testing  somebody tries stolen cards: hundreds of cards within minutes, a handful of accounts, small amounts
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth, scaled
from practice.faults.laying import Stretch
from practice.traffic.history import History
from practice.traffic.people import card_number
from practice.traffic.plan import MINUTE, Purchase, purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "card_declines"
STOPS = "It ends when the bank, or whoever tries the cards, has had enough."
VARIANTS = ("issuer_wave", "card_testing")
# Of the day's payments so many more attempts, of which so many are declined.
WAVE_PERCENT, WAVE_MIN, DECLINED_PERCENT = 25, 60, 85
TESTED_MIN, TESTED_PERCENT, ACCOUNTS = 150, 60, 4
SMALL = {"jpy": (100, 250)}
SMALL_ELSEWHERE = (1_00, 2_50)
TESTED = {"generic_decline": 45, "incorrect_cvc": 25, "expired_card": 12, "lost_card": 6, "stolen_card": 6,
          "fraudulent": 6}
KIND = "payment_intent.payment_failed"


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Beside the ordinary customers, who pay as always."""
    random = Random(f"{CAUSE} {variant} {seed}")
    now, payments = world.now(), len(world.plan.purchases)
    history = History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)
    if variant == "issuer_wave":
        count = scaled(world, max(WAVE_MIN, payments * WAVE_PERCENT // 100), 30)
        when = Stretch(now - random.uniform(70, 115) * MINUTE, now, count)
        reason = random.choice(("do_not_honor", "generic_decline", "insufficient_funds"))
        for made in when.purchases(world, random):
            declined = random.randrange(100) < DECLINED_PERCENT
            history.lay(replace(made, outcome="declined", decline_code=reason) if declined else made)
    else:
        count = scaled(world, max(TESTED_MIN, payments * TESTED_PERCENT // 100), 60)
        when = Stretch(now - random.uniform(30, 60) * MINUTE, now, count)
        accounts = random.sample(world.plan.people, ACCOUNTS)
        for at in sorted(random.uniform(when.began, when.ended - 60) for _ in range(count)):
            _test_a_card(history, random, purchase(random, random.choice(accounts), at, "declined"))
    world.add(history)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, ())


def _test_a_card(history: History, random: Random, drawn: Purchase) -> None:
    """A program needs a second where people need a minute, and each attempt is a card of its own."""
    reason = random.choices(list(TESTED), list(TESTED.values()))[0]
    made = replace(drawn, amount=random.randint(*SMALL.get(drawn.currency, SMALL_ELSEWHERE)),
                   paid_after=random.uniform(0.8, 2.5), decline_code=reason)
    row, stripe = history.check_out(made), history.stripe
    with history.engine.at(made.at + made.paid_after):
        card = stripe.create_payment_method({"type": "card", "card": {"number": card_number(random)}})
        known = len(stripe.deliveries)
        stripe.confirm(row.intent, {"payment_method": card["id"]}, decline=reason)
        caused = list(stripe.deliveries)[known:]
    error, heard = stripe.find("payment_intent", row.intent)["last_payment_error"], history.heard_at(made)
    event = next(each for each in caused if stripe.find("event", each)["type"] == KIND)
    said = says.payment_declined(heard + 0.006, row.intent, error["code"], error["decline_code"])
    history.hear(event, KIND, row.intent, heard, 9, [said])
    row.status, row.failure_reason, row.updated_at = "FAILED", error["decline_code"], heard + 0.004


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
