"""The courier: signs events, posts them to endpoints, tries again, and misbehaves when told to."""

import heapq
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import msgspec

from . import signature

if TYPE_CHECKING:
    from .engine import Engine

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
# Stripe tries for three days with growing pauses that it does not publish; a drill has minutes.
RETRY_DELAYS_SECONDS = (2.0, 4.0, 8.0, 16.0, 32.0)
# An endpoint that has not answered by then has failed.
ANSWER_SECONDS_MAX = 10.0
# A world that closes does not wait longer for a service that hangs; what was under way is cut off.
STOP_SECONDS_MAX = 1.0
# One slow endpoint must not keep the others waiting; order is not promised, by Stripe neither.
CARRIERS = 4


@dataclass(frozen=True)
class Disturbance:
    """How delivery deviates from good. Shares lie between 0 and 1 and fall by the seed.

    duplicate: share of events sent twice · drop: share never sent, which stay pending · delay_seconds: every event
    waits so long · spread_seconds: and up to so much longer by chance, which reorders · sign_with: a wrong secret ·
    stale_seconds: how old the signature's timestamp is.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    delay_seconds: float = 0.0
    spread_seconds: float = 0.0
    sign_with: str | None = None
    stale_seconds: int = 0


@dataclass(frozen=True, order=True)
class Parcel:
    """One event on its way to one endpoint."""

    due: float
    serial: int
    mode: str
    event_id: str
    endpoint_id: str
    number: int
    once: bool


@dataclass(frozen=True)
class Attempt:
    """What happened to one delivery. For the referee: Stripe offers no such list."""

    at: float
    event_id: str
    endpoint_id: str
    number: int
    status: int | None
    error: str


class Webhooks:
    """Carries events from `start` to `stop`. Safe to use from any thread."""

    def __init__(self, seed: int, retry_delays_seconds: tuple[float, ...] = RETRY_DELAYS_SECONDS) -> None:
        self.retry_delays_seconds = retry_delays_seconds
        self.disturbance = Disturbance()
        self.attempts: list[Attempt] = []
        self._random = random.Random(seed)
        self._queue: list[Parcel] = []
        self._serial = 0
        self._in_hand = 0
        self._running = self._paused = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def start(self, engine: "Engine") -> None:
        self._engine = engine
        self._client = httpx.Client(timeout=ANSWER_SECONDS_MAX, trust_env=False)
        self._running = True
        self._threads = [threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True)
                         for number in range(CARRIERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Forget what is still queued and end the threads."""
        with self._changed:
            self._running = False
            self._queue.clear()
            self._changed.notify_all()
        ends = time.monotonic() + STOP_SECONDS_MAX
        for thread in self._threads:
            thread.join(timeout=max(0.0, ends - time.monotonic()))
        if self._threads:
            self._client.close()
        self._threads = []

    def disturb(self, **knobs: float | str | None) -> None:
        """Turn some knobs of `disturbance`; the others stay."""
        self.disturbance = replace(self.disturbance, **knobs)

    def calm(self) -> None:
        """Good delivery again."""
        self.disturbance = Disturbance()

    def pause(self) -> None:
        """Hold everything back; it stays queued."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def settle(self, timeout_seconds: float = 10.0, retries: bool = True) -> bool:
        """Wait until nothing is queued nor under way; False when time is up first. Without `retries`: until everything
        was tried once, for an endpoint that refuses all would be tried for ever."""

        def is_settled() -> bool:
            return not self._in_hand and not any(retries or not parcel.number for parcel in self._queue)

        with self._changed:
            return self._changed.wait_for(is_settled, timeout_seconds)

    def carry(self, mode: str, event_id: str, endpoint_id: str, *, once: bool = False) -> None:
        """Queue a delivery. `once`: asked for by hand, so neither disturbed nor retried."""
        knobs = self.disturbance
        with self._changed:
            if once:
                self._put(0.0, mode, event_id, endpoint_id, 0, once)
                return
            if self._random.random() < knobs.drop:
                return
            for _ in range(2 if self._random.random() < knobs.duplicate else 1):
                wait = knobs.delay_seconds + self._random.random() * knobs.spread_seconds
                self._put(wait, mode, event_id, endpoint_id, 0, once)

    def wall_time(self) -> float:
        return time.time()

    def _put(self, wait: float, mode: str, event_id: str, endpoint_id: str, number: int, once: bool) -> None:
        self._serial += 1
        heapq.heappush(self._queue, Parcel(time.monotonic() + wait, self._serial, mode, event_id, endpoint_id, number,
                                           once))
        self._changed.notify()

    def _work(self) -> None:
        while (parcel := self._take()) is not None:
            try:
                self._deliver(parcel)
            finally:
                with self._changed:
                    self._in_hand -= 1
                    self._changed.notify_all()

    def _take(self) -> Parcel | None:
        """The next parcel that is due; None when the courier stops."""
        with self._changed:
            while self._running:
                wait = None if self._paused or not self._queue else self._queue[0].due - time.monotonic()
                if wait is not None and wait <= 0:
                    self._in_hand += 1
                    return heapq.heappop(self._queue)
                self._changed.wait(wait)
        return None

    def _deliver(self, parcel: Parcel) -> None:
        letter = self._written(parcel)
        if letter is None or not self._running:
            return
        url, body, headers = letter
        status, error = None, ""
        try:
            status = self._client.post(url, content=body, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            error = type(failure).__name__
        self.attempts.append(Attempt(time.time(), parcel.event_id, parcel.endpoint_id, parcel.number, status, error))
        self._book(parcel, status is not None and 200 <= status < 300)

    def _written(self, parcel: Parcel) -> tuple[str, bytes, dict[str, str]] | None:
        """URL, body and headers of a delivery; None when the endpoint is gone or disabled by now."""
        mode, knobs = self._engine.mode(parcel.mode), self.disturbance
        with self._engine.lock:
            endpoint = mode.tables["webhook_endpoint"].get(parcel.endpoint_id)
            event = mode.tables["event"].get(parcel.event_id)
            if endpoint is None or event is None or endpoint["status"] != "enabled":
                return None
            # Stripe sends its JSON indented: a service that signs over its own re-serialised text fails here as there.
            body = msgspec.json.format(msgspec.json.encode(mode.shown(event)), indent=2)
            secrets = [knobs.sign_with] if knobs.sign_with else mode.signing_secrets(parcel.endpoint_id)
        stamp = int(self.wall_time()) - knobs.stale_seconds
        return endpoint["url"], body, {
            "Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT, "Accept": "*/*; q=0.5, */*",
            "Stripe-Signature": signature.header(body, stamp, secrets)}

    def _book(self, parcel: Parcel, taken: bool) -> None:
        """Note the outcome; a failure is tried again until the schedule is through."""
        with self._engine.lock:
            states = self._engine.mode(parcel.mode).deliveries[parcel.event_id].states
            if parcel.endpoint_id not in states:
                return
            if taken:
                states[parcel.endpoint_id] = "delivered"
                return
            if parcel.once or states[parcel.endpoint_id] == "delivered":
                return
            is_last = parcel.number >= len(self.retry_delays_seconds)
            states[parcel.endpoint_id] = "failed" if is_last else "pending"
        if not is_last:
            with self._changed:
                if self._running:
                    self._put(self.retry_delays_seconds[parcel.number], parcel.mode, parcel.event_id,
                              parcel.endpoint_id, parcel.number + 1, parcel.once)
