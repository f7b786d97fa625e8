"""Verification's own payment, for practice and test-mode targets: customer, intent, signed webhook, completed row.

Live targets never get one: Stripe's terms forbid tests with real payment methods, so there the next real payments
are watched.
"""

from __future__ import annotations

from runbook import money
from runbook.plan import Plan, Step

NAME = "test_payment"
NOTEBOOK = "30_verification"
# Small, and no round sum, so that it is easily told from a purchase.
AMOUNT_MINOR, CURRENCY = 1_37, "usd"


def allowed(environment: str, mode: str) -> bool:
    return environment == "practice" or mode == "test"


def plan(incident: str, target: str, identity: str, payment_method: str, completed_word: str) -> Plan:
    """One payment; its order key names the incident, so that it is made at most once."""
    order = f"runbook-test-{incident}"
    step = Step(
        kind="test_payment",
        object_id=order,
        sentence=f"Make one test payment of {money.show(AMOUNT_MINOR, CURRENCY)} through the service as order {order}, "
        "and wait for its webhook to complete the row.",
        old={},
        new={"order_key": order, "payment_method": payment_method, "status": completed_word},
        no_undo="a payment cannot be unmade; it stays in both sides' books as what it is",
        payment=order,
        amount_minor=AMOUNT_MINOR,
        currency=CURRENCY,
    )
    return Plan(target, identity, NAME, NOTEBOOK, (step,))
