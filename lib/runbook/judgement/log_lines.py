"""Raw lines to entries: stack traces joined to the entry they belong to, in the order of time. Pure.

What an entry means is said by `classify`, `request`, `outbound`, `limit_met` and `webhook`; the words are in
`log_vocabulary`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
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
from runbook.judgement.log_words import classify, event_of, exchange_of, limit_met

__all__ = ["LogEntry", "Request", "Webhook", "classify", "entries", "limit_met", "outbound", "request", "webhook"]

Format = Literal["auto", "json", "nestjs", "logfmt"]

STACK_LINES_MAX = 200  # a runaway recursion prints thousands of the same frame
# A trace is written at once; a line a second later is something else.
TRACE_LASTS = timedelta(seconds=1)
WAITING_MAX = 2_000  # entries held back for an unfinished one before them

CONTINUES = re.compile(
    r"\s|at\s+\S|Caused by\b|\.{3} \d+ (?:more|common)|Traceback \(|File \"|During handling of|The above exception|"
    r"(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION)\b|[}\])>]+[,;]?$|\^|-{3,}|Node\.js v\d"
)
ERROR_NAME = re.compile(
    r"(?:[A-Za-z_][\w$]*[.:])*[A-Z][\w$]*(?:Error|Exception|Violation|Warning|Timeout|Exit|Interrupt)\b"
)
REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /")


class Line(Protocol):
    at: datetime
    stream: str
    text: str
    container: str


class Open:
    """An entry that may still grow."""

    __slots__ = ("closed", "head", "last", "line", "more")

    def __init__(self, line: Line, head: Head) -> None:
        self.line, self.head, self.last = line, head, line.at
        self.more: list[str] = []
        self.closed = False

    def grow(self, text: str, line: Line) -> None:
        self.last = line.at
        if len(self.more) < STACK_LINES_MAX:
            self.more.append(text)


def entries(raw_lines: Iterable[Line], format: Format = "auto") -> Iterator[LogEntry]:
    """Entries in the order in which they began. Both streams of all containers may come mixed; each is joined with
    itself only. A start of the process that follows unfinished work is marked as a crash."""
    return mark_crashes(joined(raw_lines, format))


def joined(raw_lines: Iterable[Line], format: Format) -> Iterator[LogEntry]:
    """Entries without the marks that need a look at others."""
    parsers = PARSERS[format]
    waiting: deque[Open] = deque()
    growing: dict[str, Open] = {}
    for line in raw_lines:
        text = clean(line.text[:LINE_CHARACTERS_MAX]).rstrip()
        if not text:
            continue
        source = line.container + line.stream
        before = growing.get(source)
        if before is not None:
            if line.at - before.last > TRACE_LASTS:
                before.closed, before = True, None
            elif text[0] not in "{[" and CONTINUES.match(text):
                before.grow(text, line)
                continue
        head = _head(text, parsers)
        if before is not None:
            if head.kind == "plain" and _belongs(before, text):
                before.grow(text, line)
                continue
            before.closed = True
        growing[source] = opened = Open(line, head)
        waiting.append(opened)
        while waiting[0].closed or _over(waiting, line):
            yield _entry(waiting.popleft())
    for each in waiting:
        yield _entry(each)


def _head(text: str, parsers: tuple[Callable[[str], Head | None], ...]) -> Head:
    for parse in parsers:
        head = parse(text)
        if head is not None:
            return head
    return plain_line(text)


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
    if len(waiting) < WAITING_MAX and line.at - waiting[0].last <= TRACE_LASTS:
        return False
    waiting[0].closed = True
    return True


def _entry(opened: Open) -> LogEntry:
    line, head, stack = opened.line, opened.head, opened.head.stack
    if opened.more:
        whole = _pretty(head, opened.more) if head.kind == "json" and not head.fields else None
        head = whole or head
        stack = whole.stack if whole else "\n".join([stack, *opened.more] if stack else opened.more)
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
