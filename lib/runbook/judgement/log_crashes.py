"""A process that starts while an event is in hand did not end in good order. Pure.

Most services log no shutdown, so that a start alone says nothing: deployments start processes too. A start within
seconds of an event that was received and neither processed, failed nor skipped is another matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from runbook.judgement.log_entry import LogEntry
from runbook.judgement.log_words import EVENT_TYPE

STARTED = re.compile(
    r"\bstarted\b|successfully started|startup complete|listening (?:on|at)|server is running|booting worker", re.I
)
STOPPED = re.compile(r"shutting down|shutdown complete|graceful|sigterm|received signal|stopping", re.I)
# A restart policy needs a second or two; what was in hand longer than this before a start ended some other way.
IN_HAND_FOR = timedelta(seconds=30)
TASK = re.compile(r"\.[a-z0-9]{25}$")  # Swarm starts the next task under another name; the slot stays


def mark_crashes(entries: Iterator[LogEntry]) -> Iterator[LogEntry]:
    """The same entries; a start is marked as a crash when an event of a kind that the service otherwise finishes was
    in hand in the same place shortly before, and no shutdown was logged since."""
    in_hand: dict[str, dict[str, tuple[str, datetime]]] = {}
    finished_kinds: set[str] = set()
    for entry in entries:
        found = entry.event
        if found is not None:
            mine = in_hand.setdefault(_place(entry.container), {})
            if found.state == "received":
                kind = EVENT_TYPE.search(entry.message)
                mine[found.event_id] = (kind[0] if kind else "", entry.at)
            else:
                kind_of, _ = mine.pop(found.event_id, ("", None))
                if found.state == "processed":
                    finished_kinds.add(kind_of)
        elif entry.exchange is None and in_hand:
            entry = _judged(entry, in_hand, finished_kinds)
        yield entry


def _judged(entry: LogEntry, in_hand: dict[str, dict[str, tuple[str, datetime]]], finished_kinds: set[str]) -> LogEntry:
    """The entry, marked if it is a start over work in hand. A shutdown or a start empties the hand."""
    if entry.level not in ("info", "") or not (STARTED.search(entry.message) or STOPPED.search(entry.message)):
        return entry
    mine = in_hand.pop(_place(entry.container), {})
    left = {kind for kind, at in mine.values() if entry.at - at <= IN_HAND_FOR}
    if STOPPED.search(entry.message) or not finished_kinds & left:
        return entry
    return msgspec.structs.replace(entry, crash=True)


@lru_cache(1_000)
def _place(container: str) -> str:
    return TASK.sub("", container)
