"""One timeline of a payment out of what both sides noted, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runbook import money
from runbook.facts import Row
from runbook.judgement.customer_payment import Payment, refund_told


@dataclass(frozen=True)
class Moment:
    at: int  # epoch seconds
    side: str  # Stripe | ledger | service
    what: str


def timeline(payment: Payment) -> tuple[Moment, ...]:
    """What happened when. Of one second, what is listed first below comes first, because it causes the rest."""
    found = [*begun(payment), *attempts(payment), *told(payment), *afterwards(payment)]
    return tuple(sorted(found, key=lambda moment: moment.at))


def begun(payment: Payment) -> Iterator[Moment]:
    intent = payment.intent
    if intent:
        sum_ = money.show(intent["amount"], intent["currency"])
        yield Moment(intent["created"], "Stripe", f"payment {intent['id']} of {sum_} begun")
    for row in payment.rows:
        still = "" if changed(row) else f", still {row['status']}"
        yield Moment(row["created_at"], "ledger", f"row {row['row_id']} created{still}")


def changed(row: Row) -> bool:
    return row["updated_at"] is not None and row["updated_at"] > row["created_at"]


def attempts(payment: Payment) -> Iterator[Moment]:
    for charge in payment.charges:
        yield Moment(charge["created"], "Stripe", attempt(charge))
    intent = payment.intent
    if intent and intent.get("canceled_at"):
        why = intent.get("cancellation_reason") or "no reason given"
        yield Moment(intent["canceled_at"], "Stripe", f"payment canceled ({why})")


def attempt(charge: Row) -> str:
    """`card visa …4242 declined: insufficient_funds`."""
    details = (charge.get("payment_method_details") or {}).get("card") or {}
    card = f"card {details['brand']} …{details['last4']}" if details.get("last4") else "payment"
    if charge["status"] == "failed":
        outcome = charge.get("outcome") or {}
        reason = outcome.get("reason") or charge.get("failure_code") or "no reason given"
        by = " before it reached the bank" if outcome.get("network_status") == "not_sent_to_network" else ""
        return f"{card} declined{by}: {reason} ({charge['id']})"
    if charge["status"] == "pending":
        return f"{card}: the bank is still working ({charge['id']})"
    sum_ = money.show(charge["amount_captured"] or charge["amount"], charge["currency"])
    if not charge["captured"]:
        released = ", and released again" if charge.get("refunded") else ""
        return f"{card}: {sum_} held, not taken{released} ({charge['id']})"
    return f"{card}: {sum_} taken ({charge['id']})"


def told(payment: Payment) -> Iterator[Moment]:
    """What Stripe told the service, and whether the service heard."""
    for event in payment.events:
        state = "not delivered yet" if event["pending_webhooks"] else "delivered"
        heard = "" if payment.handled is None else ", handled" if event["id"] in payment.handled else ", not handled"
        yield Moment(event["created"], "Stripe", f"event {event['type']}: {state}{heard} ({event['id']})")
    for row in payment.rows:
        if changed(row):
            why = f": {row['failure_reason']}" if row["failure_reason"] else ""
            yield Moment(row["updated_at"], "ledger", f"row is {row['status']}{why}")
        if row["mail_at"]:
            yield Moment(row["mail_at"], "service", "confirmation mail sent")


def afterwards(payment: Payment) -> Iterator[Moment]:
    for refund in payment.refunds:
        yield Moment(refund["created"], "Stripe", f"refund of {refund_told(refund)} ({refund['id']})")
    for dispute in payment.disputes:
        sum_ = money.show(dispute["amount"], dispute["currency"])
        state = f"{dispute['status']} ({dispute['reason']})"
        yield Moment(dispute["created"], "Stripe", f"dispute of {sum_}, {state} ({dispute['id']})")
