"""Raw lines to entries: stack traces joined to the entry they belong to, in the order of time. Pure.

What an entry means is said by `classify`, `request`, `outbound` and `webhook`; the words are in `log_vocabulary`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from runbook.judgement.log_crashes import mark_crashes
from runbook.judgement.log_entry import LogEntry, Request, Webhook
from runbook.judgement.log_formats import (
    DECODE,
    LINE_CHARACTERS_MAX,
    PARSERS,
    Head,
    clean,
    json_line,
    plain_line,
)
from runbook.judgement.log_words import classify, event_of, exchange_of

__all__ = ["LogEntry", "Request", "Webhook", "classify", "entries", "outbound", "request", "webhook"]

Format = Literal["auto", "json", "nestjs", "logfmt"]

STACK_LINES_MAX = 200  # a runaway recursion prints thousands of the same frame
# A trace is written at once; a line a second later is something else.
TRACE_LASTS = timedelta(seconds=1)
WAITING_MAX = 2_000  # entries held back for an unfinished one before them

CONTINUES = re.compile(
    r"\s|at\s+\S|Caused by\b|\.{3} \d+ (?:more|common)|Traceback \(|File \"|During handling of|The above exception|"
    r"\[?(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION)\b|[}\])>]+[,;]?$|\^|-{3,}|Node\.js v\d"
)
ERROR_NAME = re.compile(
    r"(?:[A-Za-z_][\w$]*[.:])*[A-Z][\w$]*(?:Error|Exception|Violation|Warning|Timeout|Exit|Interrupt)\b"
)
REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /")


class Line(Protocol):
    at: object
    stream: str
    text: str
    container: str


@dataclass(slots=True)
class Open:
    """An entry that may still grow."""

    line: object
    head: Head
    more: list[str] = field(default_factory=list)
    last: object = None
    closed: bool = False


def entries(raw_lines: Iterable[Line], format: Format = "auto") -> Iterator[LogEntry]:
    """Entries in the order in which they began. Both streams of all containers may come mixed; each is joined with
    itself only. A start of the process that follows unfinished work is marked as a crash."""
    return mark_crashes(joined(raw_lines, format))


def joined(raw_lines: Iterable[Line], format: Format) -> Iterator[LogEntry]:
    parsers = PARSERS[format]
    waiting: deque[Open] = deque()
    growing: dict[tuple[str, str], Open] = {}
    for line in raw_lines:
        text = clean(line.text[:LINE_CHARACTERS_MAX]).rstrip()
        if not text:
            continue
        source = (line.container, line.stream)
        before = growing.get(source)
        if before is not None and line.at - before.last > TRACE_LASTS:
            before.closed, before = True, None
        if before is not None and text[0] != "{" and CONTINUES.match(text):
            _grow(before, text, line)
            continue
        head = _head(text, parsers)
        if head.kind == "plain" and before is not None and _belongs(before, text):
            _grow(before, text, line)
            continue
        if before is not None:
            before.closed = True
        growing[source] = opened = Open(line, head, last=line.at)
        waiting.append(opened)
        while waiting and (waiting[0].closed or _over(waiting, line)):
            first = waiting.popleft()
            first.closed = True
            yield _entry(first)
    for each in waiting:
        yield _entry(each)


def _head(text: str, parsers: tuple[Callable[[str], Head | None], ...]) -> Head:
    for parse in parsers:
        head = parse(text)
        if head is not None:
            return head
    return plain_line(text)


def _grow(entry: Open, text: str, line: Line) -> None:
    entry.last = line.at
    if len(entry.more) < STACK_LINES_MAX:
        entry.more.append(text)


def _belongs(before: Open, text: str) -> bool:
    """Whether an unstamped line without indentation goes on with the entry before it: the error's own name below a
    NestJS line, or the last line of a Python traceback."""
    if REQUEST.match(text):
        return False
    head = before.head
    if head.kind in ("nestjs", "stamped", "logfmt"):
        return head.level in ("error", "fatal", "warn")
    in_traceback = any(each.startswith("Traceback (") for each in (head.message, *before.more[:1]))
    return in_traceback and bool(ERROR_NAME.match(text))


def _over(waiting: deque[Open], line: Line) -> bool:
    """Whether the oldest entry can grow no more. Its successors on other streams wait for it, to keep the order."""
    first = waiting[0]
    return line.at - first.last > TRACE_LASTS or len(waiting) > WAITING_MAX


def _entry(opened: Open) -> LogEntry:
    line, head = opened.line, opened.head
    stack = (
        "\n".join([head.stack, *opened.more]) if head.stack and opened.more else head.stack or "\n".join(opened.more)
    )
    if opened.more and head.kind == "json" and not head.fields:
        whole = _pretty(head, opened.more)
        if whole is not None:
            head, stack = whole, whole.stack
    exchange, to_stripe = exchange_of(head.message, head.logger, head.fields)
    event = None if exchange else event_of(head.message, head.level, head.fields)
    return LogEntry(
        line.at, head.level, head.logger, head.message, head.fields, stack, line.stream, line.container,
        exchange, to_stripe, event,
    )  # fmt: skip


def _pretty(head: Head, more: list[str]) -> Head | None:
    """An object that was printed over several lines."""
    whole = "\n".join([head.message, *more])
    try:
        DECODE(whole)
    except ValueError:
        return None
    return json_line(whole)


def request(entry: LogEntry) -> Request | None:
    """An inbound request that the service answered."""
    return None if entry.to_stripe else entry.exchange


def outbound(entry: LogEntry) -> Request | None:
    """A call of the service to Stripe."""
    return entry.exchange if entry.to_stripe else None


def webhook(entry: LogEntry) -> Webhook | None:
    """What the entry says of an event of Stripe's, None where it names none or says nothing of it."""
    return entry.event
