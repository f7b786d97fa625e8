"""Dotenv text as Dokploy reads it: the expression of the `dotenv` package that it calls, and its way with quotes."""

import re
from collections.abc import Mapping

LINE = re.compile(
    r"""^[^\S\n]*(?:export\s+)?([\w.-]+)(?:[^\S\n]*=[^\S\n]*?|:[^\S\n]+?)"""
    r"""([^\S\n]*'(?:\\'|[^'])*'|[^\S\n]*"(?:\\"|[^"])*"|[^\S\n]*`(?:\\`|[^`])*`|[^#\r\n]+)?[^\S\n]*(?:#.*)?$""",
    re.MULTILINE,
)
PLAIN = re.compile(r"[^\s#'\"`\\]+")


def parse(text: str) -> dict[str, str]:
    """The variables of the text; of one that stands there twice the last counts."""
    return {found[1]: _value(found[2] or "") for found in LINE.finditer(text)}


def _value(raw: str) -> str:
    raw = raw.strip()
    quote = raw[:1]
    if len(raw) > 1 and quote in "'\"`" and raw.endswith(quote):
        raw = raw[1:-1]
    return raw.replace("\\n", "\n").replace("\\r", "\r") if quote == '"' else raw


def line(name: str, value: str) -> str:
    """`NAME=value`, quoted where it must be."""
    if not value or PLAIN.fullmatch(value):
        return f"{name}={value}"
    quote = next(mark for mark in "\"'`" if mark not in value and not (mark == '"' and "\\" in value))
    return f"{name}={quote}{value}{quote}"


def written(title: str, groups: Mapping[str, Mapping[str, str]]) -> str:
    """A text as people keep one: a comment over each group, a blank line between."""
    parts = [f"# {title}\n"]
    parts += [f"\n# {name}\n" + "".join(f"{line(*each)}\n" for each in values.items())
              for name, values in groups.items()]
    return "".join(parts)


def changed(text: str, name: str, value: str | None) -> str:
    """The text with this variable set (None: without it); everything else stays."""
    places = [found for found in LINE.finditer(text) if found[1] == name]
    if not places:
        return text if value is None else f"{text}{line(name, value)}\n"
    last = places[-1]
    if value is None:
        return text[: last.start()] + text[last.end() :].removeprefix("\n")
    return text[: last.start()] + line(name, value) + text[last.end() :]
