"""A day of payments on paper: pure, and the same for the same seed and clock."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from practice.traffic.people import Person, person, price

DAY = 86_400.0
MINUTE = 60.0

Outcome = Literal[
    "paid",        # charged, recorded, confirmed
    "declined",    # the customer's own bank said no
    "abandoned",   # checkout opened, never paid: PENDING for ever, and nothing is wrong
    "open",        # checkout opened a moment ago; the customer may still pay
    "needs_action",  # the bank asks the customer to authenticate
    "processing",  # the money is under way
    "held",        # authorised, captured on shipping
    "canceled",    # given up by the shop
    "late",        # paid a moment ago; Stripe's event is still under way
]

# Shares of a day's payments that are not simply paid, in permille; the rest of the day is.
SHARES_PERMILLE: dict[Outcome, int] = {"declined": 60, "abandoned": 40, "needs_action": 8, "canceled": 4}
REFUNDS_PERMILLE, PARTIAL_REFUND_EVERY = 20, 3
# A few of each, whatever the size of the day.
EXACTLY: dict[Outcome, int] = {"processing": 2, "held": 2}
DISPUTES = 2
JUST_NOW: tuple[Outcome, ...] = ("open", "open", "open", "needs_action", "late", "late")

# Stripe's decline codes with the share of each among a shop's declines.
DECLINES = {
    "insufficient_funds": 38, "generic_decline": 24, "do_not_honor": 14, "expired_card": 8, "incorrect_cvc": 7,
    "transaction_not_allowed": 5, "lost_card": 2, "card_velocity_exceeded": 2,
}
# Sales by hour of the day (UTC) of a shop whose customers sit mostly in Europe and America.
SALES_BY_HOUR = (5, 4, 3, 2, 2, 2, 3, 5, 7, 9, 10, 10, 11, 11, 11, 12, 13, 14, 15, 15, 14, 12, 9, 7)
SLOT_SECONDS = 300
# Before this the customer is typing; nothing in a finished history is younger.
QUIET_SECONDS = 6 * MINUTE


@dataclass(frozen=True, slots=True)
class Purchase:
    """One checkout. `at` in unix seconds, `amount` in minor units; `paid_after`, `refunded_after` and
    `disputed_after` in seconds from `at` (0.0: never); `create_ms` and `record_ms` how long the service took."""

    person: Person
    at: float
    amount: int
    currency: str
    order: str
    transaction: uuid.UUID
    outcome: Outcome
    paid_after: float
    create_ms: int
    record_ms: int
    decline_code: str = ""
    refunded_after: float = 0.0
    refund_amount: int = 0
    disputed_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`purchases` in the order of their checkouts."""

    seed: int
    clock: float
    people: tuple[Person, ...]
    purchases: tuple[Purchase, ...]


def plan(seed: int, clock: float, payments: int, users: int) -> Plan:
    """The 24 hours before `clock` (unix seconds)."""
    random = Random(f"history {seed}")
    people = tuple(person(random, number, clock - random.uniform(1.2, 400) * DAY) for number in range(1, users + 1))
    loyalty = [min(random.paretovariate(1.6), 8.0) for _ in people]
    drawn = [
        purchase(random, random.choices(people, loyalty)[0], at, "paid")
        for at in moments(random, clock, max(0, payments - len(JUST_NOW)))
    ]
    finished = with_afterlife(random, with_outcomes(random, drawn, clock), clock)
    newest = [
        purchase(random, random.choice(people), clock - random.uniform(20, 150), outcome) for outcome in JUST_NOW
    ]
    return Plan(seed, clock, people, tuple(sorted([*finished, *newest], key=lambda made: made.at)))


def moments(random: Random, clock: float, count: int) -> Iterator[float]:
    """`count` checkout times in the day before `clock`, dense when people shop."""
    slots = [clock - QUIET_SECONDS - SLOT_SECONDS * number for number in range(1, int(DAY / SLOT_SECONDS))]
    weights = [SALES_BY_HOUR[int(slot % DAY // 3600)] for slot in slots]
    for slot in random.choices(slots, weights, k=count):
        yield slot + random.uniform(0, SLOT_SECONDS)


def purchase(random: Random, who: Person, at: float, outcome: Outcome) -> Purchase:
    return Purchase(
        person=who,
        at=round(at, 3),
        amount=price(random, who.currency),
        currency=who.currency,
        order=f"ORD-{random.randrange(16**7):07X}",
        transaction=uuid.UUID(int=random.getrandbits(128), version=4),
        outcome=outcome,
        paid_after=round(random.uniform(4, 12) if outcome == "late" else 15 + random.expovariate(1 / 40) % 180, 3),
        create_ms=round(90 + random.expovariate(1 / 45)),
        record_ms=round(45 + random.expovariate(1 / 18)),
    )


def with_outcomes(random: Random, drawn: list[Purchase], clock: float) -> list[Purchase]:
    """Deal the shares out over the day, exact in number and random in place."""
    counts = {outcome: round(len(drawn) * share / 1000) for outcome, share in SHARES_PERMILLE.items()} | EXACTLY
    outcomes: list[Outcome] = [outcome for outcome, count in counts.items() for _ in range(count)]
    places = random.sample(range(len(drawn)), min(len(outcomes), len(drawn)))
    dealt = list(drawn)
    for place, outcome in zip(places, outcomes, strict=False):
        reason = random.choices(list(DECLINES), list(DECLINES.values()))[0] if outcome == "declined" else ""
        dealt[place] = replace(drawn[place], outcome=outcome, decline_code=reason)
    return dealt


def with_afterlife(random: Random, dealt: list[Purchase], clock: float) -> list[Purchase]:
    """Refunds and disputes, of payments old enough to have had a change of heart."""
    settled = [place for place, made in enumerate(dealt) if made.outcome == "paid" and made.at < clock - DAY / 4]
    refunds = round(len(dealt) * REFUNDS_PERMILLE / 1000)
    chosen = random.sample(settled, min(refunds + DISPUTES, len(settled)))
    marked = list(dealt)
    for number, place in enumerate(chosen):
        made = dealt[place]
        later = round(random.uniform(3600, clock - 15 * MINUTE - made.at), 3)
        if number < DISPUTES:
            marked[place] = replace(made, disputed_after=later)
            continue
        partial = (number - DISPUTES) % PARTIAL_REFUND_EVERY == PARTIAL_REFUND_EVERY - 1
        share = made.amount * random.choice((25, 40, 50)) // 100 if partial else made.amount
        marked[place] = replace(made, refunded_after=later, refund_amount=share)
    return marked
