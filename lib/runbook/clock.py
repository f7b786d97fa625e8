"""When: an injected clock, and the window an incident looks at.

`as_of` travels from here into every query and comparison, so that two looks at one incident mean one instant.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runbook.errors import BadInput


@dataclass(frozen=True)
class Clock:
    """Wall time, or for the practice world's fixture one constant instant."""

    fixed: datetime | None = None

    def now(self) -> datetime:
        return self.fixed or datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds on a monotonic scale; only differences mean anything. Zero for a fixed clock, so that
        a fixture's timings stay the same."""
        return 0.0 if self.fixed else time.monotonic()


@dataclass(frozen=True)
class Window:
    """From `start` (inclusive) to `end` (exclusive), both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise BadInput(
                f"The window ends ({show(self.end)}) before it starts ({show(self.start)}). "
                "Swap `window_start` and `window_end`, or leave both empty for the last hours."
            )

    @property
    def epochs(self) -> tuple[int, int]:
        return int(self.start.timestamp()), int(self.end.timestamp())

    def widened(self, before: timedelta, after: timedelta) -> Window:
        return Window(self.start - before, self.end + after)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def parse(text: str, name: str) -> datetime:
    """ISO time with an offset (`2026-01-15T12:00:00Z`) to UTC.

    An instant without an offset is refused: at the edge of an incident an hour's guess loses payments.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"`{name}` is `{text}`, which is not an ISO time; write it like 2026-01-15T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise BadInput(f"`{name}` is `{text}` without an offset; add Z for UTC or +01:00 for local time.")
    return moment.astimezone(UTC)


def show(moment: datetime) -> str:
    """`2026-01-15 12:00:00 UTC`, the one way times are shown."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def window(start: str, end: str, now: datetime, default: timedelta) -> Window:
    """The window a person asked for; an empty end is now, an empty start is `default` before the end."""
    last = parse(end, "window_end") if end else now
    return Window(parse(start, "window_start") if start else last - default, last)
