"""The queue before Stripe: how fast calls start, how many run at once, and how often a refused one is tried again.

The meaning of the settings is p-queue's, which most Node services use: in each interval at most `cap` calls start, and
an interval without a cap limits nothing. Without any setting nothing waits and nothing is tried again.
"""

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

T = TypeVar("T")
Jitter = Literal["none", "full"]

# Back-off of a retry: doubled from the first pause to the longest. Half a second lets a second's budget fill again.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 8.0
NUMBERS = {
    "STRIPE_QUEUE_INTERVAL_MS": "interval_ms", "STRIPE_QUEUE_INTERVAL_CAP": "interval_cap",
    "STRIPE_QUEUE_CONCURRENCY": "concurrency", "STRIPE_RETRY_MAX": "retry_max",
}
JITTER = "STRIPE_RETRY_JITTER"


class QueueError(ValueError):
    """One sentence that names the variable, what was wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """0 is no limit. `jitter` none: a retry comes at once; full: after a random part of its pause, so that those who
    were refused together do not come again together."""

    interval_ms: int = 0
    interval_cap: int = 0
    concurrency: int = 0
    retry_max: int = 0
    jitter: Jitter = "none"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "QueueSettings":
        numbers = {}
        for variable, name in NUMBERS.items():
            text = environment.get(variable, "") or "0"
            if not text.isdecimal():
                raise QueueError(f"{variable} must be a number, 0 for none, not `{text}`.")
            numbers[name] = int(text)
        jitter = environment.get(JITTER, "") or "none"
        if jitter not in ("none", "full"):
            raise QueueError(f"{JITTER} must be one of none, full, not `{jitter}`.")
        return cls(**numbers, jitter=jitter)  # type: ignore[arg-type]

    @property
    def most_in_a_second(self) -> float:
        """How many calls may start within any one second: each interval that the second touches, filled."""
        if not self.interval_ms or not self.interval_cap:
            return float("inf")
        return self.interval_cap * (-(-1000 // self.interval_ms) + 1)

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds before the retry that follows this many attempts; `chance` from 0 to 1."""
        if self.jitter == "none":
            return 0.0
        return chance * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))


@dataclass(slots=True)
class Turns:
    """When the next call may start. Pure but for what it is told; times in seconds of any steady clock."""

    settings: QueueSettings
    running: int = 0
    started: int = 0  # in the interval that began at `began`
    began: float = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until a call may start: 0 for at once, infinity for not before another has ended."""
        limits = self.settings
        if limits.concurrency and self.running >= limits.concurrency:
            return float("inf")
        left = self._ends - now
        full = limits.interval_cap and self.started >= limits.interval_cap
        return left if limits.interval_ms and full and left > 0 else 0.0

    def start(self, now: float) -> None:
        if now >= self._ends:
            # p-queue's timer ticks on after an interval with calls; after one without, the next begins with its call.
            follows = now < self._ends + self.settings.interval_ms / 1000
            self.began, self.started = self._ends if follows else now, 0
        self.started += 1
        self.running += 1

    def end(self) -> None:
        self.running -= 1

    @property
    def _ends(self) -> float:
        """When the interval ends: one sum for both questions, or a rounding would let a call in between them."""
        return self.began + self.settings.interval_ms / 1000


@dataclass(slots=True)
class Queue:
    """Turns for threads, first come, first served; `retried` repeats what was refused."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    sleep: Callable[[float], None] = time.sleep
    _turns: Turns = field(init=False, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _line: deque[object] = field(default_factory=deque, repr=False)

    def __post_init__(self) -> None:
        self._turns = Turns(self.settings)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until it is our turn; the block is the call."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            while self._line[0] is not ticket or (wait := self._turns.wait(time.monotonic())) > 0:
                first = self._line[0] is ticket
                self._changed.wait(wait if first and wait != float("inf") else None)
            self._line.popleft()
            self._turns.start(time.monotonic())
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._turns.end()
                self._changed.notify_all()

    def retried(self, call: Callable[[], T], refused: type[Exception]) -> T:
        """The answer of `call`, in its turn; what `refused` is tried again, as often and after as long as is set."""
        for attempt in range(1, self.settings.retry_max + 1):
            try:
                with self.turn():
                    return call()
            except refused:
                self.sleep(self.settings.pause(attempt, random.random()))
        with self.turn():
            return call()
