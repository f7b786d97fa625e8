"""The checks say the same of the same payments before and after, at every edge, and never guess."""

from datetime import UTC, datetime

import pytest
from runbook.facts import Answer, Checked, Evidence, Finding
from runbook.judgement import checks

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
UNREAD = Evidence("?", "gateway", NOON, unreadable="no answer came")
MINUTE = 1_768_478_400


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
        (("pi_1", "left"), {"pi_1": True}, HOLDS, "1 of 2 were, 1 on the work list"),
    ],
)
def test_a_completed_row_was_paid_and_those_that_were_not_are_named(rows, paid, answer, because):
    finding = checks.recorded_is_paid(named(*rows), paid, {"left"})
    assert (finding.answer, finding.because) == (answer, because)


def delivered(**states):
    """Events by state, each begun a second after the other."""
    names = [state.replace("_", " ") for state, count in states.items() for _ in range(count)]
    return evidence(
        *({"event": f"evt_{at}", "created_at": MINUTE + at, "state": state} for at, state in enumerate(names))
    )


@pytest.mark.parametrize(
    ("events", "answer", "because"),
    [
        (delivered(delivered=2), HOLDS, "2 delivered lately, none is undelivered"),
        (delivered(delivered=9, on_its_way=1, settled_otherwise=3), HOLDS, "9 delivered lately, none is undelivered"),
        (delivered(undelivered=1, delivered=9), DOES_NOT_HOLD, "1 undelivered lately: evt_0"),
        (delivered(undelivered=4), DOES_NOT_HOLD, "4 undelivered lately: evt_0, evt_1, evt_2 and 1 more"),
        (delivered(late=1, delivered=9), CANNOT_TELL, "1 under way for more than 10 s: evt_0"),
        (delivered(on_its_way=2), CANNOT_TELL, "there was none to deliver lately"),
        (delivered(), CANNOT_TELL, "there was none to deliver lately"),
    ],
)
def test_events_are_delivered_lost_late_or_under_way(events, answer, because):
    finding = checks.events_arrive(events)
    assert (finding.answer, finding.because) == (answer, because)


def ended(*ends, start=0):
    """Payments by how they ended, each begun a second after the other."""
    return [{"created_at": MINUTE + start + at, "end": end} for at, end in enumerate(ends)]


def paid(count, failed=0, late=0):
    return ["completed"] * count + ["not_completed"] * failed + ["late"] * late


STATEMENT = "More than 95 % of the latest payments went through, customers' own declines excluded."


@pytest.mark.parametrize(
    ("good", "failed", "answer", "because"),
    [
        (95, 5, DOES_NOT_HOLD,
         "95 of 100 went through lately (95.0 %; the true share is most likely 88.8 % to 97.9 %)"),
        (951, 49, HOLDS, "951 of 1,000 went through lately (95.1 %; the true share is most likely 93.5 % to 96.3 %)"),
        (19, 1, DOES_NOT_HOLD, "19 of 20 went through lately (95.0 %; the true share is most likely 76.3 % to 99.2 %)"),
        (20, 1, HOLDS, "20 of 21 went through lately (95.2 %; the true share is most likely 77.3 % to 99.2 %)"),
        (18, 1, CANNOT_TELL, "18 of 19 went through lately, too few to tell"),
        (0, 1, CANNOT_TELL, "0 of 1 went through lately, too few to tell"),
        (3, 2, DOES_NOT_HOLD, "3 of 5 went through lately (60.0 %; the true share is most likely 23.0 % to 88.3 %)"),
        (0, 2, DOES_NOT_HOLD, "0 of 2 went through lately (0.0 %; the true share is most likely 0.0 % to 65.8 %)"),
        (4, 0, CANNOT_TELL, "4 of 4 went through lately, too few to tell"),
        (5, 0, HOLDS, "5 of 5 went through lately (100.0 %; the true share is most likely 56.5 % to 100.0 %)"),
        (0, 0, CANNOT_TELL, "there was none to judge by lately"),
    ],
)  # fmt: skip
def test_exactly_the_target_is_not_above_it_and_a_few_say_nothing(good, failed, answer, because):
    finding = checks.succeeds_often_enough(evidence(*ended(*paid(good, failed))), 95)
    assert (finding.statement, finding.answer, finding.because) == (STATEMENT, answer, because)


def test_declines_and_payments_under_way_are_in_no_share():
    ends = ended(*paid(5), "declined_by_bank", "declined_by_bank", "on_the_way", "")
    assert checks.succeeds_often_enough(evidence(*ends), 95).because.startswith("5 of 5")


def test_payments_that_wait_longer_than_usual_are_no_good_news():
    """Otherwise a fault that loses every second payment would look cured for as long as lost means late."""
    finding = checks.succeeds_often_enough(evidence(*ended(*paid(6, late=6))), 95)
    assert finding.answer is CANNOT_TELL
    assert finding.because.endswith("; 6 more were paid over 10 s ago and are not recorded yet")
    assert checks.succeeds_often_enough(evidence(*ended(*paid(60, late=1))), 95).holds


def test_after_a_repair_what_came_before_it_says_nothing_against_it():
    broken, sound = ended(*paid(0, failed=30)), ended(*paid(6), start=100)
    found = evidence(*broken, *sound)
    assert checks.succeeds_often_enough(found, 95).answer is DOES_NOT_HOLD
    after = checks.succeeds_often_enough(found, 95, MINUTE + 100)
    assert (after.statement, after.answer) == (STATEMENT, HOLDS)
    assert after.because.startswith("6 of 6 went through since the repair (100.0 %")


def test_too_few_since_the_repair_are_said_as_their_number_and_never_guessed():
    broken = ended(*paid(0, failed=30))
    few = checks.succeeds_often_enough(evidence(*broken, *ended(*paid(2), start=100)), 95, MINUTE + 100)
    assert (few.answer, few.because) == (CANNOT_TELL, "2 of 2 went through since the repair, too few to tell")
    none = checks.succeeds_often_enough(evidence(*broken), 95, MINUTE + 100)
    assert (none.answer, none.because) == (CANNOT_TELL, "there was none to judge by since the repair")


def test_where_nobody_paid_since_the_repair_the_last_minutes_speak_if_they_are_well_by_now():
    """A shop is quiet at night: rows that were repaired count as what they now are."""
    mended = evidence(*ended(*paid(30)))
    assert checks.succeeds_often_enough(mended, 95, MINUTE + 100).because.startswith("30 of 30 went through lately")
    ill = evidence(*ended(*paid(30)), *ended(*paid(0, failed=2), start=100))
    assert checks.succeeds_often_enough(ill, 95, MINUTE + 100).answer is DOES_NOT_HOLD


def requests(*seconds):
    return evidence(
        *({"created_at": MINUTE + at, "requests": seen, "failed": bad} for at, (seen, bad) in enumerate(seconds))
    )


@pytest.mark.parametrize(
    ("seconds", "answer", "because"),
    [
        ([(100, 5)], HOLDS, "95 of 100 succeeded lately (95.0 %; the true share is most likely 88.8 % to 97.9 %)"),
        ([(60, 0), (40, 6)], DOES_NOT_HOLD,
         "94 of 100 succeeded lately (94.0 %; the true share is most likely 87.5 % to 97.3 %)"),
        ([(4, 0)], CANNOT_TELL, "4 of 4 succeeded lately, too few to tell"),
        ([(7, 1)], CANNOT_TELL, "6 of 7 succeeded lately, too few to tell"),
        ([], CANNOT_TELL, "there was none to judge by lately"),
    ],
)  # fmt: skip
def test_exactly_the_limit_of_failing_requests_still_holds(seconds, answer, because):
    finding = checks.requests_succeed(requests(*seconds), 5)
    assert (finding.answer, finding.because) == (answer, because)
    assert finding.statement == "No more than 5 % of the requests on the payment paths fail."


def test_requests_are_judged_by_what_was_answered_since_the_repair():
    found = requests((40, 40), (3, 0), (3, 0))
    assert checks.requests_succeed(found, 5).answer is DOES_NOT_HOLD
    assert checks.requests_succeed(found, 5, MINUTE + 1).holds
    assert checks.requests_succeed(found, 5, MINUTE + 2).because == "3 of 3 succeeded since the repair, too few to tell"


@pytest.mark.parametrize(
    ("answers", "answer"),
    [(("yes", "yes"), HOLDS), (("yes", "no"), DOES_NOT_HOLD), (("no", "cannot tell"), DOES_NOT_HOLD),
     (("yes", "cannot tell"), CANNOT_TELL), ((), CANNOT_TELL)],
)  # fmt: skip
def test_an_event_of_somebody_else_that_is_taken_is_ill_and_an_odd_answer_is_not_clear(answers, answer):
    probes = evidence(*({"sent": "an event", "refused": refused, "detail": "…"} for refused in answers))
    assert checks.events_of_others_are_refused(probes).answer is answer


@pytest.mark.parametrize(
    "check",
    [
        lambda unread: checks.paid_is_recorded(unread, ()),
        lambda unread: checks.recorded_is_paid(unread, {}),
        checks.events_arrive,
        checks.events_of_others_are_refused,
        lambda unread: checks.requests_succeed(unread, 5, MINUTE),
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


# Payments one by one


def intent(name, second, status="succeeded", **error):
    return {"id": name, "created": MINUTE + second, "status": status, "last_payment_error": error or None}


def test_payments_are_counted_in_the_minute_in_which_they_were_begun():
    seconds = ((0, "completed"), (59, "completed"), (60, "not_completed"), (185, "late"))
    ends = [row for second, end in seconds for row in ended(end, start=second)]
    rows = checks.by_minute(ends)
    assert [(row["minute_at"] - MINUTE, row["completed"], row["not_completed"], row["on_the_way"], row["share"])
            for row in rows] == [
        (0, 2, 0, 0, "100.0 %"), (60, 0, 1, 0, "0.0 %"), (180, 0, 0, 1, "no payments"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payment", "end"),
    [
        (intent("pi_1", 0), "completed"),
        (intent("pi_1", 299), "completed"),
        (intent("lost", 0), "not_completed"),
        (intent("lost", 179), "not_completed"),
        (intent("lost", 180), "late"),
        (intent("lost", 289), "late"),
        (intent("lost", 290), "on_the_way"),
        (intent("lost", 0) | {"latest_charge": {"created": MINUTE + 295}}, "on_the_way"),
        (intent("lost", 0) | {"latest_charge": "ch_1"}, "not_completed"),
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
def test_known_ends_count_at_once_and_an_unrecorded_payment_is_given_its_time(payment, end):
    """It is 300 seconds past the minute, and a webhook has 120 of them."""
    assert checks.end_of(payment, {"pi_1"}, MINUTE + 300, 120) == end


@pytest.mark.parametrize(
    ("pending", "age", "state"),
    [(0, 300, "delivered"), (1, 300, "undelivered"), (1, 121, "undelivered"), (1, 120, "late"), (1, 11, "late"),
     (1, 10, "on its way")],
)  # fmt: skip
def test_an_event_is_late_before_it_is_undelivered(pending, age, state):
    event = {"id": "evt_1", "created": MINUTE, "pending_webhooks": pending, "data": {"object": {"id": "pi_1"}}}
    assert checks.delivery_of(event, (), MINUTE + age, 120) == state
    assert checks.delivery_of(event, {"pi_1"}, MINUTE + age, 120) == ("settled otherwise" if pending else "delivered")
