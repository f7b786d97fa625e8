"""The card's side of a payment: asking the bank, taking the money, writing the books."""

from typing import Any

from . import cards, errors, money
from .customers import Customers
from .ids import letters
from .objects import payment
from .objects.movement import balance_transaction
from .table import Object


class Authorization(Customers):
    """How a confirmed intent becomes a charge, or does not."""

    def charge_card(self, intent: Object, decline: str | None = None) -> Object:
        """One charge: succeeded, or failed with ApiError 402."""
        card = self.cards[intent["payment_method"]]
        if decline is None and self.livemode == card.is_published:
            decline = "live_mode_test_card" if self.livemode else "test_mode_live_card"
        if decline is None and card.behaviour not in (cards.SUCCESS, cards.AUTHENTICATE):
            decline = card.behaviour
        told = cards.decline_fields(decline) if decline else None
        method = self.find("payment_method", intent["payment_method"])
        charge = self.add(payment.charge(self.ids.new("ch"), self.now, intent, method, card))
        intent["latest_charge"] = charge["id"]
        if told is not None:
            raise self._refuse(intent, charge, method, told)
        intent |= {"last_payment_error": None, "next_action": None}
        if intent["setup_future_usage"] and intent["customer"]:
            method["customer"] = intent["customer"]
        if intent["capture_method"] == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
            self.emit("charge.succeeded", charge)
            self.emit("payment_intent.amount_capturable_updated", intent)
        else:
            self._book(intent, charge, charge["amount"])
            self.emit("charge.succeeded", charge)
            self.emit("payment_intent.succeeded", intent)
        return intent

    def take(self, intent: Object, amount: int) -> None:
        """Capture what was authorized; what is left over goes back to the card."""
        charge = self.find("charge", intent["latest_charge"])
        self._book(intent, charge, amount)
        charge["amount_refunded"] = charge["amount"] - amount
        self.emit("charge.captured", charge)
        self.emit("payment_intent.succeeded", intent)

    def release(self, intent: Object) -> None:
        """Give an authorization back untouched."""
        charge = self.find("charge", intent["latest_charge"])
        charge |= {"amount_refunded": charge["amount"], "refunded": True}
        self.emit("charge.refunded", charge, previous={"amount_refunded": 0, "refunded": False})

    def ask_authentication(self, intent: Object, params: dict[str, Any]) -> Object:
        """The bank wants to hear from the customer first: allowed only while the customer is there."""
        if params.get("off_session") or params.get("error_on_requires_action"):
            return self.charge_card(intent, "authentication_required")
        where = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent['id']}"
        if params.get("return_url"):
            action = {"redirect_to_url": {"return_url": params["return_url"], "url": where}, "type": "redirect_to_url"}
        else:
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect",
                                                                   "stripe_js": where, "source": letters(where, 24)}}
        intent |= {"status": "requires_action", "next_action": action}
        self.emit("payment_intent.requires_action", intent)
        return intent

    def fail_authentication(self, intent: Object) -> Object:
        """The customer did not pass: no charge was tried."""
        method = self.find("payment_method", intent["payment_method"])
        message = ("We are unable to authenticate your payment method. Please choose a different payment method and "
                   "try again.")
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": errors.invalid(
            message, code="payment_intent_authentication_failure", payment_method=dict(method)).error}
        self.emit("payment_intent.payment_failed", intent)
        return intent

    def _refuse(self, intent: Object, charge: Object, method: Object, told: dict[str, str]) -> errors.ApiError:
        """Write a refusal down and return it as the error that the client gets."""
        charge |= {"status": "failed", "paid": False, "failure_code": told["code"], "receipt_url": None,
                   "failure_message": told["message"], "outcome": payment.declined(told["decline_code"])}
        error = errors.card_error(told["message"], told["code"], told["decline_code"], charge=charge["id"],
                                  payment_method=dict(method))
        intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None,
                   "last_payment_error": dict(error.error)}
        self.emit("charge.failed", charge)
        self.emit("payment_intent.payment_failed", intent)
        error.error["payment_intent"] = intent
        return error

    def _book(self, intent: Object, charge: Object, amount: int) -> None:
        """The charge enters the account's books."""
        currency = charge["currency"]
        entry = self.add(balance_transaction(
            self.ids.new("txn"), self.now, type="charge", category="charge", amount=amount,
            fee=money.fee(amount, currency), fee_type="Stripe processing fees", currency=currency,
            source=charge["id"], description=charge["description"]))
        charge |= {"captured": True, "amount_captured": amount, "balance_transaction": entry["id"]}
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
