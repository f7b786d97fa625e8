"""What a log entry says, by the words, codes and SQLSTATEs of Stripe and Postgres and of their usual clients. Pure.

Not by the wording of any one service: the same error reads differently from Prisma, TypeORM, node-postgres,
SQLAlchemy or psycopg, and each of them quotes the code.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from runbook.judgement.log_formats import LogEntry

TEXT_CHARACTERS_MAX = 4_000  # the error's own words stand at the top of its trace

# Looked for in this order, in lower case; the first class with a word in the text is the entry's.
WORDS: dict[str, tuple[str, ...]] = {
    "webhook_signature": (
        "signature verification failed", "signatureverificationerror", "signatureverificationexception",
        "no signatures found matching", "unable to extract timestamp and signatures",
        "timestamp outside the tolerance zone", "no webhook payload was provided", "invalid stripe signature",
        "webhook signature", "no stripe-signature header",
    ),
    "authentication_error": (
        "invalid api key", "expired api key", "api_key_expired", "stripeauthenticationerror", "authenticationerror",
        "did not provide an api key", "no api key provided", "stripepermissionerror", "platform_api_key_expired",
        "required permissions for this endpoint", "secret_key_required",
    ),
    "rate_limit_error": ("stripertatelimiterror", "striperatelimiterror", "ratelimiterror", "rate_limit", "rate limit exceeded", "too many requests hit the api"),
    "authentication_required": ("authentication_required",),
    "card_declined": (
        "card_declined", "card was declined", "stripecarderror", "carderror", "cardexception", "card_error",
        "insufficient_funds", "generic_decline", "do_not_honor", "expired_card", "incorrect_cvc", "incorrect_number",
        "card has insufficient funds", "card has expired", "security code is incorrect",
    ),
    "idempotency_error": ("idempotency_error", "idempotencyerror", "keys for idempotent requests"),
    "api_connection_error": (
        "apiconnectionerror", "stripeconnectionerror", "api_connection_error", "connection to stripe",
        "communicating with stripe", "request to stripe timed out", "could not connect to stripe", "apiconnectionexception",
    ),
    "invalid_request_error": (
        "invalid_request_error", "invalidrequesterror", "invalidrequestexception", "resource_missing",
        "no such payment_intent", "no such customer", "no such payment_method", "received unknown parameter",
        "missing required param", "parameter_missing", "parameter_unknown",
    ),
    "api_error": ("stripeapierror", "stripe._error.apierror", "stripe.error.apierror", "stripe.apierror", "type: 'api_error'", '"api_error"'),
    "database_unique_violation": (
        "violates unique constraint", "unique constraint failed", "unique constraint violation", "p2002",
        "uniqueviolation", "uniqueconstrainterror", "uniqueconstraintviolation", "er_dup_entry",
    ),
    "database_foreign_key_violation": (
        "violates foreign key constraint", "foreign key constraint failed", "foreign key constraint violated", "p2003",
        "foreignkeyviolation", "foreignkeyconstrainterror",
    ),
    "database_timeout": (
        "statement timeout", "lock timeout", "idle-in-transaction timeout", "idle-session timeout", "transaction timeout",
        "idleintransactionsessiontimeout", "due to connection timeout", "query read timeout", "querycanceled",
        "timeout exceeded when trying to connect", "resourcerequest timed out", "timeout acquiring a connection",
        "sequelizeconnectionacquiretimeout", "operation timeout", "p2024", "p2028", "p1008", "pooltimeout",
        "couldn't get a connection after", "queuepool limit", "lock not available", "connection timeout expired",
    ),
    "database_connection": (
        "connection terminated unexpectedly", "server closed the connection unexpectedly", "database system is ",
        "too many clients already", "remaining connection slots", "can't reach database server", "p1001", "p1002",
        "p1017", "terminating connection due to administrator command", "password authentication failed",
        "could not connect to server", "connection to server at", "adminshutdown", "no pg_hba.conf entry",
        "ssl connection has been closed", "connection already closed", "connection is closed", "the connection is lost",
        "sequelizeconnection", "server has closed the connection", "consuming input failed", "terminating connection because",
        "connect econnrefused 127.0.0.1:5432", ":5432",
    ),
    "database_other": (
        "queryfailederror", "prismaclient", "psycopg.errors", "psycopg2.errors", "sqlalchemy.exc", "sequelizedatabaseerror",
        "deadlock detected", "could not serialize access", "violates not-null constraint", "violates check constraint",
        "value too long for type", "could not extend file", "invalid input syntax for type", "pg::", "sqlstate",
    ),
    "process_crash": (
        "uncaughtexception", "uncaught exception", "unhandledrejection", "unhandled promise rejection",
        "heap out of memory", "oomkilled", "out of memory: kill", "segmentation fault", "fatal python error",
        "panic: ", "exited with code 137", "exit code 137", "exit status 137", "worker timeout (pid", "sigkill",
    ),
}  # fmt: skip
# Postgres' own codes, where a client quotes them; classes of two characters come last.
SQLSTATES = {
    "23505": "database_unique_violation",
    "23503": "database_foreign_key_violation",
    "57014": "database_timeout",
    "55P03": "database_timeout",
    "25P03": "database_timeout",
    "25P04": "database_timeout",
    "57P05": "database_timeout",
    "57P01": "database_connection",
    "57P02": "database_connection",
    "57P03": "database_connection",
    "53300": "database_connection",
    "08": "database_connection",
    "28": "database_connection",
    "22": "database_other",
    "23": "database_other",
    "25": "database_other",
    "40": "database_other",
    "42": "database_other",
    "53": "database_other",
    "XX": "database_other",
}
STATE_CODE = re.compile(
    r"(?:sqlstate|code|pgcode|errcode)\W{1,4}(?P<named>[0-9A-Z]{5})\b|"
    r"[\[(](?P<bare>2[2358][0-9P]\d\d|08\d{3}|40[0P]0\d|42[0-9P]\d\d|53\d{3}|55P03|57[P0][01]\d)[\])]"
)
CONNECTION_LOST = re.compile(
    r"ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|socket hang up|timed out|Max retries", re.I
)
TROUBLE = re.compile(
    r"error|fail|declin|exception|violat|refus|reject|timeout|timed out|denied|crash|killed|invalid", re.I
)

RESOURCES = frozenset(
    ["account", "balance", "balance_transactions", "charges", "checkout", "coupons", "customers", "disputes", "ephemeral_keys", "events", "files", "invoices", "invoiceitems", "mandates", "payment_intents", "payment_links", "payment_methods", "payouts", "prices", "products", "refunds", "setup_intents", "sources", "subscriptions", "tokens", "topups", "transfers", "webhook_endpoints"]
)
CALL = re.compile(
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (?P<host>https?://[^/\s\"]+)?(?P<path>/[^\s\"?]*)[^\s\"]*"
    r"(?: HTTP/\d(?:\.\d)?)?\"?,?(?:\s+(?:→|->|-|=>|responded|returned|status[=:]?))*\s+(?P<status>[0-5]\d\d|0)\b"
    r"(?:\W{0,3}(?:in )?(?P<time>\d+(?:\.\d+)?) ?(?P<unit>ms|s|µs)\b)?"
)
GIN = re.compile(
    r"\| +(?P<status>\d{3}) +\| +(?P<time>[\d.]+)(?P<unit>ms|s|µs) +\|.*\| +(?P<method>[A-Z]+) +\"(?P<path>/[^\"?]*)(?P<host>x{0})"
)
FACTORS = {"ms": 1.0, "s": 1000.0, "µs": 0.001}
EVENT = re.compile(r"\bevt_[A-Za-z0-9]+")
INTENT = re.compile(r"\bpi_[A-Za-z0-9]+")
EVENT_TYPE = re.compile(
    r"\b[a-z][a-z_0-9]*(?:\.[a-z_0-9]+)+\b"
)  # payment_intent.succeeded: no statement on the handling
STATES = (
    ("duplicate", re.compile(r"duplicat|already (?:been )?(?:processed|handled|received|seen)|skipp", re.I)),
    ("failed", re.compile(r"fail|error|exception|could not|cannot|rolled back|reject", re.I)),
    ("processed", re.compile(r"processed|handled|completed|done\b|success|recorded|finished|acknowledged", re.I)),
    ("received", re.compile(r"receiv|incoming|processing|handling|got\b|start", re.I)),
)


class Request(NamedTuple):
    """An HTTP exchange as logged; `status` 0 means that no answer came."""

    method: str
    path: str
    status: int
    milliseconds: int | None


class Webhook(NamedTuple):
    """What became of an event: received | processed | failed | duplicate."""

    event_id: str
    intent_id: str
    state: str


def classify(entry: LogEntry) -> str | None:
    """The error class that the entry speaks of, None for one that speaks of none."""
    if entry.crash:
        return "process_crash"
    if entry.level in ("info", "debug") and not (entry.stack or TROUBLE.search(entry.message)):
        return None
    text = _text(entry)
    lower = text.lower()
    for name, words in WORDS.items():
        if any(word in lower for word in words):
            return _by_state(entry, text) or name if name == "database_other" else name
    if state := _by_state(entry, text):
        return state
    if ("stripe" in lower) and CONNECTION_LOST.search(text):
        return "api_connection_error"
    call = outbound(entry)
    if call is not None and call.status in BY_STATUS:
        return BY_STATUS[call.status]
    found = webhook(entry)
    return "webhook_handler_error" if found and found.state == "failed" else None


BY_STATUS = {0: "api_connection_error", 401: "authentication_error", 403: "authentication_error", 429: "rate_limit_error",
             402: "card_declined", 400: "invalid_request_error", 404: "invalid_request_error",
             500: "api_error", 502: "api_error", 503: "api_error", 504: "api_error"}  # fmt: skip


def request(entry: LogEntry) -> Request | None:
    """An inbound request that the service answered."""
    found = _call(entry)
    return found[0] if found and not found[1] else None


def outbound(entry: LogEntry) -> Request | None:
    """A call of the service to Stripe."""
    found = _call(entry)
    return found[0] if found and found[1] else None


def webhook(entry: LogEntry) -> Webhook | None:
    """What the entry says of an event of Stripe's, None where it names none or says nothing of it."""
    event = _event_id(entry)
    if not event or _call(entry):
        return None
    words = EVENT_TYPE.sub(" ", entry.message)
    state = next((name for name, pattern in STATES if pattern.search(words)), "")
    if not state or (state in ("processed", "received") and entry.level in ("error", "fatal")):
        state = "failed" if entry.level in ("error", "fatal") else ""
    return Webhook(event, _intent_id(entry), state) if state else None


def _text(entry: LogEntry) -> str:
    """The words that an error may stand in: message, trace, and the short fields that carry codes and names."""
    parts = [entry.message, entry.stack]
    for key, value in entry.fields.items():
        if isinstance(value, dict):
            parts += [f"{name}: {inner}" for name, inner in value.items() if isinstance(inner, str)]
        elif isinstance(value, str):
            parts.append(f"{key}: {value}")
    return "\n".join(parts)[:TEXT_CHARACTERS_MAX]


def _by_state(entry: LogEntry, text: str) -> str:
    for found in STATE_CODE.finditer(text):
        state = found["named"] or found["bare"]
        name = SQLSTATES.get(state) or SQLSTATES.get(state[:2], "")
        if name and any(each.isdigit() for each in state):
            return name
    return ""


def _call(entry: LogEntry) -> tuple[Request, bool] | None:
    """The exchange that the entry logs, and whether it went out to Stripe."""
    fields = entry.fields
    if "method" in fields or "req" in fields or "request" in fields or "http.method" in fields:
        found = _call_in_fields(fields)
        if found is not None:
            return found, _is_stripe(found.path, entry)
    message = entry.message
    if "/" not in message:
        return None
    match = CALL.search(message) or (GIN.search(message) if "|" in message else None)
    if match is None:
        return None
    milliseconds = round(float(match["time"]) * FACTORS[match["unit"]]) if match["time"] else None
    found = Request(match["method"], match["path"], int(match["status"]), milliseconds)
    return found, "api.stripe.com" in (match["host"] or "") or _is_stripe(found.path, entry)


def _call_in_fields(fields: dict[str, Any]) -> Request | None:
    inner, answer = _part(fields, "req", "request"), _part(fields, "res", "response")
    method = fields.get("method") or fields.get("http.method") or inner.get("method")
    path = fields.get("path") or fields.get("url") or fields.get("http.target") or inner.get("url") or inner.get("path")
    status = next(
        (value for value in (fields.get("status"), fields.get("statusCode"), fields.get("status_code"),
                             fields.get("http.status_code"), answer.get("statusCode"), answer.get("status"))
         if value is not None), None)  # fmt: skip
    if not isinstance(method, str) or not isinstance(path, str) or not str(status).isdigit():
        return None
    took = next(
        (fields[name] for name in ("ms", "duration_ms", "responseTime", "duration", "latency_ms") if name in fields),
        None,
    )
    path = path.partition("?")[0]
    return Request(method.upper(), path.partition("api.stripe.com")[2] or path, int(status), _milliseconds(took))


def _part(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return next((fields[name] for name in names if isinstance(fields.get(name), dict)), {})


def _milliseconds(took: object) -> int | None:
    try:
        return None if took is None else round(float(str(took).removesuffix("ms")))
    except ValueError:
        return None


def _is_stripe(path: str, entry: LogEntry) -> bool:
    """A path of Stripe's API, in an entry that speaks of Stripe: a shop may have a `/v1/customers` of its own."""
    parts = path.split("/", 3)
    if len(parts) < 3 or parts[1] not in ("v1", "v2") or parts[2] not in RESOURCES:
        return False
    return "stripe" in entry.logger.lower() or "stripe" in entry.message.lower() or "request_id" in entry.fields


def _event_id(entry: LogEntry) -> str:
    if "evt_" in entry.message:
        return EVENT.search(entry.message)[0] if EVENT.search(entry.message) else ""
    return _id_in_fields(entry.fields, "evt_")


def _intent_id(entry: LogEntry) -> str:
    found = INTENT.search(entry.message) if "pi_" in entry.message else None
    return found[0] if found else _id_in_fields(entry.fields, "pi_")


def _id_in_fields(fields: dict[str, Any], prefix: str) -> str:
    return next((value for value in fields.values() if isinstance(value, str) and value.startswith(prefix)), "")
