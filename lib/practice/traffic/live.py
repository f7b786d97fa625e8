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
from practice.traffic.people import TEST_CARDS, Person, person, price
from practice.traffic.plan import DECLINES
from practice.wires.gateway import ApiError, Gateway
from practice.wires.gateway.engine import ModeEngine

PER_SECOND = 2.5
# Somebody who has to find a card first takes longer, but a drill is short.
THINKING_SECONDS = (0.4, 2.5)
DECLINED_PERCENT, ABANDONED_PERCENT = 6, 4
# Everybody may read the numbers of the test cards; most do not.
KNOWS_TEST_CARDS_PERCENT = 35
# New people are numbered beyond everybody in a history: an address belongs to one account.
NEWCOMERS_FROM = 40_000


@dataclass
class Shopper:
    """A checkout by hand: what a browser sends to the shop, and what Stripe's own form sends to Stripe."""

    service_url: str
    gateway: Gateway
    page_key: Callable[[], str]  # the publishable key in the shop's page: it says in which mode a browser asks Stripe
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
        """The card's bank says yes, or no with this decline code. Raises ApiError where the page's key does not know
        the intent."""
        self.stripe.confirm(intent, {"payment_method": method}, decline=decline)

    def confirm_with(self, intent: str, card: str) -> None:
        """Pay with a card that is typed in. Raises ApiError where it is refused."""
        self.stripe.confirm(intent, {"payment_method_data": {"type": "card", "card": {"number": card}}})

    @property
    def stripe(self) -> ModeEngine:
        """Stripe as the page reaches it. Raises ApiError where the page's key opens nothing."""
        return self.gateway.as_browser(self.page_key())

    def close(self) -> None:
        self.http.close()


class Traffic:
    """Two or three payments a second from `start` to `stop`, by people of the world's history."""

    def __init__(self, shopper: Shopper, people: tuple[Person, ...], wallets: dict[str, Wallet], seed: int) -> None:
        self.intents: list[str] = []
        self.lost = 0  # checkouts that the service did not answer, as while it restarts
        self.newcomers_percent = 0  # of all who come; they sign up, and type a card in
        self._shopper, self._people, self._wallets = shopper, people, wallets
        self._random = Random(f"live {seed}")
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._serial, self._newcomers = itertools.count(), itertools.count(NEWCOMERS_FROM)
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
        self._shopper.gateway.webhooks.settle(15, retries=False)
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
        if random.randrange(100) < self.newcomers_percent:
            self._newcomer()
            return
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

    def _newcomer(self) -> None:
        """Somebody new: most have a card of their own, some try one of Stripe's test cards while that is accepted."""
        random = self._random
        who = person(random, next(self._newcomers), time.time())
        user = self._shopper.sign_up(who.email, who.name)
        order = f"ORD-{random.randrange(16**7):07X}"
        intent, _ = self._shopper.check_out(user, price(random, who.currency), who.currency, order)
        self.intents.append(intent)
        tries_test_card = random.randrange(100) < KNOWS_TEST_CARDS_PERCENT and not self._shopper.stripe.livemode
        card = TEST_CARDS[0] if tries_test_card else who.card
        self._put(random.uniform(*THINKING_SECONDS), lambda: self._shopper.confirm_with(intent, card))
