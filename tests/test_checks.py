"""The checks say the same of the same payments before and after, at every edge, and never guess."""

from datetime import UTC, datetime

import pytest
from runbook.facts import Answer, Checked, Evidence, Finding
from runbook.judgement import checks

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
UNREAD = Evidence("?", "gateway", NOON, unreadable="no answer came")


def evidence(*rows):
    return Evidence("?", "gateway, ledger", NOON, tuple(rows))


def named(*intents):
    return evidence(*({"intent_id": intent, "row_id": f"row of {intent}"} for intent in intents))


@pytest.mark.parametrize(
    ("missing", "work", "answer", "because"),
    [
        ((), (), HOLDS, "0 not recorded, 0 on the work list"),
        (("pi_1",), (), DOES_NOT_HOLD, "1 not recorded, 0 on the work list"),
        (("pi_1",), ("pi_1",), HOLDS, "0 not recorded, 1 on the work list"),
        (("pi_1", "pi_2"), ("pi_2", "pi_9"), DOES_NOT_HOLD, "1 not recorded, 1 on the work list"),
        ((), ("pi_9",), HOLDS, "0 not recorded, 0 on the work list"),
    ],
)
def test_a_paid_payment_is_recorded_or_waits_for_a_person(missing, work, answer, because):
    finding = checks.paid_is_recorded(named(*missing), frozenset(work))
    assert (finding.answer, finding.because) == (answer, because)


@pytest.mark.parametrize(
    ("rows", "paid", "answer", "because"),
    [
        ((), {}, HOLDS, "0 of 0 were"),
        (("pi_1", "pi_2"), {"pi_1": True, "pi_2": True}, HOLDS, "2 of 2 were"),
        (("pi_1", "pi_2"), {"pi_1": True, "pi_2": False}, DOES_NOT_HOLD, "1 of 2 were; not pi_2"),
        (("pi_1", "pi_2"), {"pi_1": True}, DOES_NOT_HOLD, "1 of 2 were; not pi_2"),
        ((None,), {"": True}, HOLDS, "1 of 1 were"),
        ((None,), {}, DOES_NOT_HOLD, "0 of 1 were; not row of None"),
        (("a", "b", "c", "d", "e"), {}, DOES_NOT_HOLD, "0 of 5 were; not a, b, c and 2 more"),
    ],
)
def test_a_completed_row_was_paid_and_those_that_were_not_are_named(rows, paid, answer, because):
    finding = checks.recorded_is_paid(named(*rows), paid)
    assert (finding.answer, finding.because) == (answer, because)


@pytest.mark.parametrize(
    ("events", "answer", "because"),
    [
        ((), HOLDS, "none is undelivered"),
        (("evt_1",), DOES_NOT_HOLD, "1 undelivered: evt_1"),
        (("evt_1", "evt_2", "evt_3", "evt_4"), DOES_NOT_HOLD, "4 undelivered: evt_1, evt_2, evt_3 and 1 more"),
    ],
)
def test_undelivered_events_are_named(events, answer, because):
    finding = checks.events_arrive(evidence(*({"event": event, "created_at": 1} for event in events)))
    assert (finding.answer, finding.because) == (answer, because)


@pytest.mark.parametrize(
    ("paid", "failed", "answer", "because"),
    [
        (95, 5, DOES_NOT_HOLD, "95 of 100 (95.0 %)"),
        (951, 49, HOLDS, "951 of 1,000 (95.1 %)"),
        (96, 5, HOLDS, "96 of 101 (95.0 %)"),
        (19, 1, DOES_NOT_HOLD, "19 of 20 (95.0 %)"),
        (20, 1, HOLDS, "20 of 21 (95.2 %)"),
        (1, 0, HOLDS, "1 of 1 (100.0 %)"),
        (0, 1, DOES_NOT_HOLD, "0 of 1 (0.0 %)"),
        (9999, 1, HOLDS, "9,999 of 10,000 (99.9 %)"),
        (0, 0, CANNOT_TELL, "there was no payment to judge by"),
    ],
)
def test_exactly_the_target_is_not_above_it_and_no_payment_says_nothing(paid, failed, answer, because):
    half = paid // 2
    minutes = [{"completed": half, "not_completed": failed}, {"completed": paid - half, "not_completed": 0}]
    finding = checks.succeeds_often_enough(evidence(*minutes), 95)
    assert (finding.answer, finding.because) == (answer, because)
    assert finding.statement == "More than 95 % of the latest payments went through, customers' own declines excluded."


@pytest.mark.parametrize(
    "check",
    [
        lambda unread: checks.paid_is_recorded(unread, ()),
        lambda unread: checks.recorded_is_paid(unread, {}),
        checks.events_arrive,
        lambda unread: checks.succeeds_often_enough(unread, 95),
    ],
)
def test_what_cannot_be_read_is_neither_well_nor_ill(check):
    finding = check(UNREAD)
    assert (finding.answer, finding.because) == (CANNOT_TELL, "no answer came")


def test_a_look_holds_only_when_each_of_its_checks_does():
    well, ill, unclear = (Finding("?", answer, "") for answer in Answer)
    assert Checked("after", (well, well)).holds
    assert not Checked("after", (well, ill)).holds
    assert not Checked("after", (well, unclear)).holds


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 1, "100.0 %"), (999_999, 1_000_000, "99.9 %"), (974, 1000, "97.4 %"), (0, 7, "0.0 %"), (0, 0, "no payments"),
     (2**60 - 1, 2**60, "99.9 %")],
)  # fmt: skip
def test_a_share_is_never_rounded_up_to_all(part, whole, shown):
    assert checks.show_share(part, whole) == shown


# Payments minute by minute

MINUTE = 1_768_478_400


def intent(name, second, status="succeeded", **error):
    return {"id": name, "created": MINUTE + second, "status": status, "last_payment_error": error or None}


def test_payments_are_counted_in_the_minute_in_which_they_were_begun():
    intents = [intent("pi_1", 0), intent("pi_2", 59), intent("pi_3", 60), intent("pi_4", 185)]
    rows = checks.by_minute(intents, {"pi_3"})
    assert [(row["minute_at"] - MINUTE, row["completed"], row["not_completed"], row["share"]) for row in rows] == [
        (0, 2, 0, "100.0 %"), (60, 0, 1, "0.0 %"), (180, 1, 0, "100.0 %"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payment", "end"),
    [
        (intent("pi_1", 0), "completed"),
        (intent("lost", 0), "not_completed"),
        (intent("pi_1", 0, "requires_payment_method", type="card_error", code="card_declined"), "declined_by_bank"),
        (intent("pi_1", 0, "canceled", type="card_error", code="expired_card"), "declined_by_bank"),
        (intent("pi_1", 0, "requires_payment_method", type="api_error"), "not_completed"),
        (intent("pi_1", 0, "requires_payment_method", type="invalid_request_error"), "not_completed"),
        (intent("pi_1", 0, "requires_payment_method", type="card_error", code="authentication_required"), ""),
        (intent("pi_1", 0, "requires_action"), ""),
        (intent("pi_1", 0, "processing"), ""),
        (intent("pi_1", 0, "requires_payment_method"), ""),
        (intent("pi_1", 0, "canceled"), ""),
    ],
)
def test_customers_own_declines_and_unfinished_checkouts_are_no_failures_of_ours(payment, end):
    assert checks.end_of(payment, {"lost"}) == end
    row = checks.by_minute([payment], {"lost"})[0]
    assert [name for name in checks.ENDS.values() if row[name]] == ([end] if end else [])
    assert row["share"] == {"completed": "100.0 %", "not_completed": "0.0 %"}.get(end, "no payments")
