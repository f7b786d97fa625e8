"""What the runbook has never seen: payments suffer, and no cause that it knows is to blame. It should say so.

tax_service       checkout asks a tax service first, which no longer answers: 500, and Stripe is never called
disk_full         checkout writes a draft invoice to a disk that is full: 500, and Stripe is never called
fraud_rule        a rule of the shop's own turns every customer away with 403, politely and without an error
checkout_blocked  a firewall in front of the shop blocks the page: nobody comes, and nothing is logged
events_late       Stripe takes the money and sends its events hours later: no webhook, no error, rows that wait
amounts_wrong     customers pay a hundredth of the price, or the hundredfold: everything else is as it should be
charged_twice     the page sends each order twice: two charges and two completed rows for every order
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Affected, Fault, Truth
from practice.faults.laying import begin, stretch
from practice.traffic.history import CHECKOUT, History
from practice.traffic.plan import MINUTE, Purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "novel"
STOPS = "It goes on until somebody finds out what it is."
SILENCE_SECONDS = 115 * MINUTE
FRAMES = {
    "tax_service": ("TaxUnavailable", "tax service did not answer within 3000 ms", "quote", "tax.py", 3012),
    "disk_full": ("OSError", "[Errno 28] No space left on device: '/var/lib/shop/drafts'", "draft", "invoices.py", 9),
}


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    random = Random(f"{CAUSE} {variant} {seed}")
    when = stretch(world, random)
    if variant == "checkout_blocked":  # a silence is either long enough to be heard, or it is none
        when = replace(when, began=when.ended - SILENCE_SECONDS)
    history = begin(world, when.began)
    affected = []
    for made in when.purchases(world, random):
        affected += LAID[variant](history, random, made)
    world.add(history)
    hurt = tuple(replace(one, variant=variant) for one in affected)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, hurt, expected="unknown")


def _affected(made: Purchase, intent: str, event: str) -> Affected:
    return Affected(intent, event, str(made.transaction), made.order, made.person.user_id, made.amount, made.currency,
                    "", "work_list", made.at + made.paid_after)


def _breaks_off(name: str) -> Callable[[History, Random, Purchase], list[Affected]]:
    """A checkout that ends before Stripe is asked."""
    kind, error, function, file, ms = FRAMES[name]

    def lay(history: History, random: Random, made: Purchase) -> list[Affected]:
        at, took = made.at + ms / 1000, ms + random.randint(0, 20)
        stack = says.stack(kind, "", [error], [(function, file), ("create_intent", "payments.py")])
        history.records += (
            says.request_failed(at, "POST", CHECKOUT, error, "", stack), says.access(at + 0.02, "POST", CHECKOUT, 500,
                                                                                     took),
        )
        return []

    return lay


def fraud_rule(history: History, random: Random, made: Purchase) -> list[Affected]:
    history.records.append(says.access(made.at + 0.03, "POST", CHECKOUT, 403, random.randint(6, 30)))
    return []


def checkout_blocked(history: History, random: Random, made: Purchase) -> list[Affected]:
    return []


def events_late(history: History, random: Random, made: Purchase) -> list[Affected]:
    row = history.check_out(made)
    return [_affected(made, row.intent, history.pay(made, row.intent, "pending"))]


def amounts_wrong(history: History, random: Random, made: Purchase) -> list[Affected]:
    """The yen has no hundredths, and somebody forgot; for the others somebody forgot that they have."""
    asked = made.amount * 100 if made.currency == "jpy" else max(50, made.amount // 100)
    known = len(history.rows)
    laid = history.lay(replace(made, amount=asked))
    history.rows[known].amount = made.amount
    return [_affected(made, laid.intent, laid.event)]


def charged_twice(history: History, random: Random, made: Purchase) -> list[Affected]:
    again = replace(made, at=made.at + random.uniform(0.2, 1.4),
                    transaction=uuid.UUID(int=random.getrandbits(128), version=4))
    history.lay(made)
    laid = history.lay(again)
    return [_affected(again, laid.intent, laid.event)]


LAID: dict[str, Callable[[History, Random, Purchase], list[Affected]]] = {
    "tax_service": _breaks_off("tax_service"),
    "disk_full": _breaks_off("disk_full"),
    **{each.__name__: each for each in (fraud_rule, checkout_blocked, events_late, amounts_wrong, charged_twice)},
}
FAULT = Fault(CAUSE, tuple(LAID), STOPS, inject)
