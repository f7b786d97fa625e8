"""Customers who pay while somebody watches: through the service's HTTP API and Stripe, as browsers do."""

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import httpx

from practice.traffic.history import Wallet
from practice.traffic.people import Person, price
from practice.traffic.plan import DECLINES
from practice.wires.gateway import ApiError, Gateway

PER_SECOND = 1.5
# Somebody who has to find a card first takes longer, but a drill is short.
THINKING_SECONDS = (0.4, 2.5)
DECLINED_PERCENT, ABANDONED_PERCENT = 6, 4


@dataclass
class Shopper:
    """A checkout by hand: what a browser sends to the shop, and what Stripe's own form sends to Stripe."""

    service_url: str
    gateway: Gateway
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.service_url, timeout=10, trust_env=False)

    def sign_up(self, email: str, name: str) -> str:
        answer = self.http.post("/api/customers", json={"email": email, "name": name}).raise_for_status()
        return str(answer.json()["userId"])

    def check_out(self, user_id: str, amount: int, currency: str, order: str) -> tuple[str, str]:
        """Intent and transaction of a new checkout. Raises httpx.HTTPError."""
        request = {"userId": user_id, "amount": amount, "currency": currency, "orderId": order}
        made = self.http.post("/api/payments/create-intent", json=request).raise_for_status().json()
        return made["paymentIntentId"], made["transactionId"]

    def confirm(self, intent: str, method: str, decline: str | None = None) -> None:
        """The card's bank says yes, or no with this decline code."""
        self.gateway.engine.mode("live").confirm(intent, {"payment_method": method}, decline=decline)

    def close(self) -> None:
        self.http.close()


class Traffic:
    """One or two payments a second from `start` to `stop`, by people of the world's history."""

    def __init__(self, shopper: Shopper, people: tuple[Person, ...], wallets: dict[str, Wallet], seed: int) -> None:
        self.intents: list[str] = []
        self.lost = 0  # checkouts that the service did not answer, as while it restarts
        self._shopper, self._people, self._wallets = shopper, people, wallets
        self._random = Random(f"live {seed}")
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = itertools.count()
        self._wake, self._holding, self._busy = threading.Condition(), False, False
        self._thread: threading.Thread | None = None
        self._running = False

    @property
    def is_running(self) -> bool:
        return self._running

    def start(self) -> None:
        self._running = True
        self._put(0.0, self._next_customer)
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._running = False
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=15)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody new comes and nobody confirms inside the block; what Stripe already knows is delivered first."""
        with self._wake:
            self._holding = True
            self._wake.wait_for(lambda: not self._busy, timeout=15)
        self._shopper.gateway.webhooks.settle(15)
        try:
            yield
        finally:
            with self._wake:
                self._holding = False
                self._wake.notify_all()

    def _run(self) -> None:
        while (act := self._take()) is not None:
            try:
                act()
            except (httpx.HTTPError, ApiError):
                self.lost += 1
            with self._wake:
                self._busy = False
                self._wake.notify_all()

    def _take(self) -> Callable[[], None] | None:
        with self._wake:
            while self._running:
                wait = None if self._holding else self._due[0][0] - time.monotonic()
                if wait is not None and wait <= 0:
                    self._busy = True
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait)
        return None

    def _put(self, wait: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + wait, next(self._serial), act))

    def _next_customer(self) -> None:
        random = self._random
        self._put(random.expovariate(PER_SECOND), self._next_customer)
        who = random.choice(self._people)
        order = f"ORD-{random.randrange(16**7):07X}"
        intent, _ = self._shopper.check_out(who.user_id, price(random, who.currency), who.currency, order)
        self.intents.append(intent)
        luck = random.randrange(100)
        if luck < ABANDONED_PERCENT:
            return
        reason = None
        if luck < ABANDONED_PERCENT + DECLINED_PERCENT:
            reason = random.choices(list(DECLINES), list(DECLINES.values()))[0]
        method = self._wallets[who.user_id].method
        self._put(random.uniform(*THINKING_SECONDS), lambda: self._shopper.confirm(intent, method, reason))
