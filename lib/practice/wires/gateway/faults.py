"""What can go wrong at the gateway, by order of the world. Nothing of it can be reached over the wire."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .errors import ApiError, gateway_error, rate_limited
from .keys import KeyBook

# `error` is Stripe's own failure and is kept under an idempotency key; what stands in LINE happens on the way.
Kind = Literal["error", "rate_limit", "edge", "slow", "hang", "reset", "garbage"]
LINE: tuple[Kind, ...] = ("edge", "slow", "hang", "reset", "garbage")

# What a proxy in between answers when it is the one that is broken.
GARBAGE = b"<!doctype html><html><head><title>Error</title></head><body><h1>Bad gateway</h1></body></html>"


@dataclass
class Fault:
    """One fault, in force until it is removed or has struck `count` times.

    path: only paths that begin so · methods: only these · share: of requests, by the seed · per_second: a rate limit
    lets so many through · counts_refused: what it refuses spends its budget as well, so that whoever hammers keeps the
    door shut · in_flight_max: a concurrency limit lets so many writes be in progress · executes: the request is carried
    out and only its answer is lost.
    """

    kind: Kind
    status: int = 500
    reason: str | None = None
    should_retry: bool | None = None
    seconds: float = 0.0
    body: bytes = GARBAGE
    executes: bool = False
    path: str = "/v1/"
    methods: tuple[str, ...] = ()
    share: float = 1.0
    count: int | None = None
    per_second: float | None = None
    counts_refused: bool = False
    in_flight_max: int | None = None
    struck: int = 0
    _tokens: float = field(default=0.0, repr=False)
    _filled_at: float = field(default=0.0, repr=False)

    def error(self) -> ApiError:
        """The refusal that a fault of kind `error` or `rate_limit` makes."""
        error = rate_limited(self.reason) if self.kind == "rate_limit" else gateway_error(self.status)
        if self.should_retry is not None:
            error.headers["Stripe-Should-Retry"] = "true" if self.should_retry else "false"
        return error

    def lets_pass(self, in_flight: int) -> bool:
        """Take one token from the bucket of a rate limit, which holds one second's worth; a concurrency limit looks at
        what is in progress instead, this request included."""
        if self.in_flight_max is not None:
            return in_flight <= self.in_flight_max
        if self.per_second is None:
            return False
        now = time.monotonic()
        filled = self._tokens + (now - self._filled_at) * self.per_second
        self._filled_at, self._tokens = now, min(self.per_second, filled)
        if self._tokens < 1:
            if self.counts_refused:
                self._tokens = max(self._tokens - 1, -self.per_second)
            return False
        self._tokens -= 1
        return True


class Faults:
    """The faults in force. Safe to use from any thread."""

    def __init__(self, seed: int, keys: KeyBook) -> None:
        self.latency_seconds = 0.0
        self.writing = 0  # requests in progress that are no reads
        self._keys = keys
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; keep what is returned to remove it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        with self._lock:
            self._faults = [other for other in self._faults if other is not fault]

    def holds(self, fault: Fault) -> bool:
        """Whether this fault is in force."""
        with self._lock:
            return any(other is fault for other in self._faults)

    def clear(self) -> None:
        """All well again; keys stay as they are."""
        self.latency_seconds = 0.0
        with self._lock:
            self._faults.clear()

    def rate_limit(self, reason: str | None = "global-rate", should_retry: bool | None = None, *, path: str = "/v1/",
                   share: float = 1.0, count: int | None = None, per_second: float | None = None) -> Fault:
        """429 for all, for a share, or for what goes beyond `per_second`. `reason` None is a lock time-out."""
        return self.add(Fault("rate_limit", 429, reason, should_retry, path=path, share=share, count=count,
                              per_second=per_second))

    def error(self, status: int = 500, should_retry: bool | None = None, *, executes: bool = False,
              path: str = "/v1/", methods: tuple[str, ...] = (), share: float = 1.0,
              count: int | None = None) -> Fault:
        """500 from Stripe, or 502 and 503 from what stands before it."""
        kind: Kind = "error" if status == 500 else "edge"
        return self.add(Fault(kind, status, None, should_retry, executes=executes, path=path, methods=methods,
                              share=share, count=count))

    def slow(self, seconds: float, *, path: str = "/v1/", methods: tuple[str, ...] = (), share: float = 1.0,
             count: int | None = None) -> Fault:
        """A request takes so long to carry out; its idempotency key is in use meanwhile."""
        return self.add(Fault("slow", 200, seconds=seconds, executes=True, path=path, methods=methods, share=share,
                              count=count))

    def hang(self, seconds: float, *, executes: bool = False, path: str = "/v1/", methods: tuple[str, ...] = (),
             share: float = 1.0, count: int | None = None) -> Fault:
        """No answer for so long, then a closed socket."""
        return self.add(Fault("hang", seconds=seconds, executes=executes, path=path, methods=methods, share=share,
                              count=count))

    def reset(self, *, executes: bool = False, path: str = "/v1/", methods: tuple[str, ...] = (), share: float = 1.0,
              count: int | None = None) -> Fault:
        """The socket is closed at once and without an answer."""
        return self.add(Fault("reset", executes=executes, path=path, methods=methods, share=share, count=count))

    def garbage(self, body: bytes = GARBAGE, status: int = 200, *, executes: bool = False, path: str = "/v1/",
                share: float = 1.0, count: int | None = None) -> Fault:
        """An answer that is no JSON."""
        return self.add(Fault("garbage", status, body=body, executes=executes, path=path, share=share, count=count))

    def revoke(self, key: str) -> None:
        """The key is refused from now on: 401."""
        self._keys.set_state(key, "revoked")

    def expire(self, key: str) -> None:
        """The key has run out: 401 with code api_key_expired."""
        self._keys.set_state(key, "expired")

    def restore(self, key: str) -> None:
        self._keys.set_state(key, "active")

    @contextlib.contextmanager
    def in_progress(self, method: str) -> Iterator[None]:
        """Inside the block a request of this method is on its way; a read does not count."""
        counts = int(method != "GET")
        self.writing += counts
        try:
            yield
        finally:
            self.writing -= counts

    def strike(self, method: str, path: str, kinds: tuple[Kind, ...]) -> Fault | None:
        """The fault that hits this request, if one does."""
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and self._hits(fault, method, path):
                    fault.struck += 1
                    return fault
        return None

    def _hits(self, fault: Fault, method: str, path: str) -> bool:
        meant = path.startswith(fault.path) and (not fault.methods or method in fault.methods)
        left = fault.count is None or fault.struck < fault.count
        return meant and left and self._random.random() < fault.share and not fault.lets_pass(self.writing)
