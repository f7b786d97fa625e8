"""A log line as a container wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

Stream = Literal["stdout", "stderr"]


class RawLine(msgspec.Struct, frozen=True, gc=False):
    at: datetime  # when the container engine received it
    stream: Stream
    text: str
    container: str


@dataclass(frozen=True)
class RawLines:
    """Lines in the order of time. `cut` says that older ones of the window were left out, to keep a bound."""

    lines: Sequence[RawLine]
    cut: bool = False

    def __iter__(self) -> Iterator[RawLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)
