"""Dotenv text: reading it, and changing exactly one variable of it.

The deployment replaces an environment as a whole, so whatever is sent back must be what was read, to the byte: the
comments, the order, the quotes. Read as the deployment reads it (Node's `dotenv`): a value may stand in one of three
kinds of quotes and then go over several lines; without them it ends at a `#` or the line's end; the last of two counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbook.errors import BadInput

NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=|:(?=[^\S\n]))")
REST = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
QUOTES = "\"'`"
BARE = re.compile(r"[^\s#'\"`\\]+")


@dataclass(frozen=True)
class Assignment:
    """`name` and where its value stands in the text, quotes included."""

    name: str
    value: str
    start: int
    end: int


def assignments(text: str) -> Iterator[Assignment]:
    """Every assignment in order; what is no assignment is passed over, line by line."""
    at = 0
    while at < len(text):
        head = NAME.match(text, at)
        if head is None:
            at = line_end(text, at) + 1
            continue
        found = quoted(text, head) or bare(text, head)
        yield found
        at = line_end(text, found.end) + 1


def quoted(text: str, head: re.Match[str]) -> Assignment | None:
    """A value in quotes that close, with nothing but a comment after them."""
    start = head.end() + len(text[head.end() :]) - len(text[head.end() :].lstrip(" \t"))
    quote = text[start : start + 1]
    if not quote or quote not in QUOTES:
        return None
    end = start + 1
    while (end := text.find(quote, end)) != -1:
        if text[end - 1] != "\\" and REST.match(text, end + 1):
            inner = text[start + 1 : end]
            value = inner.replace("\\n", "\n").replace("\\r", "\r") if quote == '"' else inner
            return Assignment(head[1], value, start, end + 1)
        if text[end - 1] != "\\":
            return None
        end += 1
    return None


def bare(text: str, head: re.Match[str]) -> Assignment:
    line = text[head.end() : line_end(text, head.end())]
    value = line.partition("#")[0]
    start = head.end() + len(value) - len(value.lstrip())
    return Assignment(head[1], value.strip(), start, start + len(value.strip()))


def line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end == -1 else end


def parse(text: str) -> dict[str, str]:
    """The variables that the text gives to a container."""
    return {each.name: each.value for each in assignments(text)}


def with_value(text: str, name: str, value: str) -> str:
    """The text with this one variable changed, or added at its end.

    Raises BadInput where that cannot be done so that every other variable stays what it is.
    """
    there = [each for each in assignments(text) if each.name == name]
    if there:
        start, end = there[-1].start, there[-1].end
        changed = text[:start] + written(value, text[start:end]) + text[end:]
    else:
        gap = "" if not text or text.endswith("\n") else "\n"
        changed = f"{text}{gap}{name}={written(value, '')}\n"
    if parse(changed) != parse(text) | {name: value}:
        raise BadInput(f"`{name}` cannot be changed in the stored text without touching more; change it by hand.")
    return changed


def written(value: str, old: str) -> str:
    """The value in the quotes that the old one had, in none where none are needed, else in what fits."""
    quote = old[:1] if len(old) > 1 and old[0] in QUOTES and old[0] == old[-1] else ""
    if not quote and (not value or BARE.fullmatch(value)):
        return value
    for mark in (quote, *QUOTES):
        if mark and mark not in value and not (mark == '"' and "\\" in value):
            return f"{mark}{value}{mark}"
    return value
