"""One log record and the three ways production services write it: JSON lines, NestJS, logfmt."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Stream = Literal["stdout", "stderr"]
Level = Literal["info", "warn", "error"]

# A containerised Node service is never process 1 under an init, and 7 is what one sees most.
PROCESS_ID = 7
NEST_LEVELS = {"info": ("LOG", "32"), "warn": ("WARN", "33"), "error": ("ERROR", "31")}


@dataclass(frozen=True, slots=True)
class Record:
    """`at` in unix seconds; `fields` in the order they are printed; `stack` several lines, or empty; `ahead` by how
    many seconds the clock of whoever wrote it was ahead."""

    at: float
    level: Level
    logger: str
    msg: str
    fields: Mapping[str, str | int] = field(default_factory=dict)
    stack: str = ""
    ahead: float = 0.0

    @property
    def stamp(self) -> float:
        """The time that the line itself claims."""
        return self.at + self.ahead

    @property
    def stream(self) -> Stream:
        """Errors go to stderr, as console loggers do: `docker logs | grep` without `2>&1` misses them."""
        return "stderr" if self.level == "error" else "stdout"


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def iso(at: float) -> str:
    return _instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(record: Record) -> str:
    line = {"ts": iso(record.stamp), "level": record.level, "logger": record.logger, "msg": record.msg, **record.fields}
    return json.dumps(line | ({"stack": record.stack} if record.stack else {}), separators=(",", ":"))


def as_nestjs(record: Record) -> str:
    """NestJS prints a message and, below it, the stack; fields are lost, as in life."""
    name, colour = NEST_LEVELS[record.level]
    when = _instant(record.stamp).strftime("%m/%d/%Y, %I:%M:%S %p")
    line = (
        f"\x1b[{colour}m[Nest] {PROCESS_ID}  - \x1b[39m{when} \x1b[{colour}m{name:>7}\x1b[39m "
        f"\x1b[38;5;3m[{record.logger}] \x1b[39m\x1b[{colour}m{record.msg}\x1b[39m"
    )
    return f"{line}\n{record.stack}" if record.stack else line


def as_logfmt(record: Record) -> str:
    pairs: dict[str, str | int] = {"ts": iso(record.stamp), "level": record.level, "logger": record.logger}
    pairs |= {"msg": record.msg, **record.fields} | ({"stack": record.stack} if record.stack else {})
    return " ".join(f"{name}={_quoted(name, value)}" for name, value in pairs.items())


def _quoted(name: str, value: str | int) -> str:
    text = str(value)
    plain = name != "msg" and text and not any(mark in text for mark in ' "=\n\\')
    return text if plain else json.dumps(text)


FORMATS: dict[str, Callable[[Record], str]] = {"json": as_json, "nestjs": as_nestjs, "logfmt": as_logfmt}


def lines(records: Iterable[Record], log_format: str) -> Iterator[tuple[Stream, str, float]]:
    """Stream, text and time of each, as the log of a container takes them."""
    render = FORMATS[log_format]
    return ((record.stream, render(record), record.at) for record in records)
