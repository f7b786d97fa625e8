"""Which containers and which log entries a request means, by Docker's rules."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from practice.wires.containers import portrait
from practice.wires.containers.log import Entry, stamp
from practice.wires.containers.process import Process

STATUSES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


class Refusal(Exception):
    """A request that the engine answers with an error: HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def find(processes: Iterable[Process], key: str) -> Process:
    """By full id, by name, or by a beginning of the id that only one has. Raises Refusal."""
    known = list(processes)
    name = key.removeprefix("/")
    for process in known:
        if key == process.id or name == process.container_name:
            return process
    begun = [process for process in known if key and process.id.startswith(key)]
    if len(begun) > 1:
        raise Refusal(400, f"multiple IDs found with provided prefix: {key}")
    if not begun:
        raise Refusal(404, f"No such container: {key}")
    return begun[0]


def filtered(processes: Iterable[Process], filters: str, everything: bool) -> list[Process]:
    """What a list shows: the running ones, or all when asked or when a status is named. Raises Refusal."""
    wanted = _parse_filters(filters)
    for status in wanted.get("status", []):
        if status not in STATUSES:
            raise Refusal(400, f"invalid filter 'status={status}'")
    everything = everything or "status" in wanted
    return [
        process
        for process in processes
        if (everything or process.status in ("running", "restarting"))
        and all(_matches(process, key, values) for key, values in wanted.items())
    ]


def _parse_filters(text: str) -> Mapping[str, list[str]]:
    """Docker takes {"label": ["a"]} and, from its own tools, {"label": {"a": true}}."""
    if not text:
        return {}
    try:
        raw = json.loads(text)
        wanted = {key: list(values) for key, values in raw.items()}
    except (ValueError, AttributeError, TypeError):
        raise Refusal(400, "invalid filter") from None
    for key in wanted:
        if key not in ("id", "name", "label", "status", "ancestor", "exited"):
            raise Refusal(400, f"invalid filter '{key}'")
    return wanted


def _matches(process: Process, key: str, values: list[str]) -> bool:
    match key:
        case "label":  # all of them must be there
            return all(_has_label(process, value) for value in values)
        case "id":
            return any(process.id.startswith(value) for value in values)
        case "name":
            return any(_finds(value, process.container_name) for value in values)
        case "status":
            return process.status in values
        case "exited":
            return process.status == "exited" and str(process.exit_code) in values
        case _:
            return any(value in (process.definition.image, process.definition.image.split(":")[0]) for value in values)


def _has_label(process: Process, value: str) -> bool:
    name, separator, expected = value.partition("=")
    there = portrait.labels(process).get(name)
    return there is not None and (not separator or there == expected)


def _finds(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, f"/{name}") is not None or re.search(pattern, name) is not None
    except re.error:
        return False


@dataclass(frozen=True)
class LogQuery:
    """What a request for logs asks for; times as in the log, both ends included."""

    streams: frozenset[str]
    since: str
    until: str
    tail: int | None
    timestamps: bool
    follow: bool

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "LogQuery":
        """Read the query string. Raises Refusal."""
        streams = frozenset(name for name in ("stdout", "stderr") if is_true(query.get(name)))
        if not streams:
            raise Refusal(400, "Bad parameters: you must choose at least one stream")
        tail = query.get("tail", "all")
        return cls(
            streams, _moment(query.get("since")), _moment(query.get("until")), int(tail) if tail.isdigit() else None,
            is_true(query.get("timestamps")), is_true(query.get("follow")),
        )  # fmt: skip

    def first(self, entries: list[Entry]) -> list[Entry]:
        """Of what is there: the tail is cut from all streams and times before anything else, as Docker does."""
        if self.tail is not None:
            entries = entries[-self.tail :] if self.tail else []
        return self.chosen(entries)

    def chosen(self, entries: Iterable[Entry]) -> list[Entry]:
        return [
            entry
            for entry in entries
            if entry.stream in self.streams
            and entry.time >= self.since
            and (not self.until or entry.time <= self.until)
        ]

    def is_over(self, now: float) -> bool:
        """No entry can come any more that is early enough; `now` in unix seconds."""
        return bool(self.until) and stamp(now) > self.until

    def frames(self, entries: Iterable[Entry]) -> bytes:
        """Each entry behind its header of eight bytes: stream, three zeros, length."""
        parts = []
        for entry in entries:
            text = (f"{entry.time} {entry.log}" if self.timestamps else entry.log).encode()
            parts.append(bytes([1 if entry.stream == "stdout" else 2, 0, 0, 0]) + len(text).to_bytes(4) + text)
        return b"".join(parts)


def is_true(value: str | None) -> bool:
    """Docker's reading of a boolean in a query string."""
    return (value or "").strip().lower() not in ("", "0", "no", "false", "none")


def _moment(value: str | None) -> str:
    """Unix seconds, with decimals or not, as a time of the log; "" for none."""
    if not value or value == "0":
        return ""
    try:
        return stamp(Decimal(value))
    except (InvalidOperation, ValueError, OverflowError):
        raise Refusal(400, f'invalid value for timestamp: "{value}"') from None
