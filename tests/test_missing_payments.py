"""A payment is missing when Stripe has the money and no row says so: intent compared with intent, never by luck."""

import pytest
from runbook.judgement import payments

WORDS = {"pending": ("PENDING",), "completed": ("PAID", "DONE"), "refunded": ("REFUNDED",), "disputed": ("DISPUTED",)}


def intent(name="pi_1", created=100, **changes):
    return {"id": name, "created": created, "status": "succeeded", "amount_received": 1234, "currency": "usd",
            "metadata": {"userId": "u1"}, "customer": "cus_1", "last_payment_error": None} | changes  # fmt: skip


def row(intent_id="pi_1", status="PENDING", row_id="row-1", user_id="u2"):
    return {"intent_id": intent_id, "status": status, "row_id": row_id, "user_id": user_id, "amount_minor": 1234,
            "currency": "usd"}  # fmt: skip


def missing(intents, rows):
    return payments.missing(intents, rows, WORDS, "userId")


@pytest.mark.parametrize("status", ["PAID", "DONE", "REFUNDED", "DISPUTED"])
def test_a_row_that_took_note_of_the_money_is_not_missing(status):
    assert missing([intent()], [row(status=status)]) == []


@pytest.mark.parametrize("status", ["PENDING", "FAILED", "paid", "", None])
def test_a_row_that_did_not_is(status):
    assert [each["ledger"] for each in missing([intent()], [row(status=status)])] == [status]


def test_a_missing_payment_is_shown_as_both_sides_know_it():
    assert missing([intent()], [row()]) == [
        {
            "intent_id": "pi_1", "amount_minor": 1234, "currency": "usd", "created_at": 100, "ledger": "PENDING",
            "row_id": "row-1", "row_amount_minor": 1234, "row_currency": "usd",
                "row_updated": None, "user_id": "u2", "customer": "cus_1",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("metadata", [{"userId": "u1"}, {}, None])
def test_without_a_row_the_user_is_whom_the_intent_names(metadata):
    found = missing([intent(metadata=metadata)], [])[0]
    assert (found["ledger"], found["row_id"], found["user_id"]) == ("no row", "", "u1" if metadata else "")
    assert (found["row_amount_minor"], found["row_currency"]) == (None, None)


def test_several_rows_are_a_choice_that_no_machine_makes():
    found = missing([intent()], [row(), row(row_id="row-2")])[0]
    assert (found["ledger"], found["row_id"]) == ("2 rows", "")
    assert missing([intent()], [row(), row(row_id="row-2", status="PAID")]) == []


def test_another_payments_row_is_no_help():
    found = missing([intent("pi_1")], [row("pi_2", "PAID"), row("ch_1", "PAID")])
    assert [each["intent_id"] for each in found] == ["pi_1"]


def test_the_oldest_comes_first():
    found = missing([intent("pi_c", 300), intent("pi_b", 100), intent("pi_a", 100)], [])
    assert [each["intent_id"] for each in found] == ["pi_a", "pi_b", "pi_c"]


UNTRIED = "requires_payment_method"
OUTCOMES = [
    ({"status": "succeeded"}, "paid"),
    ({"status": "succeeded", "last_payment_error": {"type": "card_error"}}, "paid"),
    ({"status": "requires_action"}, "authentication_required"),
    ({"status": UNTRIED, "last_payment_error": {"type": "card_error", "code": "authentication_required"}},
     "authentication_required"),
    ({"status": UNTRIED, "last_payment_error": {"type": "card_error", "code": "card_declined"}}, "declined"),
    ({"status": "canceled", "last_payment_error": {"type": "card_error"}}, "declined"),
    ({"status": "processing"}, "in progress"),
    ({"status": "requires_capture"}, "in progress"),
    ({"status": UNTRIED, "last_payment_error": {"type": "api_error"}}, "other"),
    ({"status": UNTRIED}, "untried"),
    ({"status": "requires_confirmation"}, "untried"),
    ({"status": "canceled"}, "untried"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "outcome"), OUTCOMES)
def test_an_attempt_ends_in_one_of_these_ways(changes, outcome):
    assert payments.outcome(intent(**changes)) == outcome


def test_checkouts_are_counted_by_their_end_and_the_latest_apart():
    tried = [intent(), intent(created=300), intent(status="processing"), intent(status="requires_payment_method")]
    assert payments.outcomes(tried, 200) == [
        {"outcome": "in progress", "count": 1, "in the last hour": 0, "customers": 0},
        {"outcome": "paid", "count": 2, "in the last hour": 1, "customers": 1},
        {"outcome": "untried", "count": 1, "in the last hour": 0, "customers": 0},
    ]
    assert payments.outcomes([], 200) == []


@pytest.mark.parametrize(
    ("value", "kind", "mode"),
    [
        ("sk_live_51Habc", "secret", "live"), ("sk_test_51Habc", "secret", "test"),
        ("rk_live_51Habc", "restricted", "live"), ("pk_test_51Habc", "publishable", "test"),
        ("whsec_abc", "webhook secret", ""), ("hunter2", "", ""), ("", "", ""), ("my sk_live_51Habc", "", ""),
    ],
)  # fmt: skip
def test_of_a_key_only_kind_and_mode_are_told(value, kind, mode):
    assert payments.describe_key(value) == {"kind": kind, "mode": mode}
