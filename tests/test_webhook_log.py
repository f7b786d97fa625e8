"""The logs of deliveries: strangers are no outage, and an outage that is over is told from one that goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from runbook.facts import Answer, Evidence
from runbook.judgement import webhook_log, webhooks
from runbook.judgement.log_entry import LogEntry
from runbook.judgement.log_lines import entries
from runbook.judgement.webhook_log import Deliveries
from runbook.wires.raw_line import RawLine

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def seen(refused: list[float], verified: list[float], reason: str = "no match") -> Deliveries:
    return Deliveries(tuple((at(each), reason) for each in refused), tuple(at(each) for each in verified), 100)


def log() -> Evidence:
    return Evidence("?", "logs", NOON)


def entry(message: str, stack: str = "") -> LogEntry:
    return LogEntry(NOON, "error", "", message, {}, stack, "stderr", "api")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("No signatures found matching the expected signature for payload. Are you passing the raw request body?",
         "no match"),
        ("Timestamp outside the tolerance zone (1768478400)", "too old"),
        ("Unable to extract timestamp and signatures from header", "not signed"),
        ("No stripe-signature header value was provided.", "not signed"),
        ("Webhook payload must be provided as a string or a Buffer instance representing the _raw_ request body."
         "Payload was provided as a parsed JavaScript object instead.", "parsed body"),
        ("something else about a webhook signature", "other"),
    ],
)  # fmt: skip
def test_each_library_names_its_reason(words, reason):
    assert webhook_log.reason_of(entry(f"Webhook signature verification failed: {words}")) == reason
    assert webhook_log.reason_of(entry("Unhandled", f"StripeSignatureVerificationError: {words}")) == reason


def test_strangers_and_our_own_probes_are_no_outage():
    found = seen([-50, -30, -10], [-60, -40, -20])
    assert found.since is None
    assert webhooks.deliveries_verify(found, log()).answer is Answer.HOLDS
    assert seen([-9, -8, -7, -6, -5, -4], [-60], "not signed").since is None


def test_an_outage_begins_after_the_last_delivery_that_passed():
    found = seen([-300, *range(-30, 0, 3)], [-310, -290, -100, -40, -31])
    assert found.since == at(-30)
    assert (found.last_verified, found.verified_since, found.is_over) == (at(-31), 0, False)
    assert webhooks.deliveries_verify(found, log()).answer is Answer.DOES_NOT_HOLD


def test_an_outage_that_is_over_is_no_fault_any_more():
    found = seen(list(range(-60, -30, 3)), [-90, -70, *range(-29, 0, 5)])
    assert found.since == at(-60)
    assert found.is_over
    assert webhooks.deliveries_verify(found, log()).answer is Answer.HOLDS


def test_nothing_in_the_logs_says_nothing():
    assert webhooks.deliveries_verify(Deliveries(entries=7), log()).answer is Answer.CANNOT_TELL


@pytest.mark.parametrize(
    ("started", "verified", "answer"),
    [
        (-31, [-90, -40], Answer.HOLDS),
        (-200, [-90, -40], Answer.DOES_NOT_HOLD),
        (-5, [-90, -40], Answer.CANNOT_TELL),
        (-31, [], Answer.CANNOT_TELL),
    ],
)
def test_a_new_container_is_blamed_only_if_nothing_passed_in_it(started, verified, answer):
    container = Evidence("?", "containers", NOON, ({"started_at": at(started)},))
    found = seen(list(range(-30, 0, 3)), verified)
    assert webhooks.began_with_a_deployment(found, log(), container).answer is answer


def test_a_clock_is_read_off_lines_that_name_their_zone():
    lines = [
        '{"ts":"2026-01-15T12:07:00.000Z","level":"info","msg":"tick"}',
        '{"ts":"2026-01-15 12:07:00","level":"info","msg":"tick"}',
        '{"time":1768479120000,"level":30,"msg":"tick"}',
        '{"level":"error","msg":"Webhook signature verification failed: Timestamp outside the tolerance zone (1)"}',
        '{"level":"info","msg":"webhook evt_1Abc payment_intent.succeeded received"}',
    ]
    found = webhook_log.read(entries(RawLine(NOON, "stdout", line, "api") for line in lines))
    assert found.ahead == 570  # the median of 420 and 720; a stamp without a zone does not count
    assert (len(found.refused), len(found.verified), found.entries) == (1, 1, 5)
