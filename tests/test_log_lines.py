"""Log lines become entries, and entries say what went wrong, in the words of many services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice.wires.service import records, says
from runbook.judgement import log_lines
from runbook.judgement.log_lines import LogEntry
from runbook.wires.raw_line import RawLine

START = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def raw(*texts: str, stream: str = "stderr", at: datetime = START, container: str = "shop-api.1.x") -> list[RawLine]:
    return [RawLine(at + timedelta(milliseconds=number), stream, text, container) for number, text in enumerate(texts)]


def one(*texts: str) -> LogEntry:
    (entry,) = log_lines.entries(raw(*texts))
    return entry


def read(lines: Sequence[RawLine]) -> list[LogEntry]:
    return list(log_lines.entries(lines))


NEST = (
    "\x1b[31m[Nest] 7  - \x1b[39m01/15/2026, 12:00:00 PM \x1b[31m  ERROR\x1b[39m "
    "\x1b[38;5;3m[Webhooks] \x1b[39m\x1b[31m{}\x1b[39m"
)

# What real services write, by client library.
WORDINGS = [
    ("card_declined", "StripeCardError: Your card was declined."),
    ("card_declined", "Error processing payment: { type: 'StripeCardError', code: 'card_declined' }"),
    ("card_declined", "stripe._error.CardError: Request req_8: Your card has insufficient funds."),
    ("card_declined", "stripe.error.CardError: Request req_1: Your card's security code is incorrect."),
    ("card_declined", '{"level":"error","msg":"payment '
                      'failed","err":{"type":"StripeCardError","code":"expired_card"}}'),
    ("authentication_required", "StripeCardError: Your card was declined. This transaction requires authentication. "
                                "code: authentication_required"),
    ("authentication_required", ''
                                '{"level":50,"msg":"x","decline_code":"authentication_required","code":"card_declined"}'),
    ("api_connection_error", "StripeConnectionError: An error occurred with our connection to "
                             "Stripe. Request was retried 2 times."),
    ("api_connection_error", "stripe._error.APIConnectionError: Unexpected error communicating with Stripe."),
    ("api_connection_error", "FetchError: request to https://api.stripe.com/v1/charges failed, "
                             "reason: connect ETIMEDOUT"),
    ("rate_limit_error", "{ type: 'StripeRateLimitError', raw: { code: 'rate_limit' } }"),
    ("rate_limit_error", "stripe._error.RateLimitError: Request req_2: Request rate limit exceeded."),
    ("rate_limit_error", "level=error logger=StripeClient msg=\"stripe POST /v1/payment_intents 429 12ms\""),
    ("invalid_request_error", "StripeInvalidRequestError: No such payment_intent: 'pi_1'"),
    ("invalid_request_error", "stripe._error.InvalidRequestError: Request req_3: Received unknown parameter: foo"),
    ("invalid_request_error", ''
                              '{"severity":"ERROR","message":"bad","error":{"type":"invalid_request_error","code":"resource_missing"}}'),
    ("authentication_error", "StripeAuthenticationError: Invalid API Key provided: sk_live_****1234"),
    ("authentication_error", "stripe._error.AuthenticationError: Expired API Key provided"),
    ("authentication_error", "Error: You did not provide an API key. You need to provide your API "
                             "key in the Authorization header"),
    ("authentication_error", '{"level":"error","msg":"stripe GET /v1/charges 401 9ms","method":"GET",'
                             '"path":"/v1/charges","status":401,"type":"invalid_request_error"}'),
    ("idempotency_error", "StripeIdempotencyError: Keys for idempotent requests can only be used "
                          "with the same parameters"),
    ("api_error", "level=error msg=\"stripe POST /v1/refunds 503 900ms\" method=POST "
                  "path=/v1/refunds status=503 request_id=req_1"),
    ("webhook_signature", "Webhook signature verification failed: No signatures found matching the "
                          "expected signature for payload."),
    ("webhook_signature", "StripeSignatureVerificationError: Unable to extract timestamp and signatures from header"),
    ("webhook_signature", "stripe._error.SignatureVerificationError: Timestamp outside the tolerance "
                          "zone (1768478400)"),
    ("database_unique_violation", "PrismaClientKnownRequestError: Invalid invocation: Unique "
                                  "constraint failed on the fields: (`stripePaymentIntentId`) code: 'P2002'"),
    ("database_unique_violation", 'QueryFailedError: duplicate key value violates unique constraint '
                                  '"Transaction_pi_key"'),
    ("database_unique_violation", "sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) "
                                  "duplicate key value"),
    ("database_unique_violation", "psycopg.errors.UniqueViolation: duplicate key value violates unique constraint"),
    ("database_unique_violation", "error: insert failed { length: 233, severity: 'ERROR', code: '23505' }"),
    ("database_unique_violation", "PG::UniqueViolation: ERROR"),
    ("database_unique_violation", "ERROR: insert failed (SQLSTATE 23505)"),
    ("database_unique_violation", "SequelizeUniqueConstraintError: Validation error"),
    ("database_foreign_key_violation", 'update or delete violates foreign key constraint "Transaction_userId_fkey"'),
    ("database_foreign_key_violation", "Foreign key constraint violated: `Transaction_userId_fkey (index)` P2003"),
    ("database_foreign_key_violation", "IntegrityError [23503]: insert"),
    ("database_timeout", "Error: Connection terminated due to connection timeout"),
    ("database_timeout", "error: canceling statement due to statement timeout"),
    ("database_timeout", "psycopg.errors.IdleInTransactionSessionTimeout: terminating connection due "
                         "to idle-in-transaction timeout"),
    ("database_pool", "Timed out fetching a new connection from the connection pool. (P2024)"),
    ("database_pool", "KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full."),
    ("database_pool", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached"),
    ("database_timeout", "error: it took too long [55P03]"),
    ("database_connection", "Error: Connection terminated unexpectedly"),
    ("database_connection", "psycopg.OperationalError: server closed the connection unexpectedly"),
    ("database_connection", "FATAL:  sorry, too many clients already"),
    ("database_connection", "PrismaClientInitializationError: Can't reach database server at `db`:`5432`"),
    ("database_connection", "Error: connect ECONNREFUSED 10.0.0.5:5432"),
    ("database_connection", "error: terminating connection due to administrator command (57P01)"),
    ("database_other", "error: deadlock detected code: '40P01'"),
    ("database_other", 'ERROR: null value in column "amount" violates not-null constraint'),
    ("database_other", "QueryFailedError: column Transaction.state does not exist"),
    ("process_crash", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    ("process_crash", "[uncaughtException] TypeError: Cannot read properties of undefined"),
    ("process_crash", "Fatal Python error: Segmentation fault"),
    ("webhook_handler_error", "ERROR webhook evt_1ABC payment_intent.succeeded failed: cannot read "
                              "property of undefined"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), WORDINGS, ids=[text[:40] for _, text in WORDINGS])
def test_every_wording_has_its_class(name: str, text: str) -> None:
    assert log_lines.classify(one(text)) == name
    assert log_lines.classify(one(NEST.format(text))) == name


@pytest.mark.parametrize(
    "text",
    [
        "POST /api/payments/create-intent 201 143ms",
        '{"level":"info","msg":"confirmation mail sent for pi_1"}',
        'level=info msg="webhook evt_1 payment_intent.payment_failed received"',
        "[Nest] 7  - 01/15/2026, 12:00:00 PM     LOG [Bootstrap] payments service 2026.11.3 started",
        "2026-01-15 12:00:00 INFO retry policy: 3 attempts",
        '{"level":"info","msg":"listening on :3000"}',
        "",
    ],
)
def test_calm_lines_have_none(text: str) -> None:
    assert [log_lines.classify(entry) for entry in read(raw(text))] in ([None], [])


RECORDS = [
    (says.started(0, "1"), None),
    (says.access(0, "POST", "/api/payments/create-intent", 201, 143), None),
    (says.stripe_call(0, "POST", "/v1/payment_intents", 200, 132, "req_1"), None),
    (
        says.stripe_refusal(
            0, "POST", "/v1/payment_intents/pi_1/confirm", 402, 10, "req_1", kind="CardError", error_type="card_error",
            code="card_declined", decline_code="insufficient_funds", message="Your card has insufficient funds.",
        ),
        "card_declined",
    ),
    (says.webhook_received(0, "evt_1", "payment_intent.succeeded"), None),
    (says.webhook_processed(0, "evt_1", "pi_1"), None),
    (says.webhook_duplicate(0, "evt_1"), None),
    (says.signature_refused(0, "No signatures found"), "webhook_signature"),
    (says.payment_declined(0, "pi_1", "card_declined", "do_not_honor"), "card_declined"),
    (
        says.webhook_failed(0, "evt_1", "pi_1", 'duplicate key value violates unique constraint "x"', "23505",
                            says.stack("UniqueViolation", "23505", ["duplicate key", "DETAIL:  Key"], [("f", "a.py")])),
        "database_unique_violation",
    ),
    (says.request_failed(0, "POST", "/api/customers", "couldn't get a connection after 5 sec", "", ""),
     "database_pool"),
    (says.mail_sent(0, "pi_1"), None),
]  # fmt: skip


@pytest.mark.parametrize("form", records.FORMATS)
@pytest.mark.parametrize("asked", ["auto", "itself"])
def test_the_three_formats_say_the_same(form: str, asked: str) -> None:
    lines = [
        RawLine(START + timedelta(seconds=number), record.stream, line, "c")
        for number, (record, _) in enumerate(RECORDS)
        for line in records.FORMATS[form](record).split("\n")
    ]
    found = list(log_lines.entries(lines, form if asked == "itself" else "auto"))
    assert [entry.message for entry in found] == [record.msg for record, _ in RECORDS]
    assert [entry.level for entry in found] == [record.level for record, _ in RECORDS]
    assert [entry.logger for entry in found] == [record.logger for record, _ in RECORDS]
    assert [log_lines.classify(entry) for entry in found] == [name for _, name in RECORDS]
    assert [entry.stack for entry in found] == [record.stack for record, _ in RECORDS]
    states = [seen.state for entry in found if (seen := log_lines.webhook(entry))]
    assert states == ["received", "processed", "duplicate", "failed"]
    calls = [call for entry in found if (call := log_lines.outbound(entry))]
    assert [(call.method, call.path, call.status, call.milliseconds) for call in calls] == [
        ("POST", "/v1/payment_intents", 200, 132),
        ("POST", "/v1/payment_intents/pi_1/confirm", 402, 10),
    ]
    (answered,) = (seen for entry in found if (seen := log_lines.request(entry)))
    assert answered == ("POST", "/api/payments/create-intent", 201, 143)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('10.0.0.1 - - [15/Jan/2026:12:00:00 +0000] "POST /api/payments/x?y=1 HTTP/1.1" 502 157 "-" "curl"',
         ("POST", "/api/payments/x", 502, None)),
        ('INFO:     127.0.0.1:5000 - "GET /api/health HTTP/1.1" 200 OK', ("GET", "/api/health", 200, None)),
        ("GET /api/payments/1 304 4.120 ms - -", ("GET", "/api/payments/1", 304, 4)),
        ('[GIN] 2026/01/15 - 12:00:00 | 500 |  1.5s |  10.0.0.1 | POST     "/api/payments"',
         ("POST", "/api/payments", 500, 1500)),
        ('{"level":30,"req":{"method":"POST","url":"/api/payments?z=1"},"res":{"statusCode":201},"responseTime":12.4,'
         '"msg":"request completed"}', ("POST", "/api/payments", 201, 12)),
        ('{"level":"info","message":"handled","http.method":"GET","http.target":"/x","http.status_code":404}',
         ("GET", "/x", 404, None)),
        ('{"level":"info","msg":"in","method":"get","url":"/x","statusCode":"200","duration":"7ms"}',
         ("GET", "/x", 200, 7)),
        ("POST /v1/customers 201 5ms", ("POST", "/v1/customers", 201, 5)),  # a shop's own v1
    ],
)  # fmt: skip
def test_inbound_requests_in_many_shapes(text: str, expected: tuple[object, ...]) -> None:
    entry = one(text)
    assert log_lines.request(entry) == expected
    assert log_lines.outbound(entry) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stripe POST /v1/refunds 200 80ms", ("POST", "/v1/refunds", 200, 80)),
        ("stripe POST /v1/refunds 0 30000ms", ("POST", "/v1/refunds", 0, 30000)),
        ("POST https://api.stripe.com/v1/payment_intents 402", ("POST", "/v1/payment_intents", 402, None)),
        ('{"msg":"call","method":"POST","url":"https://api.stripe.com/v1/charges?x=1","status":429,"request_id":"req_1"}',
         ("POST", "/v1/charges", 429, None)),
    ],
)  # fmt: skip
def test_calls_to_stripe(text: str, expected: tuple[object, ...]) -> None:
    assert log_lines.outbound(one(text)) == expected
    assert log_lines.request(one(text)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("webhook evt_1A processed pi_2B", ("evt_1A", "pi_2B", "processed")),
        ("Received event evt_1 of type payment_intent.succeeded", ("evt_1", "", "received")),
        (
            '{"level":"error","msg":"handler threw","eventId":"evt_1","paymentIntentId":"pi_1"}',
            ("evt_1", "pi_1", "failed"),
        ),
        ("Event evt_1 already processed, skipping", ("evt_1", "", "duplicate")),
        ('{"level":"warn","msg":"webhook evt_1 failed: duplicate key value"}', ("evt_1", "", "failed")),
        ('{"level":"info","msg":"Handled checkout.session.completed evt_1"}', ("evt_1", "", "processed")),
        ("evt_1 invoice.payment_failed", None),
        ("nothing about events", None),
        ("stripe POST /v1/events/evt_1/retry 200 5ms", None),
    ],
)
def test_what_became_of_an_event(text: str, expected: tuple[str, str, str] | None) -> None:
    assert log_lines.webhook(one(text)) == expected


def test_a_python_traceback_is_one_entry() -> None:
    entry = one(
        "2026-01-15 12:00:00,123 ERROR [payments.webhooks] webhook evt_1 failed",
        "Traceback (most recent call last):",
        '  File "/app/webhooks.py", line 10, in handle',
        "    insert(row)",
        'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "x"',
        "DETAIL:  Key (id)=(1) already exists.",
    )
    assert (entry.logger, entry.level, entry.message) == ("payments.webhooks", "error", "webhook evt_1 failed")
    assert entry.stack.count("\n") == 4
    assert log_lines.classify(entry) == "database_unique_violation"


def test_a_bare_traceback_and_what_follows() -> None:
    found = read(raw(
        "Traceback (most recent call last):", '  File "x.py", line 1, in <module>', "    boom()", "ValueError: boom",
        "plain words", "POST /api/payments 201 3ms",
    ))  # fmt: skip
    assert [entry.message for entry in found] == [
        "Traceback (most recent call last):", "plain words", "POST /api/payments 201 3ms",
    ]  # fmt: skip
    assert found[0].stack.endswith("ValueError: boom")


def test_a_java_trace_and_a_node_trace() -> None:
    java = one(
        "2026-01-15T12:00:00Z ERROR [c.s.Pay] failed", "java.lang.IllegalStateException: x", "\tat a.B.c(B.java:1)",
        "Caused by: org.postgresql.util.PSQLException: ERROR: duplicate key value violates unique constraint",
        "\t... 12 more",
    )  # fmt: skip
    assert log_lines.classify(java) == "database_unique_violation"
    node = one("Error: connect ECONNREFUSED 10.0.0.5:5432", "    at TCPConnectWrap.afterConnect (node:net:1)", "}")
    assert node.stack.count("\n") == 1


def test_pretty_printed_json_is_read_as_one() -> None:
    entry = one("{", '  "level": "error",', '  "msg": "card_declined"', "}")
    assert (entry.level, entry.message) == ("error", "card_declined")


def test_two_streams_are_joined_each_with_itself_and_keep_their_order() -> None:
    first, second = START, START + timedelta(milliseconds=1)
    lines = [
        RawLine(first, "stderr", NEST.format("webhook evt_1 failed: boom"), "c"),
        RawLine(first, "stdout", "POST /api/webhooks/stripe 500 3ms", "c"),
        RawLine(second, "stderr", "UniqueViolation [23505]: duplicate key", "c"),
        RawLine(second, "stdout", "POST /api/payments 201 3ms", "c"),
        RawLine(second, "stderr", "    at f (a.py)", "c"),
        RawLine(second, "stderr", "    at other (b.py)", "another"),
    ]
    found = read(lines)
    assert [entry.message.strip() for entry in found] == [
        "webhook evt_1 failed: boom", "POST /api/webhooks/stripe 500 3ms", "POST /api/payments 201 3ms",
        "at other (b.py)",
    ]  # fmt: skip
    assert found[0].stack == "UniqueViolation [23505]: duplicate key\n    at f (a.py)"


def test_a_trace_does_not_go_on_for_ever() -> None:
    late = raw("    at much.later (c.py)", at=START + timedelta(seconds=5))
    assert len(read(raw("Error: boom", "    at f (a.py)") + late)) == 2
    endless = one("Error: recursion", *["    at f (a.py)"] * 5_000)
    assert endless.stack.count("\n") < 250


def test_broken_json_still_speaks() -> None:
    cut = one('{"level":"error","msg":"stripe said rate_limit","body":"xxxxxxxx')
    assert (cut.level, log_lines.classify(cut)) == ("error", "rate_limit_error")
    deep = one('{"a":' * 5_000)
    assert deep.message


def test_huge_lines_and_odd_characters_are_bounded_and_cleaned() -> None:
    entry = one("\x1b[31mERROR\x1b[0m \u202ebad\u200b \x07thing\r " + "x" * 1_000_000)
    assert len(entry.message) < 20_000
    assert entry.message.startswith("bad thing")
    assert entry.level == "error"


def crash_log(*middle: str) -> list[str]:
    return [
        "webhook evt_0 payment_intent.succeeded received", "webhook evt_0 processed pi_0",
        "webhook evt_1 payment_intent.succeeded received", *middle, "payments service 2 started",
    ]  # fmt: skip


def test_a_start_over_unfinished_work_is_a_crash() -> None:
    assert log_lines.classify(read(raw(*crash_log()))[-1]) == "process_crash"
    task = "shop-api.1." + "a" * 25
    lines = raw(*crash_log()[:-1], container=task) + raw(
        "payments service 2 started", at=START + timedelta(seconds=2), container="shop-api.1." + "b" * 25
    )
    assert log_lines.classify(read(lines)[-1]) == "process_crash"


@pytest.mark.parametrize(
    "middle",
    [("webhook evt_1 processed pi_1",), ("webhook evt_1 failed: boom",), ("SIGTERM, shutting down",)],
)
def test_a_start_over_finished_work_is_none(middle: tuple[str, ...]) -> None:
    assert log_lines.classify(read(raw(*crash_log(*middle)))[-1]) is None


def test_a_start_long_after_and_events_that_nobody_finishes_are_no_crash() -> None:
    late = raw(*crash_log()[:-1]) + raw("payments service 2 started", at=START + timedelta(minutes=5))
    assert log_lines.classify(read(late)[-1]) is None
    ignored = raw("webhook evt_0 processed pi_0", "webhook evt_1 payment_intent.created received", "service started")
    assert log_lines.classify(read(ignored)[-1]) is None


words = st.sampled_from(
    ["{", "}", '"level":"error"', "level=error", "msg=", '"', "\\", "[Nest] 7  - ", "ERROR", "at ", "\t", "evt_1",
     "pi_1", "failed", "POST /v1/charges 200", "Traceback (most recent call last):", "\x1b[31m", "é", "\x00", "  "]
)  # fmt: skip


@given(
    st.lists(st.lists(words, max_size=8).map("".join), max_size=12),
    st.sampled_from(["auto", "json", "nestjs", "logfmt"]),
)
def test_no_text_is_lost_and_nothing_raises(texts: list[str], form: str) -> None:
    """Every line begins an entry or goes on with one."""
    lines = [RawLine(START, "stdout", text, "c") for text in texts]
    found = list(log_lines.entries(lines, form))  # type: ignore[arg-type]
    shown = sum("".join(c for c in text if c.isprintable()).strip() != "" for text in texts)
    assert len(found) <= len(texts)
    assert (len(found) > 0) == (shown > 0) or any("\x1b" in text for text in texts)
    for entry in found:
        log_lines.classify(entry)
        log_lines.request(entry)
        log_lines.outbound(entry)
        log_lines.webhook(entry)
