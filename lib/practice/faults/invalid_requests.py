"""A bad deploy asks Stripe for what it does not know. The pager says: checkout fails since the release.

Variants: a parameter is misspelt, one is missing, an amount is sent with decimals, or each customer's idempotency key
is used again for another purchase. Stripe answers each with 400, and the customer gets a 502.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Fault, Truth
from practice.faults.laying import Refusal, begin, refused, stretch
from practice.traffic.plan import Purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "invalid_requests"
STOPS = "It goes on until the release is rolled back."
VARIANTS = ("unknown_parameter", "missing_parameter", "decimal_amount", "reused_key")
BAD_VERSION = "2026.11.4"
INVALID = ("InvalidRequestError", "invalid_request_error")


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """The release is on the air since the beginning, and nobody has paid since."""
    random = Random(f"{CAUSE} {variant} {seed}")
    when = stretch(world, random)
    history = begin(world, when.began)
    history.records.append(says.started(when.began, BAD_VERSION))
    for made in when.purchases(world, random):
        refused(history, random, made, refusal(variant, made))
    world.add(history)
    world.backdate_start(when.began)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, ())


def refusal(variant: str, made: Purchase) -> Refusal:
    """In the words of Stripe's API."""
    if variant == "unknown_parameter":
        message = "Received unknown parameter: automatic_payment_method. Did you mean automatic_payment_methods?"
        return Refusal(400, *INVALID, "parameter_unknown", message)
    if variant == "missing_parameter":
        return Refusal(400, *INVALID, "parameter_missing", "Missing required param: currency.")
    if variant == "decimal_amount":
        message = f"Invalid integer: {made.amount // 100}.{made.amount % 100:02}"
        return Refusal(400, *INVALID, "parameter_invalid_integer", message)
    message = ("Keys for idempotent requests can only be used with the same parameters they were first used with. "
               f"Try using a key other than 'checkout-{made.person.user_id}' if you meant to execute a different "
               "request.")
    return Refusal(400, "IdempotencyError", "idempotency_error", "", message)


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
