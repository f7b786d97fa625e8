"""One question that the doctor asked, its answer, and how the answers are shown."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from runbook import clock
from runbook.clock import Clock
from runbook.errors import CannotLook, RunbookError
from runbook.redact import one_line
from runbook.target import Target

Answer = Literal["ok", "wrong", "cannot tell"]
MARKS: dict[str, str] = {"ok": "ok", "wrong": "WRONG", "cannot tell": "?"}
NARROWEST, WIDEST = 60, 120


@dataclass(frozen=True)
class Examination:
    part: str  # gateway | ledger | environment | service | messages
    question: str
    answer: Answer
    detail: str
    next_move: str = ""


@dataclass(frozen=True)
class Told:
    """What a look came to."""

    answer: Answer
    detail: str
    next_move: str = ""


def ok(detail: str) -> Told:
    return Told("ok", detail)


def wrong(detail: str, next_move: str) -> Told:
    return Told("wrong", detail, next_move)


def cannot_tell(sentence: str, next_move: str = "") -> Told:
    """`sentence` may bring its next move along, as every error of the runbook does."""
    detail, _, rest = sentence.partition(". ")
    return Told("cannot tell", detail.rstrip("."), next_move or rest)


def ask(part: str, question: str, look: Callable[[], Told]) -> Examination:
    """Look, and keep an error as the answer that it is: one that could not be read is no statement on the thing."""
    try:
        told = look()
    except RunbookError as error:
        told = cannot_tell(str(error))
        if not isinstance(error, CannotLook):
            told = wrong(told.detail, told.next_move)
    return Examination(part, question, told.answer, one_line(told.detail), one_line(told.next_move))


def now(target: Target) -> datetime:
    """The instant that the target lives in."""
    return Clock(clock.parse(target.fixed_clock, "fixed_clock") if target.fixed_clock else None).now()


def table(examinations: Iterable[Examination]) -> str:
    """For the terminal: a line for each question, its answer below where it needs one."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    lines: list[str] = []
    part = ""
    for each in examinations:
        if each.part != part:
            part = each.part
            lines += ["", part]
        lines += _lines(each, width)
    return "\n".join(lines[1:])


def _lines(each: Examination, width: int) -> Iterator[str]:
    yield from _wrapped(f"  {MARKS[each.answer]:<6}{each.question} {each.detail}".rstrip(), width)
    if each.answer != "ok" and each.next_move:
        yield from _wrapped(f"        → {each.next_move}", width)


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent=" " * 10, break_on_hyphens=False, drop_whitespace=True)


def to_json(examinations: Iterable[Examination]) -> list[dict[str, Any]]:
    return [asdict(each) for each in examinations]
