"""Customers who all come at once, over the real wires, again and again: what a mail to everybody brings."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx

from practice.traffic.history import Wallet
from practice.traffic.live import Shopper
from practice.traffic.people import Person, price
from practice.wires.gateway import ApiError

# Browsers at work at once: more than a service has threads for would measure the service and not its limits.
BROWSERS = 24


class Crowd:
    """`size` checkouts at once every so many seconds, from `start` to `stop`, or until the shop is gone. `answers`
    counts what became of them: paid, refused (the service said no), away (it gave no answer, as while it starts)."""

    def __init__(self, shopper: Shopper, people: tuple[Person, ...], wallets: Mapping[str, Wallet], seed: int,
                 size: int, every_seconds: float) -> None:  # fmt: skip
        self.answers: Counter[str] = Counter()
        self.size, self.every_seconds = size, every_seconds
        self._shopper, self._people, self._wallets = shopper, people, wallets
        self._random = Random(f"crowd {seed}")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=15)

    def come(self) -> None:
        """One crowd; returns when everybody has an answer."""
        buyers = [(self._random.choice(self._people), self._random.randrange(16**7)) for _ in range(self.size)]
        with ThreadPoolExecutor(BROWSERS) as browsers:
            self.answers.update(browsers.map(lambda buyer: self._buy(*buyer), buyers))

    def _run(self) -> None:
        while not self._stopped.is_set() and not self._shopper.http.is_closed:
            began = time.monotonic()
            self.come()
            self._stopped.wait(max(0.0, self.every_seconds - (time.monotonic() - began)))

    def _buy(self, who: Person, number: int) -> str:
        if self._stopped.is_set():
            return "stayed at home"
        amount = price(Random(number), who.currency)
        try:
            intent, _ = self._shopper.check_out(who.user_id, amount, who.currency, f"ORD-{number:07X}")
            self._shopper.confirm(intent, self._wallets[who.user_id].method)
        except httpx.HTTPStatusError:
            return "refused"
        except (httpx.HTTPError, ApiError, RuntimeError):
            return "away"
        return "paid"
