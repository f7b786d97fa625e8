"""One log line in words of our own: JSON lines, NestJS, logfmt, stamped or plain text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

LINE_CHARACTERS_MAX = 16_384  # what is longer is a dump; its beginning says what it is


class Head(msgspec.Struct, gc=False):
    """The parts that the first line of an entry gives. `kind` is json, nestjs, logfmt, stamped or plain."""

    kind: str
    level: str = ""
    logger: str = ""
    message: str = ""
    fields: dict[str, Any] = {}
    stack: str = ""


LEVELS = {
    **dict.fromkeys(("trace", "debug", "verbose", "silly", "10", "20"), "debug"),
    **dict.fromkeys(("info", "log", "notice", "information", "http", "default", "30"), "info"),
    **dict.fromkeys(("warn", "warning", "40"), "warn"),
    **dict.fromkeys(("error", "err", "50", "eror"), "error"),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "emergency", "alert", "60"), "fatal"),
}
LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level", "@l", "log_level")
MESSAGE_KEYS = ("msg", "message", "event", "@m", "log", "text")
LOGGER_KEYS = ("logger", "context", "logger_name", "name", "module", "log.logger", "component")
STACK_KEYS = ("stack", "stacktrace", "stack_trace", "exception", "exc_info", "error.stack_trace")
ERROR_KEYS = ("err", "error", "exception")  # where loggers put the error object
ANY_ERROR_KEY = frozenset(STACK_KEYS + ERROR_KEYS)

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
NEST = re.compile(
    r"\[Nest\]\s+\d+\s+-\s+[\d/., :T+-]+Z?(?: ?[AP]M)?\s+(?P<level>[A-Z]+)\s+"
    r"(?:\[(?P<logger>[^\]]*)\]\s+)?(?P<message>.*)"
)
NEST_TOOK = re.compile(r"\s\+\d+ms$")  # since the line before, which says nothing
PAIR = re.compile(r'([\w@][\w.@/-]*)=("[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]*)')
LOGFMT_KEYS = frozenset(["level", "lvl", "msg", "message", "ts", "time", "severity", "at"])
STAMP = re.compile(
    r"(?:\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ,]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?|\d\d:\d\d:\d\d(?:[.,]\d+)?)"
    r"(?:\s?(?:(?:Z|UTC|GMT|CES?T|[ECMP][SD]T)\b|[+-]\d\d:?\d\d))?\]?:?\s*)"
)
LEVEL_WORD = re.compile(
    r"(?:[\s\[\](|:,-]|\bpid=\d+)*\b(?P<level>TRACE|DEBUG|VERBOSE|INFO|LOG|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|PANIC|"
    r"trace|debug|info|warn(?:ing)?|error|fatal|critical)\b[\]\s:|)-]*(?:\[(?P<logger>[\w.$/-]+)\]:?\s*)?"
)
BROKEN_LEVEL = re.compile(r'"(?:level|severity|lvl)"\s*:\s*"?(\w+)')
DECODE = msgspec.json.Decoder().decode


def clean(text: str) -> str:
    """Without terminal colours, carriage returns and other characters that are not there to be read."""
    if text.isprintable():
        return text
    text = ESCAPES.sub("", text).replace("\t", "    ")
    return text if text.isprintable() else "".join(each for each in text if each.isprintable())


def json_line(text: str) -> Head | None:
    if not text.startswith("{"):
        return None
    try:
        fields = DECODE(text)
    except (msgspec.DecodeError, RecursionError):
        return _broken_json(text)
    if not isinstance(fields, dict):
        return None
    return _head("json", fields)


def _head(kind: str, fields: dict[str, Any]) -> Head:
    level = _take(fields, LEVEL_KEYS)
    level = LEVELS.get(level) or LEVELS.get(str(level).lower(), "") if level else ""
    message, logger = _take(fields, MESSAGE_KEYS), _take(fields, LOGGER_KEYS)
    stack: Any = ""
    if not ANY_ERROR_KEY.isdisjoint(fields):
        stack = _take(fields, STACK_KEYS)
        inner = next((fields[key] for key in ERROR_KEYS if isinstance(fields.get(key), dict)), {})
        stack = stack or inner.get("stack") or inner.get("stack_trace") or ""
        message = message or inner.get("message") or ""
    return Head(kind, level, _text(logger), _text(message), fields, _text(stack))


def _broken_json(text: str) -> Head | None:
    """A line that was cut, or two in one: its words still count. A lone brace is pretty-printed and goes on below."""
    if len(text) > 2 and '"' not in text:
        return None
    found = BROKEN_LEVEL.search(text)
    return Head("json", LEVELS.get(found[1].lower(), "") if found else "", "", text)


def nest_line(text: str) -> Head | None:
    if not text.startswith("[Nest]"):
        return None
    found = NEST.match(text)
    if not found:
        return None
    message = found["message"]
    if message.endswith("ms"):
        message = NEST_TOOK.sub("", message)
    return Head("nestjs", LEVELS.get(found["level"].lower(), ""), found["logger"] or "", message)


def logfmt_line(text: str) -> Head | None:
    if not text.partition("=")[0].isidentifier():
        return None
    fields: dict[str, Any] = dict(PAIR.findall(text))
    if len(fields) < 2 or LOGFMT_KEYS.isdisjoint(fields):
        return None
    for key, value in fields.items():
        if value[:1] == '"':
            fields[key] = _unquoted(value)
    return _head("logfmt", fields)


def stamped_line(text: str) -> Head | None:
    """Text that begins with a time or a level word."""
    stamp = STAMP.match(text)
    rest = text[stamp.end() :] if stamp else text
    level = LEVEL_WORD.match(rest) if stamp or text[:1] in "TDVILNWEFCPtdiwefc[" else None
    if level and (stamp or _stands_alone(level, rest)):
        return Head(
            "stamped", LEVELS.get(level["level"].lower(), ""), level["logger"] or "", rest[level.end() :].strip()
        )
    return Head("stamped", "", "", rest.strip()) if stamp else None


def _stands_alone(level: re.Match[str], rest: str) -> bool:
    """A level without a time must look like one: `ERROR:`, `[error]`, `WARN  x`, not `Error: boom` or `info desk`."""
    word = level["level"]
    return word.isupper() or rest.startswith("[")


def plain_line(text: str) -> Head:
    return Head("plain", message=text)


PARSERS: dict[str, tuple[Callable[[str], Head | None], ...]] = {
    "auto": (json_line, nest_line, logfmt_line, stamped_line),
    "json": (json_line, stamped_line),
    "nestjs": (nest_line, json_line, stamped_line),
    "logfmt": (logfmt_line, json_line, stamped_line),
}


def _take(fields: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """The first of `keys` that holds a plain value, removed from `fields`; others of them stay."""
    for key in keys:
        value = fields.get(key, fields)
        if value.__class__ is not dict:
            del fields[key]
            return value
    return ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode() if isinstance(value, list) else str(value)


def _unquoted(value: str) -> str:
    if "\\" not in value:
        return value[1:-1]
    try:
        return json.loads(value, strict=False)
    except ValueError:
        return value[1:-1]
