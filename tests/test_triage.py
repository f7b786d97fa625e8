"""Triage's findings speak for a cause, against it, or say that they cannot tell; what is left is the diagnosis."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from runbook import target
from runbook.facts import Answer, Evidence, Finding, Impact
from runbook.judgement import triage
from runbook.judgement.causes import CAUSES
from runbook.judgement.log_summary import LogSummary, Occurrence
from runbook.target import Thresholds

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
AWAY = "the engine is away"
NOBODY = Impact(0, 0, {}, "nobody")
MANY = Impact(60, 56, {"usd": 100}, "system-wide")
HERE = {"target": "practice", "incident": "inc-1"}
WHEN = " From 2026-01-15 10:00:00 UTC to 2026-01-15 11:50:00 UTC, and not since."
LAST = "last 2026-01-15 11:50:00 UTC, 10 minutes before the logs end"


def evidence(*rows, unreadable=""):
    return Evidence("?", "somewhere", NOON, tuple(rows), unreadable=unreadable)


def summary(going_on=False, **numbers):
    """A log that ended at noon; its errors ended ten minutes before, or go on."""
    classes = numbers.pop("classes", {})
    last = NOON - timedelta(minutes=1 if going_on else 10)
    seen = {
        name: Occurrence(lines, NOON - timedelta(hours=2), last, "…", Counter({0: lines}))
        for name, lines in classes.items()
    }
    return LogSummary(**{"entries": 9000, "last": NOON, "outbound_ok": 2000, **numbers}, classes=seen)


def sides(**states):
    found = {"gateway": "up", "status page": "up", "ledger": "up", "service": "up"} | {
        name.replace("_", " "): state for name, state in states.items()
    }
    return evidence(*({"part": part, "state": state, "detail": ""} for part, state in found.items()))


def missing(*ledger):
    return [
        {"intent_id": f"pi_{at}", "ledger": state, "user_id": f"u{at}", "amount_minor": 100, "currency": "usd"}
        for at, state in enumerate(ledger)
    ]


LOG, UNREAD = evidence(), evidence(unreadable=AWAY)


@pytest.fixture(scope="module")
def settings():
    raw = yaml.safe_load((target.TARGETS / "production.example.yaml").read_text())
    return target.convert(raw, "production.example.yaml")


def expect(finding, answer, because, implicates=(), clears=()):
    assert (finding.answer, finding.because) == (answer, because)
    assert (set(finding.implicates), set(finding.clears)) == (set(implicates), set(clears))


# Has Stripe taken money that we did not record?


def test_payments_that_are_all_recorded_speak_against_what_loses_them():
    finding = triage.payments_are_recorded(evidence(), evidence())
    lost_on_the_way = {"database_rollback", "webhook_signature", "webhook_handler_error"}
    expect(finding, HOLDS, "none is missing", clears=lost_on_the_way)


def test_missing_payments_speak_for_everything_that_keeps_them_from_being_recorded():
    rows = missing("PENDING", "no row", "PENDING")
    finding = triage.payments_are_recorded(evidence(*rows), evidence(rows[0]))
    because = "3 paid and not completed; in the ledger: 2 PENDING, 1 no row; 1 pending for too long"
    expect(finding, DOES_NOT_HOLD, because, implicates=triage.UNRECORDED)
    assert finding.weight == 3


def test_payments_of_which_the_waiting_is_unread_are_still_missing():
    finding = triage.payments_are_recorded(evidence(*missing("PENDING")), UNREAD)
    assert finding.because.endswith(f"1 PENDING; for how long could not be read: {AWAY}")
    assert finding.implicates == triage.UNRECORDED


def test_a_side_that_cannot_be_read_is_no_missing_payment():
    expect(triage.payments_are_recorded(UNREAD, evidence()), CANNOT_TELL, AWAY)


# What do the logs say?


NAMED = [
    (triage.service_key_is_accepted, "invalid_api_key", ["authentication_error"]),
    (triage.signatures_verify, "webhook_signature", ["webhook_signature"]),
    (triage.calls_are_within_limits, "rate_limited", ["rate_limit_error"]),
    (triage.requests_are_valid, "invalid_requests", ["invalid_request_error", "idempotency_error"]),
    (triage.handler_runs_through, "webhook_handler_error", ["webhook_handler_error"]),
    (triage.transactions_are_kept, "database_rollback", list(triage.DATABASE_ERRORS)),
]
BY_NAME = pytest.mark.parametrize(("ask", "cause", "classes"), NAMED, ids=[cause for _, cause, _ in NAMED])


@BY_NAME
def test_an_error_in_the_logs_speaks_for_its_cause(ask, cause, classes):
    for name in classes:
        finding = ask(summary(classes={name: 24, "card_declined": 99}), LOG)
        shared = ["database_unavailable"] if name in ("database_connection", "database_pool") else []
        expect(finding, DOES_NOT_HOLD, f"{name} 24×; {LAST}", implicates=[cause, *shared])
        assert (finding.weight, finding.shared) == (24, bool(shared))


@BY_NAME
def test_an_error_that_goes_on_is_told_from_one_that_ended(ask, cause, classes):
    finding = ask(summary(going_on=True, classes={classes[0]: 24}), LOG)
    assert finding.because == f"{classes[0]} 24×; last 2026-01-15 11:59:00 UTC, going on when the logs end"


@BY_NAME
def test_logs_without_the_error_speak_against_its_cause(ask, cause, classes):
    expect(ask(summary(classes={"card_declined": 99}), LOG), HOLDS, "0 of 9,000 entries", clears=[cause])


@BY_NAME
def test_logs_that_are_unread_empty_or_cut_short_speak_against_nobody(ask, cause, classes):
    expect(ask(LogSummary(), UNREAD), CANNOT_TELL, AWAY)
    expect(ask(LogSummary(), LOG), CANNOT_TELL, "the logs of the window are empty")
    cut = "none among the newest 9,000 entries; the older ones were not read"
    expect(ask(summary(cut=True), LOG), CANNOT_TELL, cut)
    assert ask(summary(cut=True, classes={classes[0]: 5}), LOG).implicates == (cause,)


@pytest.mark.parametrize(
    ("lines", "went_well", "stray"), [(1, 2000, True), (3, 300, True), (3, 299, False), (4, 2000, False), (1, 0, False)]
)
@pytest.mark.parametrize("ask", [triage.calls_are_within_limits, triage.requests_are_valid])
def test_a_stray_refusal_among_hundreds_of_calls_is_no_cause(ask, lines, went_well, stray):
    name = "rate_limit_error" if ask is triage.calls_are_within_limits else "invalid_request_error"
    finding = ask(summary(classes={name: lines}, outbound_ok=went_well), LOG)
    assert finding.holds is stray
    assert bool(finding.clears) is stray
    if stray:
        assert finding.because == f"but for a stray few: {lines} beside {went_well:,} calls that went well, {LAST}"


def test_one_rejected_key_is_never_stray():
    finding = triage.service_key_is_accepted(summary(classes={"authentication_error": 1}), LOG)
    assert finding.implicates == ("invalid_api_key",)


def test_several_database_errors_stand_side_by_side():
    finding = triage.transactions_are_kept(summary(classes={"process_crash": 12, "database_timeout": 15}), LOG)
    assert finding.because == f"database_timeout 15×, process_crash 12×; {LAST}"
    assert finding.weight == 27


@pytest.mark.parametrize(
    ("longest", "newest", "answer", "because"),
    [
        (3, 0, HOLDS, "50 received, 40 processed, 10 failed; at most 3 failures in a row"),
        (4, 0, DOES_NOT_HOLD, "50 received, 40 processed, 10 failed; at most 4 failures in a row"),
        (9, 5, DOES_NOT_HOLD,
         "50 received, 40 processed, 10 failed; at most 9 failures in a row, and the newest 5 all failed"),
    ],
)  # fmt: skip
def test_more_than_three_failed_webhooks_in_a_row_ring(longest, newest, answer, because):
    logs = summary(
        webhooks={"processed": 40, "received": 50, "failed": 10}, longest_run=longest, failures_in_a_row=newest
    )
    expect(triage.webhooks_are_handled(logs, LOG, Thresholds()), answer, because)


def test_failed_signatures_and_skipped_duplicates_are_counted_apart():
    logs = summary(webhooks={"unverified": 7, "failed": 1, "duplicate": 12}, longest_run=8)
    finding = triage.webhooks_are_handled(logs, LOG, Thresholds())
    assert finding.because.startswith("1 failed, 7 with a signature that fails, 12 skipped as known; at most 8")


def test_no_webhook_at_all_rings_no_alarm_and_gives_no_all_clear():
    expect(triage.webhooks_are_handled(summary(), LOG, Thresholds()), CANNOT_TELL, "no webhook stands in the logs")
    expect(triage.webhooks_are_handled(LogSummary(), UNREAD, Thresholds()), CANNOT_TELL, AWAY)


@pytest.mark.parametrize(
    ("failed", "answer"), [(0, HOLDS), (50, HOLDS), (51, DOES_NOT_HOLD), (1000, DOES_NOT_HOLD)]
)
def test_more_than_five_percent_of_failing_requests_ring(failed, answer):
    finding = triage.requests_succeed(summary(requests=1000, requests_failed=failed), LOG, Thresholds())
    expect(finding, answer, f"{failed:,} of 1,000 were answered with 5xx")


def test_no_request_at_all_says_nothing():
    finding = triage.requests_succeed(summary(), LOG, Thresholds())
    expect(finding, CANNOT_TELL, "no such request stands in the logs")
    expect(triage.requests_succeed(LogSummary(), UNREAD, Thresholds()), CANNOT_TELL, AWAY)


# Does Stripe answer, and does the database?


UP = "our probe: up; status page: up; "


@pytest.mark.parametrize(
    ("parts", "logs", "answer", "because"),
    [
        ({}, summary(), HOLDS, f"{UP}2,000 calls of the service went well, 0 had no answer"),
        ({}, summary(classes={"api_connection_error": 9}, longest_unanswered=2), HOLDS,
         f"{UP}2,000 calls of the service went well, 9 had no answer (at most 2 in a row, {LAST})"),
        ({}, summary(classes={"api_connection_error": 4}, longest_unanswered=4), HOLDS,
         f"{UP}2,000 calls of the service went well, 4 had no answer (at most 4 in a row, {LAST})"),
        ({}, summary(classes={"api_connection_error": 3, "api_error": 2}, longest_unanswered=5), DOES_NOT_HOLD,
         f"{UP}2,000 calls of the service went well, 5 had no answer (at most 5 in a row, {LAST})"),
        ({"gateway": "down"}, summary(), DOES_NOT_HOLD,
         "our probe: down; status page: up; 2,000 calls of the service went well, 0 had no answer"),
        ({"status_page": "unknown"}, summary(), HOLDS,
         "our probe: up; status page: unknown; 2,000 calls of the service went well, 0 had no answer"),
        ({"status_page": "degraded"}, summary(), HOLDS,
         "our probe: up; status page: degraded; 2,000 calls of the service went well, 0 had no answer"),
        ({"status_page": "down"}, summary(), CANNOT_TELL,
         "our probe: up; status page: down; 2,000 calls of the service went well, 0 had no answer"),
        ({"status_page": "down", "gateway": "down"}, summary(), DOES_NOT_HOLD,
         "our probe: down; status page: down; 2,000 calls of the service went well, 0 had no answer"),
    ],
)  # fmt: skip
def test_our_probe_and_the_services_calls_count_for_more_than_the_status_page(parts, logs, answer, because):
    outage = ["gateway_outage"]
    expect(triage.gateway_is_up(logs, LOG, sides(**parts)), answer, because,
           outage if answer is DOES_NOT_HOLD else (), outage if answer is HOLDS else ())  # fmt: skip


def test_without_logs_the_probe_decides_and_says_so():
    finding = triage.gateway_is_up(LogSummary(), UNREAD, sides())
    expect(finding, HOLDS, f"{UP}the logs could not be read", clears=["gateway_outage"])
    expect(triage.gateway_is_up(summary(), LOG, UNREAD), CANNOT_TELL, AWAY)


LOST = f"lost connections in its logs, {LAST}"


@pytest.mark.parametrize(
    ("parts", "logs", "answer", "because"),
    [
        ({}, summary(), HOLDS, "its health check passes"),
        ({}, summary(classes={"database_connection": 99}), HOLDS, f"its health check passes; 99 {LOST}"),
        ({}, summary(classes={"database_connection": 9}, going_on=True), HOLDS,
         "its health check passes; 9 lost connections in its logs, "
         "last 2026-01-15 11:59:00 UTC, going on when the logs end"),
        ({}, summary(classes={"database_connection": 10}, going_on=True), DOES_NOT_HOLD,
         "its health check passes; 10 lost connections in its logs, "
         "last 2026-01-15 11:59:00 UTC, going on when the logs end"),
        ({"service": "down"}, summary(classes={"database_connection": 1}, going_on=True), DOES_NOT_HOLD,
         "its health check does not pass; 1 lost connections in its logs, "
         "last 2026-01-15 11:59:00 UTC, going on when the logs end"),
        ({"service": "down"}, summary(classes={"database_connection": 99}), CANNOT_TELL,
         "its health check does not pass, and nothing says that its database is the reason"),
        ({"service": "down", "ledger": "down"}, summary(), DOES_NOT_HOLD,
         "its health check does not pass; the ledger does not answer us either"),
        ({"service": "down"}, summary(), CANNOT_TELL,
         "its health check does not pass, and nothing says that its database is the reason"),
        ({"ledger": "down"}, summary(), HOLDS, "its health check passes"),
    ],
)  # fmt: skip
def test_a_database_that_is_away_is_told_from_a_connection_that_was_lost(parts, logs, answer, because):
    away = ["database_unavailable"]
    expect(triage.database_answers(logs, LOG, sides(**parts)), answer, because,
           away if answer is DOES_NOT_HOLD else (), away if answer is HOLDS else ())  # fmt: skip


def test_parts_that_cannot_be_read_say_nothing_of_the_database():
    expect(triage.database_answers(summary(), LOG, UNREAD), CANNOT_TELL, AWAY)


# Do Stripe's events reach us, and with the right keys?


def endpoint(at="our URL", status="enabled", events=("payment_intent.succeeded",)):
    return {"endpoint": "we_1", "at": at, "status": status, "events": events}


@pytest.mark.parametrize(
    ("rows", "answer", "because"),
    [
        ([endpoint()], HOLDS, "endpoint we_1 is enabled for it"),
        ([endpoint(events=("*",))], HOLDS, "endpoint we_1 is enabled for it"),
        ([endpoint(status="disabled"), endpoint()], HOLDS, "endpoint we_1 is enabled for it"),
        ([], DOES_NOT_HOLD, "no endpoint has our URL"),
        ([endpoint(at="https://elsewhere.example")], DOES_NOT_HOLD, "no endpoint has our URL"),
        ([endpoint(status="disabled")], DOES_NOT_HOLD, "our endpoint we_1 is disabled"),
        ([endpoint(events=("charge.refunded",))], DOES_NOT_HOLD,
         "our endpoint we_1 is not subscribed to payment_intent.succeeded"),
    ],
)  # fmt: skip
def test_an_enabled_endpoint_at_our_url_must_want_the_event(rows, answer, because):
    cause = ["webhook_not_subscribed"]
    expect(triage.events_are_subscribed(evidence(*rows)), answer, because,
           cause if answer is DOES_NOT_HOLD else (), cause if answer is HOLDS else ())  # fmt: skip


def test_endpoints_that_cannot_be_read_say_nothing():
    expect(triage.events_are_subscribed(UNREAD), CANNOT_TELL, AWAY)


def key(variable, mode):
    return {"variable": variable, "kind": "secret", "mode": mode}


@pytest.mark.parametrize(
    ("rows", "answer", "because"),
    [
        ([key("STRIPE_KEY", "live"), key("PUBLIC", "live"), key("HOOK", "")], HOLDS, "STRIPE_KEY, PUBLIC: live"),
        ([key("STRIPE_KEY", "test"), key("PUBLIC", "live")], DOES_NOT_HOLD, "STRIPE_KEY is a test key"),
        ([key("HOOK", "")], CANNOT_TELL, "no Stripe key stands in the container's environment"),
        ([], CANNOT_TELL, "no Stripe key stands in the container's environment"),
    ],
)
def test_every_key_of_the_service_must_have_the_expected_mode(settings, rows, answer, because):
    cause = ["test_key_in_production"]
    expect(triage.keys_have_the_right_mode(evidence(*rows), settings), answer, because,
           cause if answer is DOES_NOT_HOLD else (), cause if answer is HOLDS else ())  # fmt: skip


def test_an_environment_that_cannot_be_read_says_nothing_of_its_keys(settings):
    expect(triage.keys_have_the_right_mode(UNREAD, settings), CANNOT_TELL, AWAY)


# Do customers pay as usual?


def tried(**counts):
    return evidence(
        *({"outcome": name, "count": count, "in the last hour": 0, "customers": 0} for name, count in counts.items())
    )


DECLINES, CONFIRMATIONS = "card_declines", "authentication_required"


@pytest.mark.parametrize(
    ("attempts", "because", "high"),
    [
        (tried(paid=80, declined=15, authentication_required=5), "15 declined and 5 to be confirmed of 100 attempts",
         ()),
        (tried(paid=60, declined=40), "40 declined and 0 to be confirmed of 100 attempts", ()),
        (tried(paid=59, declined=41), "41 declined and 0 to be confirmed of 100 attempts", (DECLINES,)),
        (tried(paid=50, authentication_required=50), "0 declined and 50 to be confirmed of 100 attempts",
         (CONFIRMATIONS,)),
        (tried(declined=42, authentication_required=43, paid=15), "42 declined and 43 to be confirmed of 100 attempts",
         (DECLINES, CONFIRMATIONS)),
        (tried(declined=19), "19 declined and 0 to be confirmed of 19 attempts, too few to speak of a share", ()),
        (tried(declined=20), "20 declined and 0 to be confirmed of 20 attempts", (DECLINES,)),
        (tried(), "0 declined and 0 to be confirmed of 0 attempts, too few to speak of a share", ()),
    ],
)  # fmt: skip
def test_declines_are_customers_own_until_their_share_is_far_beyond_the_everyday(attempts, because, high):
    finding = triage.customers_pay_as_usual(attempts)
    expect(finding, DOES_NOT_HOLD if high else HOLDS, because, high, {DECLINES, CONFIRMATIONS} - set(high))


def test_attempts_that_cannot_be_read_say_nothing():
    expect(triage.customers_pay_as_usual(UNREAD), CANNOT_TELL, AWAY)


# Who is affected?


@pytest.mark.parametrize(
    ("payments", "scale"),
    [(0, "nobody"), (1, "one-off"), (2, "one-off"), (3, "several"), (10, "several"), (11, "system-wide")],
)
def test_the_scale_steps_at_its_thresholds(payments, scale):
    assert triage.impact(missing(*["PENDING"] * payments), Thresholds()).scale == scale


def test_the_thresholds_are_those_of_the_target():
    settings = Thresholds(one_off_up_to=0, system_wide_above=1)
    assert triage.impact(missing("PENDING"), settings).scale == "several"
    assert triage.impact(missing("PENDING", "PENDING"), settings).scale == "system-wide"


def test_users_are_counted_once_and_nameless_payments_each():
    rows = [
        {"intent_id": "pi_1", "user_id": "u1", "amount_minor": 100, "currency": "usd"},
        {"intent_id": "pi_2", "user_id": "u1", "amount_minor": 200, "currency": "jpy"},
        {"intent_id": "pi_3", "user_id": "", "amount_minor": 50, "currency": "usd"},
        {"intent_id": "pi_4", "user_id": "", "amount_minor": 1, "currency": "usd"},
    ]
    assert triage.impact(rows, Thresholds()) == Impact(4, 3, {"jpy": 200, "usd": 151}, "several")


# What do we believe?


def every_finding(settings, logs, *, log=LOG, lost=(), attempts=None, parts=None, rows=None, keys=None):
    """All of triage's questions, as its notebook asks them: suspects and alarms."""
    parts = parts or sides()
    recorded = triage.payments_are_recorded(evidence(*lost), evidence(*lost))
    webhooks = triage.webhooks_are_handled(logs, log, Thresholds())
    errors = triage.requests_succeed(logs, log, Thresholds())
    same = Finding("Same environment.", HOLDS, "it is", clears=("wrong_environment",))
    suspects = triage.all_suspects().given(
        recorded,
        triage.customers_pay_as_usual(attempts or tried(paid=100)),
        *(ask(logs, log) for ask, _, _ in NAMED),
        triage.gateway_is_up(logs, log, parts),
        triage.database_answers(logs, log, parts),
        same,
        triage.events_are_subscribed(evidence(*(rows if rows is not None else [endpoint()]))),
        triage.keys_have_the_right_mode(keys or evidence(key("STRIPE_KEY", "live")), settings),
    )
    return suspects, [recorded, webhooks, errors]


def healthy(**changes):
    return summary(**{"requests": 2000, "webhooks": {"received": 1900, "processed": 1900}, **changes})


def believe(settings, logs, **found):
    suspects, alarms = every_finding(settings, logs, **found)
    impact = triage.impact(found.get("lost", ()), Thresholds())
    return triage.diagnose(suspects, impact, alarms, HERE)


def test_nothing_is_wrong_when_every_suspect_is_struck_out(settings):
    found = believe(settings, healthy())
    assert found.causes == ("none",)
    assert found.sentence == "Nothing is wrong: every suspect is struck out and no alarm rings."
    assert (found.next_notebook, found.parameters, found.suspects.standing) == ("", {}, ())


ALONE = [
    ("invalid_api_key", {"logs": healthy(classes={"authentication_error": 50})}),
    ("webhook_signature", {"logs": healthy(classes={"webhook_signature": 50}), "lost": missing("PENDING")}),
    ("database_rollback", {"logs": healthy(classes={"database_timeout": 50}), "lost": missing("PENDING")}),
    ("database_rollback", {"logs": healthy(classes={"database_connection": 50}), "lost": missing("PENDING")}),
    ("webhook_handler_error", {"logs": healthy(classes={"webhook_handler_error": 50}), "lost": missing("no row")}),
    ("webhook_not_subscribed", {"logs": healthy(), "rows": [], "lost": missing("PENDING")}),
    ("webhook_not_subscribed", {"logs": healthy(), "rows": []}),
    ("rate_limited", {"logs": healthy(classes={"rate_limit_error": 50})}),
    ("test_key_in_production", {"logs": healthy(), "keys": evidence(key("STRIPE_KEY", "test"))}),
    ("gateway_outage", {"logs": healthy(), "parts": sides(gateway="down")}),
    ("invalid_requests", {"logs": healthy(classes={"invalid_request_error": 50})}),
    ("database_unavailable", {"logs": healthy(), "parts": sides(service="down", ledger="down")}),
    ("card_declines", {"logs": healthy(), "attempts": tried(paid=10, declined=90)}),
    ("authentication_required", {"logs": healthy(), "attempts": tried(paid=10, authentication_required=90)}),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "found"), ALONE, ids=[cause for cause, _ in ALONE])
def test_each_cause_alone_is_named_with_its_notebook(settings, cause, found):
    diagnosis = believe(settings, **found)
    assert diagnosis.causes == (cause,)
    assert diagnosis.sentence == CAUSES[cause].sentence + WHEN * (cause in diagnosis.spans)
    assert diagnosis.next_notebook == CAUSES[cause].notebook
    assert diagnosis.parameters == (HERE if CAUSES[cause].notebook else {})


def test_every_cause_can_be_arrived_at():
    assert {cause for cause, _ in ALONE} | {"wrong_environment"} == set(CAUSES)


def test_a_stray_signature_does_not_outrank_what_lost_the_payments(settings):
    logs = healthy(classes={"webhook_signature": 1, "database_unique_violation": 72})
    diagnosis = believe(settings, logs, lost=missing(*["PENDING"] * 60))
    assert diagnosis.causes == ("database_rollback", "webhook_signature")
    assert diagnosis.next_notebook == "12_scenario_c_database_rollback"
    assert diagnosis.sentence == (
        "2 causes are left, the likeliest first. Stripe has the money, and the service's database did not keep the "
        f"row.{WHEN} Webhooks arrive, but their signature does not verify.{WHEN}"
    )


def test_without_logs_missing_payments_leave_several_suspects_and_no_false_certainty(settings):
    diagnosis = believe(settings, LogSummary(), log=UNREAD, lost=missing(*["PENDING"] * 60))
    assert set(diagnosis.causes) == {"database_rollback", "webhook_signature", "webhook_handler_error"}
    assert diagnosis.sentence.startswith("3 causes are left, the likeliest first. ")
    assert diagnosis.next_notebook == "", "where nothing parts them, no cure is begun"
    assert diagnosis.look_next == f"what could not be seen: {AWAY}"


def test_missing_payments_that_nothing_explains_are_unknown(settings):
    diagnosis = believe(settings, healthy(), lost=missing("PENDING"))
    assert diagnosis.causes == ("unknown",)
    assert diagnosis.sentence == (
        "Something is wrong, and no suspect explains it: 1 paid and not completed; in the ledger: 1 PENDING; "
        "1 pending for too long."
    )
    assert (diagnosis.next_notebook, diagnosis.parameters) == ("", {})


def test_an_alarm_that_no_cause_explains_is_unknown_and_names_what_comes_nearest(settings):
    logs = healthy(classes={"webhook_signature": 5}, webhooks={"processed": 9, "unverified": 5}, longest_run=5,
                   failures_in_a_row=5)  # fmt: skip
    diagnosis = believe(settings, logs)
    assert diagnosis.causes == ("unknown",)
    assert diagnosis.sentence == (
        "Something is wrong, and no suspect explains it: 9 processed, 5 with a signature that fails; at most "
        f"5 failures in a row, and the newest 5 all failed. Nearest is webhook_signature: webhook_signature 5×; {LAST}"
        "; but none is missing."
    )


def test_an_alarm_is_not_explained_by_customers_own_declines(settings):
    logs = healthy(requests_failed=900)
    diagnosis = believe(settings, logs, attempts=tried(paid=10, declined=90))
    assert diagnosis.causes == ("card_declines", "unknown")
    assert diagnosis.sentence == (
        "Something is wrong, and no suspect explains it: 900 of 2,000 were answered with 5xx. "
        "Beside it: Customers' banks decline their cards."
    )


def test_what_was_not_seen_is_never_well(settings):
    diagnosis = believe(settings, LogSummary(), log=UNREAD)
    assert diagnosis.causes == ("unknown",)
    assert diagnosis.sentence.startswith(
        f"No alarm rings, but it cannot be told whether all is well: {AWAY}. Not excluded: invalid_api_key, rate_"
    )


def test_without_a_single_look_nobody_says_that_all_is_well():
    diagnosis = triage.diagnose(triage.all_suspects(), NOBODY, [], HERE)
    assert diagnosis.causes == ("unknown",)
    assert "nobody looked" in diagnosis.sentence


def test_a_question_that_other_answers_settle_leaves_no_doubt(settings):
    suspects, alarms = every_finding(settings, healthy())
    doubt = Finding("A second look.", CANNOT_TELL, AWAY)
    assert triage.diagnose(suspects.given(doubt), NOBODY, alarms, HERE).causes == ("none",)


def test_an_impact_alone_is_something_wrong():
    struck = triage.all_suspects().given(Finding("All.", HOLDS, "all is struck out", clears=tuple(CAUSES)))
    diagnosis = triage.diagnose(struck, MANY, [], HERE)
    assert diagnosis.causes == ("unknown",)
    assert diagnosis.sentence == (
        "Something is wrong, and no suspect explains it: 60 payments paid and not completed."
    )


# What was seen itself, and what only rings


def probed(unsigned="yes", forged="yes"):
    rows = (("an unsigned event", unsigned), ("a wrongly signed event", forged))
    return evidence(*({"sent": sent, "refused": refused, "detail": "it answered 502"} for sent, refused in rows))


def test_a_route_that_takes_what_nobody_signed_is_critical_whatever_else_is_well(settings):
    finding = triage.events_must_be_signed(probed(unsigned="no"))
    because = "an unsigned event was taken: whoever knows the address can mark payments as paid"
    expect(finding, DOES_NOT_HOLD, because, implicates=["webhook_signature"])
    suspects, alarms = every_finding(settings, healthy())
    diagnosis = triage.diagnose(suspects.given(finding), NOBODY, alarms, HERE)
    assert diagnosis.causes == ("webhook_signature",), "that every payment is recorded is no excuse"
    assert diagnosis.alerts == ("the webhook route takes events without a signature",)


def test_refused_probes_say_nothing_of_the_secret():
    finding = triage.events_must_be_signed(probed())
    expect(finding, HOLDS, "an unsigned and a wrongly signed event were refused")
    expect(triage.events_must_be_signed(probed(forged="cannot tell")), CANNOT_TELL, "it answered 502")
    expect(triage.events_must_be_signed(UNREAD), CANNOT_TELL, AWAY)


@pytest.mark.parametrize(
    ("row", "lines", "verified", "strangers"), [(1, 1, 2, True), (3, 9, 10, True), (3, 9, 9, False), (4, 4, 99, False)]
)
def test_letters_of_strangers_stand_alone_between_events_that_verify(row, lines, verified, strangers):
    logs = summary(classes={"webhook_signature": lines}, webhooks={"processed": verified}, longest_unverified=row)
    assert triage.signatures_verify(logs, LOG).holds is strangers


def test_signatures_that_fail_now_are_not_excused_by_what_was_recorded_before(settings):
    logs = healthy(going_on=True, classes={"webhook_signature": 5}, longest_unverified=5, unverified_in_a_row=5)
    assert believe(settings, logs).causes == ("webhook_signature",)


def test_an_event_of_which_nothing_became_is_a_handler_that_hangs():
    at = {f"evt_{number}": ("payment_intent.succeeded", NOON - timedelta(minutes=20)) for number in range(4)}
    kinds = {"payment_intent.succeeded"}
    finding = triage.handler_runs_through(summary(in_hand=at, finished_kinds=kinds), LOG)
    expect(finding, DOES_NOT_HOLD, "4 events came in and nothing became of them", implicates=["webhook_handler_error"])
    assert triage.handler_runs_through(summary(in_hand=at), LOG).holds, "a kind that the service never finishes"
    young = {name: (kind, NOON) for name, (kind, _) in at.items()}
    assert triage.handler_runs_through(summary(in_hand=young, finished_kinds=kinds), LOG).holds, "still in hand"


def test_errors_of_the_database_that_no_webhook_was_lost_to_are_an_everyday_matter():
    classes = {"database_connection": 3}
    assert triage.transactions_are_kept(summary(classes=classes, processed={"evt_1"}), LOG).holds
    lost = summary(classes=classes, processed={"evt_1"}, failed_for={"evt_2": "database_connection"})
    assert not triage.transactions_are_kept(lost, LOG).holds


def test_a_database_that_is_away_is_no_rollback(settings):
    logs = healthy(going_on=True, classes={"database_pool": 50})
    found = believe(settings, logs, lost=missing("PENDING"), parts=sides(service="down"))
    assert found.causes == ("database_unavailable",)
    assert found.next_notebook == ""


def test_nobody_who_paid_proves_that_nothing_is_lost():
    nobody = Evidence("?", "somewhere", NOON, looked_at=0)
    finding = triage.payments_are_recorded(nobody, evidence())
    expect(finding, CANNOT_TELL, "nobody paid in the window, or not long enough ago to be late")


def placed(part, role, mode):
    return {"part": part, "variable": role.upper(), "role": role, "mode": mode, "kind": role, "problem": ""}


def tried_key(key, answer, question="Does Stripe accept it?"):
    return {"key": key, "question": question, "answer": answer, "because": "it is rejected (401)"}


def test_a_key_that_stripe_rejects_now_is_certain_before_anybody_was_refused(settings):
    keys = evidence(placed("api", "secret key", "live"))
    found = triage.keys_are_accepted(keys, evidence(tried_key("secret key of api", "no")), settings)
    suspects, alarms = every_finding(settings, healthy())
    assert triage.diagnose(suspects.given(*found), NOBODY, alarms, HERE).causes == ("invalid_api_key",)


def test_what_stripe_says_to_a_key_of_the_wrong_mode_is_another_scenarios(settings):
    keys = evidence(placed("api", "secret key", "live"), placed("web", "publishable key", "test"))
    said = evidence(tried_key("secret key of api", "yes"), tried_key("publishable key of web", "no", keys_reach()))
    found = triage.keys_are_accepted(keys, said, settings)
    assert [each.implicates for each in found] == [(), ()]
    assert triage.keys_have_the_right_mode(keys, settings).because == "web PUBLISHABLE KEY is a test key"


def keys_reach():
    from runbook.judgement.keys import REACHES

    return REACHES


def came(*counts):
    """Checkouts of the slots of ten minutes until noon, the newest last."""
    end = int(NOON.timestamp())
    return evidence(*(
        {"since": end - 600 * (len(counts) - number), "checkouts": count}
        for number, count in enumerate(counts) if count
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "answer"),
    [
        ([14] * 30, HOLDS),
        ([14] * 27 + [9, 7, 8], HOLDS),
        ([14] * 27 + [0, 0, 0], DOES_NOT_HOLD),
        ([14] * 24 + [1, 0, 2, 0, 1, 0], DOES_NOT_HOLD),
        ([1, 0, 2, 1] * 6 + [0] * 6, HOLDS),
        ([0] * 30, CANNOT_TELL),
    ],
)
def test_silence_is_fewer_checkouts_than_any_hour_brings(counts, answer):
    assert triage.checkouts_keep_coming(came(*counts), NOON).answer is answer


def untried(late, lately, all_, total):
    rows = (("paid", total - all_, lately - late), ("untried", all_, late))
    return evidence(
        *({"outcome": name, "count": count, "in the last hour": hour, "customers": 1} for name, count, hour in rows)
    )


@pytest.mark.parametrize(
    ("counts", "answer"),
    [((1, 20, 20, 500), HOLDS), ((4, 20, 30, 500), HOLDS), ((15, 20, 35, 500), DOES_NOT_HOLD),
     ((7, 7, 7, 500), HOLDS), ((0, 0, 0, 0), HOLDS)],
)  # fmt: skip
def test_browsers_that_never_pay_ring(counts, answer):
    assert triage.checkouts_are_tried(untried(*counts)).answer is answer


def test_a_service_that_turns_customers_away_rings_by_the_last_hour():
    slot = int(NOON.timestamp()) // 600
    usual = {slot - number: [10, 0, 0] for number in range(10, 100)}
    assert triage.requests_are_not_refused(summary(requests=900, slots=usual), LOG).holds
    away = usual | {slot - 1: [10, 0, 9]}
    finding = triage.requests_are_not_refused(summary(requests=910, slots=away), LOG)
    assert finding.because == "9 of 10 in the last hour were answered with 4xx, 0 of 900 before"
    assert not finding.holds


def test_failing_requests_of_the_last_half_hour_ring_before_they_weigh_in_a_day():
    slot = int(NOON.timestamp()) // 600
    logs = summary(requests=2000, requests_failed=40, slots={slot - 50: [1950, 0, 0], slot: [50, 40, 0]})
    finding = triage.requests_succeed(logs, LOG, Thresholds())
    expect(finding, DOES_NOT_HOLD, "40 of 2,000 were answered with 5xx; in the last half hour 40 of 50")
    assert triage.turned_away(logs, Thresholds()) == 40


@pytest.mark.parametrize(("first_hours_ago", "lines", "answer"), [(1, 5, False), (1, 4, True), (20, 900, True)])
def test_a_new_kind_of_error_rings_and_an_old_acquaintance_does_not(first_hours_ago, lines, answer):
    error = Occurrence(lines, NOON - timedelta(hours=first_hours_ago), NOON, "tax service did not answer")
    logs = summary(first=NOON - timedelta(hours=24), unnamed={"tax service did not answer": error})
    assert triage.errors_have_names(logs, LOG).holds is answer


def test_amounts_and_orders_that_do_not_fit_ring():
    differing = Evidence("?", "both", NOON, ({"intent_id": "pi_1"},), looked_at=70)
    assert triage.amounts_agree(differing).because == "1 of 70 payments compared differ in amount or currency"
    assert triage.amounts_agree(Evidence("?", "both", NOON, looked_at=70)).holds
    assert not triage.orders_are_paid_once(evidence({"order_key": "ORD-1"})).holds
    assert triage.orders_are_paid_once(evidence()).holds


def test_an_alarm_that_no_cause_explains_names_the_cheapest_next_look(settings):
    suspects, alarms = every_finding(settings, healthy())
    silence = triage.checkouts_keep_coming(came(*[14] * 27, 0, 0, 0), NOON)
    found = triage.diagnose(suspects, NOBODY, [*alarms, silence], HERE)
    assert found.causes == ("unknown",)
    assert found.look_next.startswith("the shop's own page, from outside")


def test_a_symptom_that_another_cause_accounts_for_names_nobody(settings):
    """Logs are away: only the endpoint is seen to be disabled, and the rows that wait are its doing."""
    found = believe(settings, LogSummary(), log=UNREAD, lost=missing("PENDING"), rows=[endpoint(status="disabled")])
    assert found.causes == ("webhook_not_subscribed",)


def test_somebody_who_tests_stolen_cards_is_told_from_bad_luck():
    rows = [{"outcome": "declined", "count": 60, "in the last hour": 40, "customers": 3},
            {"outcome": "paid", "count": 20, "in the last hour": 5, "customers": 5}]  # fmt: skip
    finding = triage.customers_pay_as_usual(evidence(*rows))
    assert finding.implicates == ("card_declines",)
    assert "40 of them from 3 customers: somebody tests stolen cards." in finding.because
