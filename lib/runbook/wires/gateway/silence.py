"""A gateway that hangs is waited for in full once. A notebook asks it a dozen times, and each question would take the
whole time-out to learn the same thing again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import stripe

# An answer normally takes well below one second.
FIRST_SHORT_SECONDS = 2
# Long enough that a notebook spends its time on the sides that answer, short enough that a failover is noticed.
REST_SECONDS = 15


class Silent(stripe.APIConnectionError):
    """Nobody was asked, because nobody answered a moment ago."""


class Silence:
    """How long the next look may wait. After a look that nobody answered the next ones are short, the first of them
    two seconds, each later one twice as long; after such a short look nobody is asked at all for a while. One answer,
    whatever it says, and the patience is as before."""

    def __init__(self, patient_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._patient = patient_seconds
        self._now = now
        self._looks = 0  # looks in a row that nobody answered
        self._last = 0.0

    @property
    def seconds(self) -> float:
        """What the next look may take."""
        if not self._looks:
            return self._patient
        return min(self._patient, FIRST_SHORT_SECONDS * 2 ** (self._looks - 1))

    def require_rested(self) -> None:
        """Raises Silent while nobody should be asked."""
        since = self._now() - self._last
        if self._looks > 1 and since < REST_SECONDS:
            again = datetime.now(UTC) + timedelta(seconds=REST_SECONDS - since)
            raise Silent(f"it gave no answer {since:.0f} s ago. It is asked again from {again:%H:%M:%S} UTC on.")

    def heard(self) -> None:
        self._looks = 0

    def waited(self, began: float, seconds: float) -> None:
        """A look failed that began then (by this clock) and might take so long: was it for want of an answer?"""
        if self._now() - began >= seconds * 0.95:
            self._looks += 1
            self._last = self._now()
