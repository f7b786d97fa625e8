"""What to tell the customer who says "payment failed but money deducted": one verdict for one payment, in a sentence.

Pure: both sides as read go in, and a side that could not be read is an answer too. The ladder of looks is tried in
order, and the first that has something to say decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from runbook import money
from runbook.judgement import payments
from runbook.judgement.customer_payment import (
    FAILED_REFUND,
    MONEY_IS_BACK,
    Payment,
    Rules,
    at,
    ledger_says,
    recorded,
    refunds_told,
    taken,
)

ROLLBACK, TEST_MODE, BOOKS = "12_scenario_c_database_rollback", "14_scenario_e_test_mode", "20_reconciliation"
HELD = (
    " What looks like a deduction is a hold that the customer's own bank put on the money; the bank releases it by "
    "itself, usually within 7 days."
)
NOTHING_TAKEN = "no money was taken"


@dataclass(frozen=True)
class Verdict:
    """`tone`: good and plain mean that nothing of ours is wrong, bad that something is, unsure that nobody can say."""

    name: str
    sentence: str
    tone: Literal["good", "plain", "bad", "unsure"]
    notebook: str = ""  # where to go on


Look = Callable[[Payment, Rules], Verdict | None]


def judge(payment: Payment, rules: Rules) -> Verdict:
    looks = (look(payment, rules) for look in LADDER)
    return next(found for found in looks if found)


def gateway_away(payment: Payment, rules: Rules) -> Verdict | None:
    if not payment.gateway_away:
        return None
    return Verdict(
        "cannot tell",
        f"Stripe could not be read, so nobody can say whether money was taken; {ledger_says(payment)}.",
        "unsure",
    )


def only_in_the_ledger(payment: Payment, rules: Rules) -> Verdict | None:
    if payment.intent is not None:
        return None
    if payment.intent_id:
        return Verdict(
            "unknown to Stripe",
            f"Stripe knows no payment of this id under our key, and {ledger_says(payment)}: it belongs to test mode or "
            "to another account.",
            "bad",
            TEST_MODE,
        )
    if recorded(payment, rules):
        sentence = f"No payment at Stripe is named, and {ledger_says(payment)}."
        return Verdict("recorded, not paid", sentence, "bad", BOOKS)
    return Verdict("not begun", f"The checkout never reached Stripe: {NOTHING_TAKEN}.", "plain")


def recorded_without_money(payment: Payment, rules: Rules) -> Verdict | None:
    if payment.paid or not recorded(payment, rules):
        return None
    return Verdict(
        "recorded, not paid",
        f"Stripe took no money (its status is {payment.intent['status']}), and {ledger_says(payment)}.",  # type: ignore[index]
        "bad",
        BOOKS,
    )


def not_paid(payment: Payment, rules: Rules) -> Verdict | None:
    """Why Stripe holds no money; whatever the ledger says, none was taken."""
    if payment.paid or payment.intent is None:
        return None
    intent, error = payment.intent, payment.intent.get("last_payment_error") or {}
    status, code = intent["status"], error.get("decline_code") or error.get("code") or "no reason given"
    held = HELD if payment.charges else ""
    if status == "requires_capture":
        sum_ = money.show(intent["amount_capturable"], intent["currency"])
        return Verdict(
            "authorized",
            f"{sum_} are held on the customer's card since {at(payment.taken_at)} and wait for our capture: "
            f"{NOTHING_TAKEN} yet. Without a capture the hold lapses by itself, usually after 7 days.",
            "plain",
        )
    if status == "processing":
        return Verdict("in progress", "The customer's bank is still working on it; nothing is final yet.", "plain")
    if status == "canceled":
        return Verdict("canceled", f"It was canceled on {at(intent['canceled_at'])}: {NOTHING_TAKEN}.{held}", "plain")
    if payments.outcome(intent) == "authentication_required":
        return Verdict(
            "waits for the customer",
            f"The customer's bank asks them to confirm it, and they have not: {NOTHING_TAKEN}.{held}",
            "plain",
        )
    if payments.outcome(intent) == "declined":
        tries = len([each for each in payment.charges if each["status"] == "failed"])
        times = f", {tries} times" if tries > 1 else ""
        return Verdict("declined", f"The customer's bank declined it ({code}){times}: {NOTHING_TAKEN}.{held}", "plain")
    if error:
        return Verdict("failed", f"The attempt failed ({code}): {NOTHING_TAKEN}.{held}", "plain")
    return Verdict("not tried", f"The checkout was begun and no card was ever tried: {NOTHING_TAKEN}.", "plain")


def given_back(payment: Payment, rules: Rules) -> Verdict | None:
    """Refunds and disputes: the customer has the money, is about to have it, or should."""
    failed = [each for each in payment.refunds if each["status"] in FAILED_REFUND]
    if failed and not payment.refunded_minor:
        why = failed[-1].get("failure_reason") or failed[-1]["status"]
        return Verdict(
            "refund failed",
            f"{taken(payment)}; its refund of {at(failed[-1]['created'])} failed ({why}), so the customer has nothing "
            "back. A person arranges another way.",
            "bad",
        )
    if payment.lost:
        state = next(each["status"] for each in payment.disputes if each["status"] in MONEY_IS_BACK)
        sentence = f"{taken(payment)}; their bank has it back by a dispute ({state}); {ledger_says(payment)}."
        return Verdict("disputed", sentence, "plain")
    if payment.refunded_minor < payment.received_minor or not payment.refunds:
        return None
    sentence = f"{taken(payment)}; all of it was refunded: {refunds_told(payment.refunds)}; {ledger_says(payment)}."
    return Verdict("refunded", sentence, "plain")


def paid_twice(payment: Payment, rules: Rules) -> Verdict | None:
    if not payment.twins or not payment.kept:
        return None
    return Verdict(
        "paid twice",
        f"{taken(payment)}, and order {payment.order} was paid again with {', '.join(payment.twins)}: the customer "
        "paid more than once. A person refunds what is too much.",
        "bad",
        BOOKS,
    )


def ledger_away(payment: Payment, rules: Rules) -> Verdict | None:
    if not payment.ledger_away:
        return None
    sentence = f"{taken(payment)}; the ledger could not be read, so nobody can say whether it is recorded."
    return Verdict("cannot tell", sentence, "unsure")


def not_recorded(payment: Payment, rules: Rules) -> Verdict | None:
    if recorded(payment, rules):
        return None
    due = payment.taken_at + rules.grace_seconds
    if rules.as_of < due:
        return Verdict(
            "on its way",
            f"{taken(payment)} a moment ago; {ledger_says(payment)}. The news may take until {at(due)}: look again.",
            "plain",
        )
    return Verdict(
        "paid, not recorded",
        f"{taken(payment)}, and {ledger_says(payment)}. The customer is owed the order, or the money "
        "back; the notebook of scenario C decides which.",
        "bad",
        ROLLBACK,
    )


def recorded_otherwise(payment: Payment, rules: Rules) -> Verdict | None:
    if len(payment.rows) > 1:
        return Verdict("recorded twice", f"{taken(payment)}; {ledger_says(payment)}.", "bad", BOOKS)
    row, intent = payment.rows[0], payment.intent or {}
    if (row["amount_minor"], row["currency"]) == (intent["amount_received"], intent["currency"]):
        return None
    said = money.show(row["amount_minor"], row["currency"] or "") if row["amount_minor"] is not None else "no amount"
    return Verdict("another amount", f"{taken(payment)}; the ledger recorded {said}.", "bad", BOOKS)


def recorded_and_paid(payment: Payment, rules: Rules) -> Verdict | None:
    part = f" A part was refunded: {refunds_told(payment.refunds)}." if payment.refunded_minor else ""
    sentence = f"{taken(payment)}, and {ledger_says(payment)}: nothing is wrong.{part}"
    return Verdict("paid and recorded", sentence, "good")


LADDER: tuple[Look, ...] = (
    gateway_away, only_in_the_ledger, recorded_without_money, not_paid, given_back, paid_twice, ledger_away,
    not_recorded, recorded_otherwise, recorded_and_paid,
)  # fmt: skip
