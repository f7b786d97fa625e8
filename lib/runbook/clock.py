"""When: an injected clock, and the window an incident looks at.

`as_of` travels from here into every query and comparison, so that two looks at one incident mean one instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runbook.errors import BadInput
from runbook.redact import one_line


@dataclass(frozen=True)
class Clock:
    """Wall time, or for the practice world's fixture one constant instant."""

    fixed: datetime | None = None

    def now(self) -> datetime:
        return self.fixed or datetime.now(UTC)


@dataclass(frozen=True)
class Window:
    """From `start` (inclusive) to `end` (exclusive), both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            how = "when" if self.end == self.start else "before"
            raise BadInput(
                f"The window ends ({show(self.end)}) {how} it starts ({show(self.start)}). "
                "Correct `window_start` and `window_end`, or leave both empty for the last hours."
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
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(
            f"`{name}` is `{one_line(text)[:60]}`, which is not an ISO time; write it like 2026-01-15T12:00:00Z."
        ) from None
    raise BadInput(
        f"`{name}` is `{text}` without an offset; add Z for UTC, or the offset of the clock you read, like +01:00."
    )


def show(moment: datetime) -> str:
    """`2026-01-15 12:00:00 UTC`, the one way times are shown."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def window(start: str, end: str, now: datetime, default: timedelta) -> Window:
    """The window a person asked for; an empty end is now, an empty start is `default` before the end.

    In whole seconds, because Stripe counts in them: a fraction would part the two sides at the window's edges.
    """
    last = (parse(end, "window_end") if end else now).replace(microsecond=0)
    first = parse(start, "window_start").replace(microsecond=0) if start else last - default
    if first > now:
        raise BadInput(f"`window_start` ({show(first)}) lies in the future; it is {show(now)}. Check its offset.")
    return Window(first, last)
