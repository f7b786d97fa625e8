"""The broken releases, really running: each breaks a few payments over the real wires, then is rolled back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import httpx
import psycopg

from practice.faults.fault import Affected, Cure
from practice.traffic.people import Person, price

if TYPE_CHECKING:
    from practice.world import World

# How many payments each release breaks. The order matters: while the slow release still waits for its time-out the
# others do their damage, and the crash comes last, as it ends everything that is under way.
BREAKS = {"connection_timeout": 2, "unique_violation": 2, "foreign_key_violation": 1, "crash_before_commit": 1}
CURES: dict[str, Cure] = {
    "unique_violation": "redeliver",
    "connection_timeout": "redeliver",
    "foreign_key_violation": "work_list",
    "crash_before_commit": "settle",
}
# After a crash the process is back within about a second; Stripe tries again until it is.
RETRIES_AFTER_CRASH = (1.2, 0.4, 0.4, 0.4, 0.7, 0.7, 1.0, 2.0, 4.0, 8.0)
PATIENCE_SECONDS = 30.0


@dataclass
class Breaker:
    """Breaks payments of one world, one release at a time."""

    world: World
    random: Random
    affected: list[Affected] = field(default_factory=list)

    def break_with(self, variant: str) -> None:
        """Run the release of this variant for a few payments, until Stripe has given up or is content."""
        retries = RETRIES_AFTER_CRASH if variant == "crash_before_commit" else ()
        with self._delivery(retries), self._release(variant):
            for _ in range(BREAKS[variant]):
                self._pay(variant)
            self._settle()

    def wait_for_failures(self) -> None:
        """The slow release answers at once and fails later: wait until each failure stands in the log."""
        for one in self.affected:
            if one.variant == "connection_timeout":
                self._until(lambda one=one: self.world.has_logged(f"webhook {one.event} failed"),
                            "the slow transaction did not end")

    def _pay(self, variant: str) -> None:
        who = self.random.choice(self.world.plan.people)
        user_id = who.user_id
        if variant == "foreign_key_violation":
            email = f"first.time.{self.random.randrange(10**6)}@customers.example"
            user_id = self.world.shopper.sign_up(email, who.name)
        amount, order = price(self.random, who.currency), f"ORD-{self.random.randrange(16**7):07X}"
        intent, transaction = self.world.shopper.check_out(user_id, amount, who.currency, order)
        if variant == "foreign_key_violation":
            self._until(lambda: self._is_gone(transaction), "the clean-up did not take the new user's row")
        self.world.shopper.confirm(intent, self._method(who, user_id))
        event = self._event(intent)
        self.affected.append(Affected(intent, event, transaction, order, user_id, amount, who.currency, variant,
                                      CURES[variant], self.world.now(), live=True))

    def _method(self, who: Person, user_id: str) -> str:
        """The saved card; somebody new brings one along."""
        if user_id == who.user_id:
            return self.world.history.wallets[user_id].method
        params = {"type": "card", "card": {"number": who.card}}
        return str(self.world.gateway.engine.mode("live").create_payment_method(params)["id"])

    def _event(self, intent: str) -> str:
        told = self.world.gateway.engine.mode("live").events(("payment_intent.succeeded",))
        return next(str(event["id"]) for event in reversed(told) if event["data"]["object"]["id"] == intent)

    def _is_gone(self, transaction: str) -> bool:
        with psycopg.connect(self.world.shop.read_dsn) as conn:
            return conn.execute('SELECT 1 FROM "Transaction" WHERE "id" = %s', (transaction,)).fetchone() is None

    def _settle(self) -> None:
        self._until(lambda: self.world.gateway.webhooks.settle(0.2), "Stripe did not finish its deliveries")
        self.world.wait_until_healthy()

    @contextlib.contextmanager
    def _release(self, variant: str) -> Iterator[None]:
        self.world.release(variant)
        try:
            yield
        finally:
            self.world.release("healthy")

    @contextlib.contextmanager
    def _delivery(self, retries: tuple[float, ...]) -> Iterator[None]:
        """Stripe's next attempt is hours away, so within a drill it gives up at once; after a crash it comes again."""
        webhooks, live = self.world.gateway.webhooks, self.world.gateway.engine.mode("live")
        usual, first = webhooks.retry_delays_seconds, len(self.affected)
        webhooks.retry_delays_seconds = retries
        try:
            yield
        finally:
            webhooks.retry_delays_seconds = usual
        for one in self.affected[first:]:
            if one.variant in ("unique_violation", "foreign_key_violation"):
                live.set_delivery(one.event, "pending")

    def _until(self, holds: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_true(holds):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{complaint} within {PATIENCE_SECONDS:.0f} s.")
            time.sleep(0.03)

    def _is_true(self, holds: Callable[[], bool]) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return holds()
        return False


def break_payments(world: World, variants: tuple[str, ...], seed: int) -> list[Affected]:
    """Let each of these releases run for a moment, and return what they broke. Nobody else may be paying."""
    breaker = Breaker(world, Random(f"live break {seed}"))
    for variant in BREAKS:
        if variant in variants:
            breaker.break_with(variant)
            if variant == "foreign_key_violation" or len(variants) == 1:
                breaker.wait_for_failures()
    return breaker.affected
