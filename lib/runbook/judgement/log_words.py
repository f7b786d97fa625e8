"""What a log entry says, by the words, codes and SQLSTATEs of Stripe and Postgres and of their usual clients. Pure.

Not by the wording of any one service: the same error reads differently from Prisma, TypeORM, node-postgres,
SQLAlchemy or psycopg, and each of them quotes the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from runbook.judgement.log_entry import LogEntry, Request, Webhook
from runbook.judgement.log_vocabulary import BY_STATUS, LIMIT_REASONS, RESOURCES, SQLSTATES, STATES, TROUBLE, WORDS

PHRASES_MAX = 1_000  # a service says the same few things of each event
TEXT_CHARACTERS_MAX = 4_000  # the error's own words stand at the top of its trace

STATE_CODE = re.compile(
    r"(?i:sqlstate|code|pgcode|errcode)\W{1,4}(?P<named>[0-9A-Z]{5})\b|"
    r"[\[(](?P<bare>2[2358][0-9P]\d\d|08\d{3}|40[0P]0\d|42[0-9P]\d\d|53\d{3}|55P03|57[P0][01]\d)[\])]"
)
CONNECTION_LOST = re.compile(
    r"ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|socket hang up|timed out|Max retries", re.I
)
CALL = re.compile(
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (?P<host>https?://[^/\s\"]+)?(?P<path>/[^\s\"?]*)[^\s\"]*"
    r"(?: HTTP/\d(?:\.\d)?)?\"?,?(?:\s+(?:→|->|-|=>|responded|returned|status[=:]?))*\s+(?P<status>[0-5]\d\d|0)\b"
    r"(?:\W{0,3}(?:in )?(?P<time>\d+(?:\.\d+)?) ?(?P<unit>ms|s|µs)\b)?"
)
GIN = re.compile(
    r"\| +(?P<status>\d{3}) +\| +(?P<time>[\d.]+)(?P<unit>ms|s|µs) +\|.*\| +(?P<method>[A-Z]+) +"
    r"\"(?P<path>/[^\"?]*)(?P<host>x{0})"
)
FACTORS = {"ms": 1.0, "s": 1000.0, "µs": 0.001}
# Statuses of Stripe's that mean one thing, whatever its error type: a rejected key is an invalid_request_error, too.
DECISIVE = frozenset([401, 403, 429])
TOO_MANY = 429
METHODS = frozenset(["method", "req", "request", "http.method"])
STATUSES = ("status", "statusCode", "status_code", "http.status_code")
TIMES = ("duration_ms", "responseTime", "duration", "latency_ms")
EVENT = re.compile(r"\bevt_[A-Za-z0-9]+")
INTENT = re.compile(r"\bpi_[A-Za-z0-9]+")
EVENT_KEYS = ("event", "event_id", "eventId", "stripe_event_id", "stripeEventId", "id")
INTENT_KEYS = ("intent", "payment_intent", "paymentIntent", "intent_id", "paymentIntentId", "payment_intent_id")
EVENT_TYPE = re.compile(r"\b[a-z][a-z_0-9]*(?:\.[a-z_0-9]+)+\b")  # payment_intent.succeeded: no word on the handling


def classify(entry: LogEntry) -> str | None:
    """The error class that the entry speaks of, None for one that speaks of none."""
    if entry.crash:
        return "process_crash"
    if _is_calm(entry):
        return None
    text = _text(entry)
    lower = text.lower()
    if entry.to_stripe and entry.exchange and entry.exchange.status in DECISIVE:
        locked = entry.exchange.status == TOO_MANY and any(word in lower for word in WORDS["lock_timeout"])
        return "lock_timeout" if locked else BY_STATUS[entry.exchange.status]
    name = next((name for name, words in WORDS.items() if any(word in lower for word in words)), "")
    if name in ("", "database_other"):
        name = _by_sqlstate(text) or name
    if not name and "stripe" in lower and CONNECTION_LOST.search(text):
        return "api_connection_error"
    if not name and entry.to_stripe and entry.exchange:
        return BY_STATUS.get(entry.exchange.status)
    if not name and entry.event and entry.event.state == "failed":
        return "webhook_handler_error"
    return name or None


def _is_calm(entry: LogEntry) -> bool:
    """Nothing to look for: most lines are these, and looking costs more than reading them."""
    if entry.stack or entry.level not in ("info", "debug"):
        return False
    if entry.exchange is not None:
        return entry.exchange.status < 400
    if entry.event is not None:
        return entry.event.state != "failed"
    lower = entry.message.lower()
    return not any(word in lower for word in TROUBLE)


def limit_met(entry: LogEntry) -> str:
    """Which limit a refused call met, by Stripe's own header, wherever the service wrote it; `lock_timeout` for an
    object that another call held; empty for a call that was not refused, and for one that does not say."""
    call = entry.exchange if entry.to_stripe else None
    if call is None or call.status != TOO_MANY:
        return ""
    lower = _text(entry).lower()
    if any(word in lower for word in WORDS["lock_timeout"]):
        return "lock_timeout"
    return next((reason for reason in LIMIT_REASONS if reason in lower), "")


def exchange_of(message: str, logger: str, fields: Mapping[str, Any]) -> tuple[Request | None, bool]:
    """The exchange that an entry logs, and whether it went out to Stripe."""
    if fields and not METHODS.isdisjoint(fields):
        found = _exchange_in_fields(fields)
        if found is not None:
            return found, _is_stripe(found.path, message, logger, fields)
    if " /" not in message and "http" not in message and '"/' not in message:
        return None, False
    match = CALL.search(message) or (GIN.search(message) if "|" in message else None)
    if match is None:
        return None, False
    milliseconds = round(float(match["time"]) * FACTORS[match["unit"]]) if match["time"] else None
    found = Request(match["method"], match["path"], int(match["status"]), milliseconds)
    return found, "api.stripe.com" in (match["host"] or "") or _is_stripe(found.path, message, logger, fields)


def event_of(message: str, level: str, fields: Mapping[str, Any]) -> Webhook | None:
    """What an entry says of an event of Stripe's, None where it names none or says nothing of it."""
    found = EVENT.search(message) if "evt_" in message else None
    event = found[0] if found else _id_in(fields, EVENT_KEYS, "evt_")
    if not event:
        return None
    named = INTENT.search(message) if "pi_" in message else None
    intent = named[0] if named else _id_in(fields, INTENT_KEYS, "pi_")
    state = _state_in(message.replace(event, "").replace(intent, "") if intent else message.replace(event, ""))
    if level in ("error", "fatal") and state != "duplicate":
        state = "failed"
    return Webhook(event, intent, state) if state else None  # type: ignore[arg-type]


@lru_cache(PHRASES_MAX)
def _state_in(phrase: str) -> str:
    lower = EVENT_TYPE.sub(" ", phrase).lower()
    for state, words in STATES.items():
        if any(word in lower for word in words):
            return state
    return ""


def _text(entry: LogEntry) -> str:
    """The words that an error may stand in: message, trace, and the short fields that carry codes and names."""
    parts = [entry.message, entry.stack]
    for key, value in entry.fields.items():
        if isinstance(value, dict):
            parts += [f"{name}: {inner}" for name, inner in value.items() if isinstance(inner, str)]
        elif isinstance(value, str):
            parts.append(f"{key}: {value}")
    return "\n".join(parts)[:TEXT_CHARACTERS_MAX]


def _by_sqlstate(text: str) -> str:
    for found in STATE_CODE.finditer(text):
        state = found["named"] or found["bare"]
        name = SQLSTATES.get(state) or SQLSTATES.get(state[:2], "")
        if name and any(each.isdigit() for each in state[2:]):
            return name
    return ""


def _exchange_in_fields(fields: Mapping[str, Any]) -> Request | None:
    method, path = fields.get("method"), fields.get("path")
    status, took = fields.get("status"), fields.get("ms")
    if method is None or path is None or status is None:  # not flat, or by other names
        inner, answer = _part(fields, "req", "request"), _part(fields, "res", "response")
        method = method or fields.get("http.method") or inner.get("method")
        path = path or fields.get("url") or fields.get("http.target") or inner.get("url") or inner.get("path")
        known = [fields[name] for name in STATUSES if name in fields]
        status = known[0] if known else answer.get("statusCode", answer.get("status"))
    if took is None:
        took = next((fields[name] for name in TIMES if name in fields), None)
    if not isinstance(method, str) or not isinstance(path, str) or not str(status).isdigit():
        return None
    if "?" in path or "://" in path:
        path = path.partition("?")[0]
        path = path.partition("api.stripe.com")[2] or path
    return Request(method.upper(), path, int(status), _milliseconds(took))


def _part(fields: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((fields[name] for name in names if isinstance(fields.get(name), dict)), {})


def _milliseconds(took: object) -> int | None:
    if isinstance(took, int):
        return took
    try:
        return None if took is None else round(float(str(took).removesuffix("ms")))
    except (ValueError, OverflowError):
        return None


def _is_stripe(path: str, message: str, logger: str, fields: Mapping[str, Any]) -> bool:
    """A path of Stripe's API, in an entry that speaks of Stripe: a shop may have a `/v1/customers` of its own."""
    if not path.startswith(("/v1/", "/v2/")) or path[4:].partition("/")[0] not in RESOURCES:
        return False
    return "stripe" in logger.lower() or "stripe" in message.lower() or "request_id" in fields


def _id_in(fields: Mapping[str, Any], keys: tuple[str, ...], prefix: str) -> str:
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value.startswith(prefix):
            return value
    return ""
