"""Refunds: money goes back, in whole or in part."""

from typing import Any

from . import errors
from .base import Base, act
from .objects.movement import balance_transaction, refund
from .table import Object


class Refunds(Base):
    """Acts on refunds."""

    @act
    def create_refund(self, params: dict[str, Any]) -> Object:
        """Refund a charge, named by itself or by its intent. Raises ApiError 400."""
        charge = self._refundable(params)
        left = charge["amount"] - charge["amount_refunded"]
        amount = params.get("amount", left)
        if amount < 1:
            raise errors.invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if amount > left:
            raise errors.invalid(f"Refund amount ({amount} {charge['currency']}) is greater than unrefunded amount on "
                                 f"charge ({left} {charge['currency']})", param="amount")
        item = refund(self.ids.new("re"), self.now, charge, amount, params)
        entry = self.add(balance_transaction(
            self.ids.new("txn"), self.now, type="refund", category="refund", amount=-amount, fee=0, fee_type="",
            currency=charge["currency"], source=item["id"], description="REFUND FOR CHARGE"))
        item["balance_transaction"] = entry["id"]
        self.add(item)
        before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.emit("refund.created", item)
        self.emit("charge.refunded", charge, previous={name: value for name, value in before.items()
                                                       if value != charge[name]})
        return item

    def _refundable(self, params: dict[str, Any]) -> Object:
        if "charge" in params:
            charge = self.find("charge", params["charge"], "charge")
        elif "payment_intent" in params:
            intent = self.find("payment_intent", params["payment_intent"], "payment_intent")
            if intent["status"] != "succeeded":
                raise errors.invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to "
                                     "refund.", param="payment_intent")
            charge = self.find("charge", intent["latest_charge"], "charge")
        else:
            raise errors.invalid("One of the following params should be provided for this request: payment_intent or "
                                 "charge.", code="parameter_missing")
        if charge["refunded"]:
            raise errors.invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        if charge["disputed"]:
            raise errors.invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                                 code="charge_disputed")
        if not charge["captured"]:
            raise errors.invalid(f"Charge {charge['id']} was never captured; cancel its PaymentIntent instead.",
                                 code="charge_not_refundable")
        return charge
