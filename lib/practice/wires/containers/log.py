"""What a process said: one JSON line per entry with stream and time, as Docker's json-file driver keeps it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

Stream = Literal["stdout", "stderr"]
Line = tuple[Stream, str, float]  # with unix seconds

# Docker cuts longer lines into entries of this size; only the last of them ends in a newline.
ENTRY_BYTES_MAX = 16 * 1024
NANOSECONDS = 1_000_000_000


class Entry(msgspec.Struct, frozen=True):
    """One line; `time` is RFC 3339 in UTC with nine decimals, so that text order is time order."""

    log: str
    stream: Stream
    time: str


ENTRIES = msgspec.json.Decoder(Entry)


class Log:
    """The log file of one process. Any thread may append; reading returns entries in order of time."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)

    def append(self, stream: Stream, text: str, at: float | None = None) -> None:
        """Add the lines of `text`, all at the time `at` (unix seconds; now when not given)."""
        self.extend([(stream, text, self._clock() if at is None else at)])

    def extend(self, lines: Iterable[Line]) -> None:
        """Add many (stream, text, unix seconds) at once, as history is."""
        data = b"".join(_encoded(lines))
        with self._lock:
            self._file.write(data)

    def forget(self, lines: Iterable[Line], naming: Iterable[str] = ()) -> None:
        """Take these lines out again, as if they had never been said, and all that name one of these ids."""
        gone, named = set(_encoded(lines)), tuple(each.encode() for each in naming)
        with self._lock:
            said = self.path.read_bytes().splitlines(keepends=True)
            kept = [line for line in said if line not in gone and not any(each in line for each in named)]
            self.path.write_bytes(b"".join(kept))

    def add_part(self, stream: Stream, part: str) -> None:
        """Add one entry as it is, newline or not, at this moment."""
        data = msgspec.json.encode(Entry(part, stream, stamp(self._clock()))) + b"\n"
        with self._lock:
            self._file.write(data)

    def entries(self) -> list[Entry]:
        """Everything said so far, in order of time; what was said at one moment keeps its order."""
        return self.read_from(0)[0]

    def read_from(self, position: int) -> tuple[list[Entry], int]:
        """The entries written after byte `position` of the file, in order of time, and where they end."""
        with self.path.open("rb") as handle:
            handle.seek(position)
            data = handle.read()
        whole = data[: data.rfind(b"\n") + 1]  # a line may be in the act of being written
        found = ENTRIES.decode_lines(whole)
        return sorted(found, key=lambda entry: entry.time), position + len(whole)

    def close(self) -> None:
        self._file.close()


class LineReader:
    """Cuts the bytes of one stream into lines and adds them to the log."""

    def __init__(self, log: Log, stream: Stream) -> None:
        self._log = log
        self._stream = stream
        self._pending = b""

    def feed(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._add(line + b"\n")
        while len(self._pending) >= ENTRY_BYTES_MAX:
            self._add(self._pending[:ENTRY_BYTES_MAX])
            self._pending = self._pending[ENTRY_BYTES_MAX:]

    def finish(self) -> None:
        """The stream has ended, perhaps within a line."""
        if self._pending:
            self._add(self._pending)
            self._pending = b""

    def _add(self, line: bytes) -> None:
        for start in range(0, len(line), ENTRY_BYTES_MAX):
            part = line[start : start + ENTRY_BYTES_MAX]
            self._log.add_part(self._stream, part.decode(errors="replace"))


def stamp(at: float | Decimal) -> str:
    """Unix seconds as RFC 3339 with nine decimals; a float is good for microseconds only, so it is cut there."""
    nanoseconds = int(at * NANOSECONDS) if isinstance(at, Decimal) else round(at * 1_000_000) * 1000
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _encoded(lines: Iterable[Line]) -> Iterator[bytes]:
    for stream, text, at in lines:
        for line in _lines(text):
            yield msgspec.json.encode(Entry(line, stream, stamp(at))) + b"\n"


def _lines(text: str) -> list[str]:
    return [line + "\n" for line in text.removesuffix("\n").split("\n")]
