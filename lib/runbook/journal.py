"""The journal: append-only, hash-chained, locked, on disk before anything it announces happens.

Each line is one JSON entry that holds the hash of the line before it, so a changed, removed or reordered entry breaks
the chain at a place that can be named. What the chain cannot see is a tail cut off cleanly; the head's hash, kept
elsewhere, can.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from runbook.errors import BrokenRecord
from runbook.plan import digest

START = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One thing that happened: `kind` says what, `body` the rest, as JSON values."""

    seq: int
    at: str
    kind: str
    login: str
    host: str
    body: Mapping[str, Any]
    previous: str
    hash: str = ""

    def sealed(self) -> Entry:
        content = {key: value for key, value in asdict(self).items() if key != "hash"}
        return Entry(**content, hash=digest(content))


class Journal:
    """One incident's journal file. Several processes and people may append to it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> Entry:
        """Add an entry and return once it is on disk."""
        with self._locked() as handle:
            last = self._last(handle)
            entry = Entry(
                seq=last.seq + 1 if last else 1,
                at=at.isoformat(),
                kind=kind,
                login=getpass.getuser(),
                host=socket.gethostname(),
                body=body,
                previous=last.hash if last else START,
            ).sealed()
            handle.write(json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
            return entry

    def entries(self, *kinds: str) -> list[Entry]:
        """All entries, or those of some kinds, oldest first; raises BrokenRecord where the chain does not hold."""
        if not self.path.exists():
            return []
        found = list(self._chain(self.path.read_bytes()))
        return [entry for entry in found if not kinds or entry.kind in kinds]

    def _chain(self, content: bytes) -> Iterator[Entry]:
        previous = START
        for number, line in enumerate(whole_lines(content), start=1):
            entry = parse(line)
            if entry is None or entry.seq != number or entry.previous != previous or entry != entry.sealed():
                raise BrokenRecord(
                    f"The journal {self.path.name} of {self.path.parent.name} was changed at entry {number}. "
                    "Trust nothing after it; restore the file from a copy, or open a new incident."
                )
            previous = entry.hash
            yield entry

    def _last(self, handle: BinaryIO) -> Entry | None:
        """The newest entry; the unfinished line of a writer that died is cut off, since it was never confirmed."""
        content = handle.read()
        lines = whole_lines(content)
        handle.truncate(sum(len(line) + 1 for line in lines))
        handle.seek(0, os.SEEK_END)
        return list(self._chain(content))[-1] if lines else None

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        handle = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o640), "r+b")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle


def whole_lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")[:-1]


def parse(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
