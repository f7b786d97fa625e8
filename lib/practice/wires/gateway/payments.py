"""Payments: an intent from creation to charge, and the state it may be in."""

from typing import Any

from . import cards, errors, money
from .authorization import Authorization
from .base import act
from .customers import merged_metadata
from .objects.payment import payment_intent
from .table import Object

# A PaymentIntent's life. Success and cancellation are for ever.
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*CONFIRMABLE, "requires_capture")
CHANGEABLE = CONFIRMABLE
UPDATED = ("description", "receipt_email", "shipping", "statement_descriptor", "statement_descriptor_suffix",
           "setup_future_usage", "transfer_group", "capture_method")
CONFIRMED = ("receipt_email", "shipping", "setup_future_usage", "capture_method")
WORDS = {
    "succeeded": "it has already succeeded after being previously confirmed",
    "canceled": "it has a status of canceled",
    "requires_capture": "it has already been authorized and waits for its capture",
}


class Payments(Authorization):
    """Acts on PaymentIntents and on their charges."""

    @act
    def create_payment_intent(self, params: dict[str, Any]) -> Object:
        """A new intent; with `confirm` it is charged at once. Raises ApiError 400 or 402."""
        params = params | {"currency": params["currency"].lower()}
        money.check(params["amount"], params["currency"])
        if params.get("off_session") and not params.get("confirm"):
            raise errors.invalid("`off_session` can only be used when `confirm` is true.", param="off_session")
        if "customer" in params:
            self.find("customer", params["customer"], "customer")
        method = self._given_method(params, params.get("customer"))
        id = self.ids.new("pi")
        intent = payment_intent(id, self.now, self.livemode, self.ids.secret(id, 0, 25), params)
        if method is not None:
            intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
        self.add(intent)
        self.emit("payment_intent.created", intent)
        return self._confirmed(intent, params) if params.get("confirm") else intent

    @act
    def update_payment_intent(self, id: str, params: dict[str, Any]) -> Object:
        intent = self.find("payment_intent", id)
        if intent["status"] not in CHANGEABLE and set(params) - {"metadata", "description", "expand"}:
            raise self.unexpected_state(intent, "update", intent["status"])
        changed = {name: params[name] for name in UPDATED if name in params}
        if "amount" in params or "currency" in params:
            changed |= {"amount": params.get("amount", intent["amount"]),
                        "currency": params.get("currency", intent["currency"]).lower()}
            money.check(changed["amount"], changed["currency"])
        if "customer" in params:
            changed["customer"] = self.find("customer", params["customer"], "customer")["id"]
        method = self._given_method(params, changed.get("customer", intent["customer"]))
        if method is not None:
            changed |= {"payment_method": method["id"], "status": "requires_confirmation"}
        if "metadata" in params:
            changed["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
        intent.update(changed)
        return intent

    @act
    def confirm(self, id: str, params: dict[str, Any] | None = None, decline: str | None = None) -> Object:
        """Charge the intent's card. Raises ApiError 402 when the card is declined.

        `decline` (for the world, not for the wire) has the bank refuse with that decline code; a refusal that was
        asked for is returned as the intent's new state and raises nothing.
        """
        params = params or {}
        intent = self.find("payment_intent", id)
        if intent["status"] not in CONFIRMABLE:
            raise self.unexpected_state(intent, "confirm", WORDS.get(intent["status"], intent["status"]))
        method = self._given_method(params, intent["customer"])
        if method is not None:
            intent["payment_method"] = method["id"]
        intent.update({name: params[name] for name in CONFIRMED if name in params})
        try:
            return self._confirmed(intent, params, decline)
        except errors.ApiError as refusal:
            if decline is None or refusal.status != 402:
                raise
            return intent

    @act
    def complete_authentication(self, id: str, succeeded: bool = True) -> Object:
        """The customer answers the bank's question (3-D Secure). For the world: the wire has no such call."""
        intent = self.find("payment_intent", id)
        if intent["status"] != "requires_action":
            raise self.unexpected_state(intent, "authenticate", intent["status"])
        intent["next_action"] = None
        if succeeded:
            return self.charge_card(intent)
        return self.fail_authentication(intent)

    @act
    def capture(self, id: str, params: dict[str, Any] | None = None) -> Object:
        """Take what was authorized, or a part of it; the rest is released."""
        intent = self.find("payment_intent", id)
        if intent["status"] != "requires_capture":
            raise self.unexpected_state(intent, "capture", WORDS.get(intent["status"], intent["status"]))
        amount = (params or {}).get("amount_to_capture", intent["amount_capturable"])
        if not 1 <= amount <= intent["amount_capturable"]:
            raise errors.invalid("The amount to capture must be at least 1 and no more than what is capturable.",
                                 code="amount_too_large" if amount > 1 else "parameter_invalid_integer",
                                 param="amount_to_capture")
        self.take(intent, amount)
        return intent

    @act
    def capture_charge(self, id: str, params: dict[str, Any] | None = None) -> Object:
        """The same for a client that knows the charge only."""
        charge = self.find("charge", id, "charge")
        if charge["captured"] or charge["status"] != "succeeded" or charge["refunded"]:
            raise errors.invalid(f"Charge {id} has already been captured.", code="charge_already_captured")
        amount = (params or {}).get("amount", charge["amount"])
        if not 1 <= amount <= charge["amount"]:
            raise errors.invalid("The amount to capture is more than what was authorized.", code="amount_too_large",
                                 param="amount")
        self.take(self.find("payment_intent", charge["payment_intent"]), amount)
        return charge

    @act
    def cancel(self, id: str, params: dict[str, Any] | None = None) -> Object:
        intent = self.find("payment_intent", id)
        if intent["status"] not in CANCELABLE:
            raise self.unexpected_state(intent, "cancel", f"it has a status of {intent['status']}")
        if intent["status"] == "requires_capture":
            self.release(intent)
        intent |= {"status": "canceled", "canceled_at": self.now, "amount_capturable": 0, "next_action": None,
                   "cancellation_reason": (params or {}).get("cancellation_reason")}
        self.emit("payment_intent.canceled", intent)
        return intent

    def unexpected_state(self, intent: Object, verb: str, why: str) -> errors.ApiError:
        return errors.invalid(f"You cannot {verb} this PaymentIntent because {why}.",
                              code="payment_intent_unexpected_state", payment_intent=intent)

    def _confirmed(self, intent: Object, params: dict[str, Any], decline: str | None = None) -> Object:
        if intent["payment_method"] is None:
            raise self.unexpected_state(intent, "confirm", "it's missing a payment method")
        card = self.cards[intent["payment_method"]]
        if card.behaviour == cards.AUTHENTICATE and decline is None and not (self.livemode and card.is_published):
            return self.ask_authentication(intent, params)
        return self.charge_card(intent, decline)

    def _given_method(self, params: dict[str, Any], customer: str | None) -> Object | None:
        if "payment_method_data" in params:
            return self.new_method(params["payment_method_data"])
        if "payment_method" not in params:
            return None
        method = self.method_for(params["payment_method"])
        if method["customer"] not in (None, customer):
            raise errors.invalid("The provided PaymentMethod is attached to another customer than this PaymentIntent "
                                 "belongs to.", param="payment_method")
        return method
