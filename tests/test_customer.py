"""Payment failed but money deducted: one verdict for each state that a payment can be in, on whichever side."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.judgement.customer import judge
from runbook.judgement.customer_payment import Payment, Rules
from runbook.judgement.moments import timeline

NOW, PAID_AT = 1_768_478_400, 1_768_474_800
WORDS = {
    "pending": ("open",), "completed": ("settled",), "failed": ("no",), "refunded": ("back",), "disputed": ("fought",),
    "canceled": ("void",),
}  # fmt: skip
RULES = Rules(WORDS, NOW, 120)


def intent(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    received = 1999 if status == "succeeded" else 0
    return {
        "id": "pi_1", "status": status, "amount": 1999, "amount_received": received, "amount_capturable": 0,
        "currency": "eur", "created": PAID_AT - 30, "last_payment_error": None, "canceled_at": None, **fields,
    }  # fmt: skip


def charge(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    return {
        "id": "ch_1", "status": status, "created": PAID_AT, "amount": 1999, "currency": "eur", "captured": True,
        "amount_captured": 1999 if status == "succeeded" else 0, "outcome": {"reason": "do_not_honor"}, **fields,
    }  # fmt: skip


def row(status: str = "settled", **fields: Any) -> dict[str, Any]:
    return {
        "row_id": "row-1", "user_id": "u1", "order_key": "o1", "amount_minor": 1999, "currency": "eur",
        "status": status, "failure_reason": None, "created_at": PAID_AT - 30, "updated_at": PAID_AT + 2,
        "mail_at": None, **fields,
    }  # fmt: skip


def refund(amount: int = 1999, status: str = "succeeded", **card: str) -> dict[str, Any]:
    return {"id": "re_1", "amount": amount, "status": status, "created": PAID_AT + 600, "currency": "eur",
            "charge": "ch_1", "destination_details": {"card": card}}  # fmt: skip


def paid(**fields: Any) -> Payment:
    return Payment("pi_1", **{"intent": intent(), "charges": (charge(),), "rows": (row(),), **fields})


def unpaid(status: str, code: str = "", type_: str = "card_error", **fields: Any) -> Payment:
    error = {"type": type_, "code": "card_declined", "decline_code": code} if code else None
    given = {"rows": (row("open"),), "charges": (charge("failed"),) if code else (), **fields}
    return Payment("pi_1", intent=intent(status, last_payment_error=error), **given)


DISPUTE = {"id": "dp_1", "status": "needs_response", "created": PAID_AT + 900, "amount": 1999, "currency": "eur",
           "reason": "fraudulent"}  # fmt: skip
WON = {**DISPUTE, "status": "won"}
REAUTHENTICATE = {"type": "card_error", "code": "authentication_required", "decline_code": "authentication_required"}

CASES = {
    "recorded": (paid(), "paid and recorded", "good"),
    "recorded, dispute won": (paid(disputes=(WON,)), "paid and recorded", "good"),
    "recorded, a part given back": (paid(refunds=(refund(500),)), "paid and recorded", "good"),
    "row pending": (paid(rows=(row("open"),)), "paid, not recorded", "bad"),
    "row failed": (paid(rows=(row("no"),)), "paid, not recorded", "bad"),
    "row of an unknown word": (paid(rows=(row("???"),)), "paid, not recorded", "bad"),
    "no row": (paid(rows=()), "paid, not recorded", "bad"),
    "a part given back, not recorded": (paid(rows=(), refunds=(refund(500),)), "paid, not recorded", "bad"),
    "paid a moment ago": (paid(rows=(), charges=(charge(created=NOW - 60),)), "on its way", "plain"),
    "two rows": (paid(rows=(row(), row("open"))), "recorded twice", "bad"),
    "another sum": (paid(rows=(row(amount_minor=199900),)), "another amount", "bad"),
    "another currency": (paid(rows=(row(currency="usd"),)), "another amount", "bad"),
    "a sum that is none": (paid(rows=(row(amount_minor=None),)), "another amount", "bad"),
    "twice for one order": (paid(twins=("pi_2",)), "paid twice", "bad"),
    "given back": (paid(refunds=(refund(),)), "refunded", "plain"),
    "given back in two parts": (paid(refunds=(refund(999), refund(1000))), "refunded", "plain"),
    "given back, and its twin kept": (paid(refunds=(refund(),), twins=("pi_2",)), "refunded", "plain"),
    "refund failed": (paid(refunds=(refund(status="failed"),)), "refund failed", "bad"),
    "refund failed, then made": (paid(refunds=(refund(status="failed"), refund())), "refunded", "plain"),
    "disputed": (paid(disputes=(DISPUTE,)), "disputed", "plain"),
    "declined": (unpaid("requires_payment_method", "insufficient_funds"), "declined", "plain"),
    "declined, and the ledger away": (
        unpaid("requires_payment_method", "insufficient_funds", rows=(), ledger_away="It is away."), "declined", "plain"
    ),
    "failed otherwise": (unpaid("requires_payment_method", "x", "api_error"), "failed", "plain"),
    "to be confirmed": (unpaid("requires_action"), "waits for the customer", "plain"),
    "held": (unpaid("requires_capture", charges=(charge(captured=False),)), "authorized", "plain"),
    "under way": (unpaid("processing"), "in progress", "plain"),
    "never tried": (unpaid("requires_payment_method"), "not tried", "plain"),
    "canceled": (Payment("pi_1", intent=intent("canceled", canceled_at=NOW)), "canceled", "plain"),
    "recorded without money": (unpaid("requires_payment_method", "x", rows=(row(),)), "recorded, not paid", "bad"),
    "recorded while held": (unpaid("requires_capture", rows=(row(),)), "recorded, not paid", "bad"),
    "Stripe knows none": (Payment("pi_1", rows=(row("open"),)), "unknown to Stripe", "bad"),
    "a row that names none": (Payment("", rows=(row("open"),)), "not begun", "plain"),
    "a recorded row that names none": (Payment("", rows=(row(),)), "recorded, not paid", "bad"),
    "Stripe away": (Payment("pi_1", rows=(row("open"),), gateway_away="It is away."), "cannot tell", "unsure"),
    "the ledger away": (paid(rows=(), ledger_away="It is away."), "cannot tell", "unsure"),
    "the ledger away, given back": (paid(rows=(), ledger_away="x", refunds=(refund(),)), "refunded", "plain"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_state_of_a_payment_has_its_verdict(case: str) -> None:
    payment, name, tone = CASES[case]
    verdict = judge(payment, RULES)
    assert (verdict.name, verdict.tone) == (name, tone)
    assert verdict.sentence.endswith(".")
    assert bool(verdict.notebook) <= (tone == "bad")
    assert timeline(payment) == tuple(sorted(timeline(payment), key=lambda moment: moment.at))


def said(case: str) -> str:
    return judge(CASES[case][0], RULES).sentence


def test_a_declined_customer_is_told_that_no_money_was_taken_and_what_the_deduction_is() -> None:
    assert said("declined") == (
        "The customer's bank declined it (insufficient_funds): no money was taken. What looks like a deduction is a "
        "hold that the customer's own bank put on the money; the bank releases it by itself, usually within 7 days."
    )
    assert "hold" not in said("never tried"), "without an attempt there is none"


def test_a_paid_customer_is_told_when_and_what_the_ledger_says() -> None:
    assert said("no row") == (
        "Stripe took 19.99 EUR on 2026-01-15 11:00:00 UTC, and the ledger has no row for it. The customer is owed the "
        "order, or the money back; the notebook of scenario C decides which."
    )
    assert said("Stripe away").endswith("nobody can say whether money was taken; the ledger says open.")


def test_a_refund_is_told_with_the_reference_that_the_bank_finds_it_by() -> None:
    found = judge(paid(refunds=(refund(reference="74123", reference_status="available"),)), RULES).sentence
    assert "refunded: 19.99 EUR, succeeded, ARN 74123, on 2026-01-15 11:10:00 UTC" in found
    assert "no ARN yet" in said("given back")


def test_a_timeline_holds_both_sides_in_order() -> None:
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "created": PAID_AT, "pending_webhooks": 1}
    first = charge("failed", id="ch_0", created=PAID_AT - 10, payment_method_details={
        "card": {"brand": "visa", "last4": "0002"}})  # fmt: skip
    told = timeline(paid(
        charges=(first, charge()), events=(event,), handled=frozenset(), rows=(row(mail_at=PAID_AT + 3),),
        refunds=(refund(500),), disputes=(DISPUTE,),
    ))  # fmt: skip
    assert [(each.at - PAID_AT, each.side, each.what) for each in told] == [
        (-30, "Stripe", "payment pi_1 of 19.99 EUR begun"),
        (-30, "ledger", "row row-1 created"),
        (-10, "Stripe", "card visa …0002 declined: do_not_honor (ch_0)"),
        (0, "Stripe", "payment: 19.99 EUR taken (ch_1)"),
        (0, "Stripe", "event payment_intent.succeeded: not delivered yet, not handled (evt_1)"),
        (2, "ledger", "row is settled"),
        (3, "service", "confirmation mail sent"),
        (600, "Stripe", "refund of 5.00 EUR, succeeded, no ARN yet (re_1)"),
        (900, "Stripe", "dispute of 19.99 EUR, needs_response (fraudulent) (dp_1)"),
    ]
