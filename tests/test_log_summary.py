"""A day of logs in one pass: what went wrong, how often in a row, and whether it still does."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from runbook.judgement import log_lines
from runbook.judgement.log_summary import Occurrence, summarise
from runbook.wires.raw_line import RawLine

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def read(*lines):
    """Each line (minute, message or (message, fields)) as a service in JSON writes it, summarised."""
    raw = []
    for minute, said in lines:
        message, fields = said if isinstance(said, tuple) else (said, {})
        text = json.dumps({"ts": "2026-01-15T12:00:00Z", "level": "info", "logger": "shop", "msg": message, **fields})
        raw.append(RawLine(NOON + timedelta(minutes=minute), "stdout", text, "shop"))
    return summarise(log_lines.entries(raw), "/api/payments/")


def received(event):
    return f"webhook {event} payment_intent.succeeded received"


def processed(event):
    return f"webhook {event} processed pi_1"


def failed(event):
    return (f"webhook {event} failed: no such thing", {"level": "error"})


UNVERIFIED = ("Webhook signature verification failed: no signatures found matching", {"level": "warn"})
NO_ANSWER = ("stripe POST /v1/payment_intents 0 30000ms: connection to Stripe failed", {"level": "error"})
REFUSED = ("stripe POST /v1/payment_intents 402 200ms card_declined", {"level": "warn"})
WENT_WELL = "stripe POST /v1/payment_intents 200 132ms"
PAID = "POST /api/payments/create-intent 201 143ms"


def test_nothing_in_gives_nothing_out():
    empty = read()
    assert (empty.entries, empty.classes, empty.webhooks, empty.first, empty.last) == (0, {}, {}, None, None)
    assert empty.lines("database_timeout") == 0
    assert empty.show_last("database_timeout") == "never"
    assert not empty.is_going_on("database_timeout")


def test_requests_on_the_payment_paths_are_counted_and_no_others():
    logs = read(
        (0, PAID), (1, "GET /api/payments/abc 200 3ms"), (2, "POST /api/payments/create-intent 503 9ms"),
        (3, "GET /api/health 500 1ms"), (4, "POST /api/payments/create-intent 400 1ms"),
    )  # fmt: skip
    assert (logs.requests, logs.requests_failed) == (4, 1)


def test_the_longest_row_of_failed_webhooks_ends_with_a_success():
    logs = read(
        (0, failed("evt_1")), (1, failed("evt_2")), (2, processed("evt_3")),
        (3, failed("evt_4")), (4, received("evt_5")), (5, failed("evt_5")), (6, failed("evt_6")),
        (7, processed("evt_7")),
    )  # fmt: skip
    assert (logs.longest_run, logs.failures_in_a_row) == (3, 0)
    assert logs.webhooks == {"failed": 5, "processed": 2, "received": 1}


def test_a_signature_that_fails_is_a_failed_webhook_although_it_names_no_event():
    logs = read((0, processed("evt_1")), (1, UNVERIFIED), (2, UNVERIFIED), (3, UNVERIFIED), (4, UNVERIFIED))
    assert logs.webhooks == {"processed": 1, "unverified": 4}
    assert (logs.longest_run, logs.failures_in_a_row) == (4, 4)
    assert logs.lines("webhook_signature") == 4


def test_calls_without_an_answer_are_counted_in_a_row():
    logs = read((0, NO_ANSWER), (1, NO_ANSWER), (2, WENT_WELL), (3, NO_ANSWER), (4, NO_ANSWER), (5, NO_ANSWER))
    assert (logs.longest_unanswered, logs.unanswered_in_a_row, logs.outbound_ok) == (3, 3, 1)


@pytest.mark.parametrize("answer", [WENT_WELL, REFUSED, PAID])
def test_an_answer_of_stripe_ends_the_row_even_when_it_is_a_no(answer):
    logs = read((0, NO_ANSWER), (1, NO_ANSWER), (2, answer), (3, NO_ANSWER))
    assert (logs.longest_unanswered, logs.unanswered_in_a_row) == (2, 1)


@pytest.mark.parametrize(
    "other", ["GET /api/payments/abc 200 3ms", "GET /api/health 200 1ms", "POST /api/payments/x 500 1ms"]
)
def test_what_says_nothing_of_stripe_does_not_end_the_row(other):
    logs = read((0, NO_ANSWER), (1, other), (2, NO_ANSWER))
    assert logs.longest_unanswered == 2


def test_what_ended_is_told_from_what_goes_on():
    logs = read((0, UNVERIFIED), (50, NO_ANSWER), (58, processed("evt_1")), (60, PAID))
    assert logs.show_last("webhook_signature") == "last 2026-01-15 12:00:00 UTC, 60 minutes before the logs end"
    assert not logs.is_going_on("webhook_signature")
    assert logs.show_last("webhook_signature", "api_connection_error") == (
        "last 2026-01-15 12:50:00 UTC, 10 minutes before the logs end"
    )
    later = read((0, UNVERIFIED), (55, UNVERIFIED), (60, PAID))
    assert later.is_going_on("webhook_signature")
    assert later.show_last("webhook_signature") == "last 2026-01-15 12:55:00 UTC, going on when the logs end"


def test_an_occurrence_keeps_first_last_and_the_first_wording():
    first = ("Webhook signature verification failed: first", {"level": "warn"})
    logs = read((1, first), (2, UNVERIFIED), (9, UNVERIFIED))
    seen = logs.classes["webhook_signature"]
    assert (seen.lines, seen.first, seen.last) == (3, NOON + timedelta(minutes=1), NOON + timedelta(minutes=9))
    assert seen.example == "Webhook signature verification failed: first"


def test_an_example_is_one_short_line_without_secrets():
    line = "Invalid API Key provided: sk_live_51Habcd for jane@example.com\nsecond line " + "x" * 500
    example = read((0, (line, {"level": "error"}))).classes["authentication_error"].example
    assert example.startswith("Invalid API Key provided: sk_live_… for …@example.com second line x")
    assert len(example) == 160
    assert Occurrence().example == ""


UNSIGNED = (
    "Webhook signature verification failed: Unable to extract timestamp and signatures from header", {"level": "warn"}
)


def test_a_probe_and_letters_of_strangers_are_no_failed_deliveries():
    """However often triage has asked: an unsigned letter, and right after it one that is wrongly signed."""
    probed = [(minute, letter) for minute in range(20) for letter in (UNSIGNED, UNVERIFIED)]
    logs = read(*probed)
    assert logs.webhooks == {"stranger": 40}
    assert (logs.longest_unverified, logs.longest_run) == (0, 0)
    later = read(*probed, *((minute, UNVERIFIED) for minute in range(30, 35)))
    assert later.webhooks == {"stranger": 40, "unverified": 5}
    assert (later.longest_unverified, later.unverified_in_a_row) == (5, 5)
