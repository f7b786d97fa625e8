"""The past of a rate limit: who called when, whom Stripe let through, and what the service wrote of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from practice.traffic.history import CHECKOUT, LETTERS, History
from practice.traffic.people import person
from practice.traffic.plan import MINUTE, Plan, Purchase, purchase
from practice.wires.gateway import errors
from practice.wires.service import says
from practice.wires.service.records import Record

# What this account may do, as its owner was told and the practice target repeats: calls a second in all, to one
# endpoint, and writes in progress. Small, so that a real burst fits onto a laptop.
ACCOUNT_PER_SECOND, ENDPOINT_PER_SECOND, IN_FLIGHT_MAX = 20, 15, 8
INTENTS, CUSTOMERS = "/v1/payment_intents", "/v1/customers"
# The naive loop of the retry storm: so many attempts after the first, and no pause between them.
STORM_RETRIES = 12
# Stripe waits about two seconds for a locked object before it gives up.
LOCK_WAIT_MS = (1_900, 2_600)
# Nobody who came this recently has paid yet.
QUIET_SECONDS = 4 * MINUTE


@dataclass(slots=True)
class Bucket:
    """Stripe's door in front of one budget: a second's worth of calls, filled again steadily."""

    per_second: float
    counts_refused: bool = False
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.per_second

    def lets(self, at: float) -> bool:
        self.tokens = min(self.per_second, self.tokens + (at - self.at) * self.per_second)
        self.at = at
        passes = self.tokens >= 1
        if passes or self.counts_refused:
            self.tokens = max(self.tokens - 1, -self.per_second)
        return passes


@dataclass(slots=True)
class Past:
    """Lays calls into a history. `lost` counts checkouts that the service could only answer 502."""

    history: History
    plan: Plan
    random: Random
    now: float
    size: float  # how much of the full damage, in waves: by the size of the shop and the severity
    lost: int = 0

    def about(self, count: int) -> int:
        return round(count * self.random.uniform(0.85, 1.15))

    def starts(self, began: float, full: int, least: int, lasting: float) -> list[float]:
        """When the waves begin: the first with the fault, the last a few minutes ago, the rest spread between."""
        waves = max(least, self.about(round(full * self.size)))
        last = max(began, self.now - lasting - self.random.uniform(60, 150))
        step = (last - began) / max(1, waves - 1)
        return [began + step * number for number in range(waves)]

    def customer(self, at: float) -> Purchase:
        made = purchase(self.random, self.random.choice(self.plan.people), at, "paid")
        return made if at + made.paid_after < self.now - QUIET_SECONDS / 2 else replace(made, outcome="abandoned")

    def accept(self, made: Purchase) -> None:
        self.history.lay(made)

    def refuse(self, made: Purchase, reason: str | None, ms: int, answered: bool = True) -> None:
        """One refused call of a checkout that began at `made.at`; `answered`: the service gives up with it."""
        self.history.records.append(refused(self.random, made.at + ms / 1000, INTENTS, reason, ms))
        if answered:
            self.lost += 1
            done = made.at + ms / 1000 + 0.004
            self.history.records.append(says.access(done, "POST", CHECKOUT, 502, ms + 8))

    def sign_up(self, at: float, number: int) -> None:
        """Somebody new, whose customer Stripe makes without ado."""
        self.history.register(person(self.random, number, at))
        self.history.records += (
            says.stripe_call(at + 0.11, "POST", CUSTOMERS, 200, 104, request_id(self.random)),
            says.access(at + 0.118, "POST", "/api/customers", 201, 118),
        )


def request_id(random: Random) -> str:
    return "req_" + "".join(random.choices(LETTERS, k=14))


def refused(random: Random, at: float, path: str, reason: str | None, ms: int) -> Record:
    """A 429 as the running service writes it; a test compares the two."""
    said = errors.rate_limited(reason)
    return says.stripe_refusal(
        at, "POST", path, 429, ms, request_id(random), kind="RateLimitError", error_type="rate_limit_error",
        code=said.code or "", decline_code="", message=said.message, reason=reason or "",
    )


def burst(past: Past, began: float, reason: str, per_second: float, with_sign_ups: bool = False) -> None:
    """Everybody comes at once (a mail to all customers, tickets at the full minute), again and again."""
    for start in past.starts(began, 12, 2, 4):
        bucket, seconds = Bucket(per_second), past.random.uniform(1.2, 1.8)
        for at in crowd(past.random, start, seconds, past.about(90)):
            made = past.customer(at)
            if bucket.lets(at):
                past.accept(made)
            else:
                past.refuse(made, reason, past.random.randint(9, 40))
        if with_sign_ups:
            for number in range(2):
                past.sign_up(start + past.random.uniform(0, seconds), int(start) % 10**6 * 10 + number)


def crowd(random: Random, start: float, seconds: float, count: int) -> list[float]:
    return sorted(round(start + random.uniform(0, seconds), 3) for _ in range(count))


def storm(past: Past, began: float) -> None:
    """A push at the start; from then on each refused checkout tries again at once, and keeps Stripe's door shut."""
    for start in past.starts(began, 8, 2, 14):
        bucket = Bucket(ACCOUNT_PER_SECOND, counts_refused=True)
        bucket.at, bucket.tokens = start, -ACCOUNT_PER_SECOND
        for made, attempts, passed in tried(past, bucket, start, past.about(24)):
            for at in attempts[:-1] if passed else attempts:
                past.refuse(replace(made, at=at), "global-rate", past.random.randint(9, 40), answered=False)
            if passed:
                past.accept(replace(made, at=round(attempts[-1], 3)))
            else:
                past.lost += 1
                took = round((attempts[-1] - made.at) * 1000) + 44
                past.history.records.append(says.access(made.at + took / 1000, "POST", CHECKOUT, 502, took))


def tried(past: Past, bucket: Bucket, start: float, checkouts: int) -> Iterator[tuple[Purchase, list[float], bool]]:
    """Each checkout of a storm: when it called, and whether the last call passed. Calls of all are mixed in time."""
    came = [past.customer(at) for at in crowd(past.random, start, 12.0, checkouts)]
    calls: dict[int, list[float]] = {number: [] for number in range(len(came))}
    passed: set[int] = set()
    due = [(made.at, number) for number, made in enumerate(came)]
    heapq.heapify(due)
    while due:
        at, number = heapq.heappop(due)
        calls[number].append(at)
        if bucket.lets(at):
            passed.add(number)
        elif len(calls[number]) <= STORM_RETRIES:
            heapq.heappush(due, (at + past.random.uniform(0.012, 0.045), number))
    yield from ((made, calls[number], number in passed) for number, made in enumerate(came))


def strangers(past: Past, began: float) -> None:
    """Another job on the same key pages through the account; what it leaves of the budget is not enough for us."""
    for start in past.starts(began, 9, 2, 90):
        for at in crowd(past.random, start, past.random.uniform(50, 90), past.about(9)):
            made = past.customer(at)
            if past.random.random() < 0.3:
                past.accept(made)
            else:
                past.refuse(made, "global-rate", past.random.randint(9, 40))


def parallel(past: Past, began: float) -> None:
    """Stripe takes seconds for a call; a few customers at once are more calls in progress than it allows."""
    for start in past.starts(began, 10, 2, 12):
        ends: list[float] = []
        for at in crowd(past.random, start, 3.0, past.about(22)):
            ends = [end for end in ends if end > at]
            made = past.customer(at)
            if len(ends) < IN_FLIGHT_MAX:
                slow = replace(made, create_ms=past.random.randint(4_200, 6_800))
                ends.append(at + slow.create_ms / 1000)
                past.accept(slow)
            else:
                past.refuse(made, "global-concurrency", past.random.randint(9, 40))


def locked(past: Past, began: float) -> None:
    """Pairs of calls about one customer at once; the second waits for the first, until Stripe gives up waiting."""
    for start in past.starts(began, 44, 8, 4):
        first = past.customer(start)
        past.accept(replace(first, create_ms=past.random.randint(2_700, 3_400)))
        second = replace(past.customer(start + past.random.uniform(0.05, 0.3)), person=first.person)
        past.refuse(second, None, past.random.randint(*LOCK_WAIT_MS))
