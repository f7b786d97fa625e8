"""Customers and their payment methods."""

import time
from typing import Any

from . import cards, errors
from .base import Base, act
from .objects.customer import customer, payment_method
from .table import Object

CUSTOMER_FIELDS = ("address", "description", "email", "name", "phone", "shipping", "tax_exempt", "preferred_locales",
                   "balance")
TEST_NAME = "pm_card_"


class Customers(Base):
    """Acts on customers and payment methods."""

    @act
    def create_customer(self, params: dict[str, Any]) -> Object:
        method = self.method_for(params["payment_method"]) if "payment_method" in params else None
        item = self.add(customer(self.ids.new("cus"), self.now, self.livemode, params))
        self._set_invoice_default(item, params)
        self.emit("customer.created", item)
        if method is not None:
            self._attach(method["id"], item["id"])
        return item

    @act
    def update_customer(self, id: str, params: dict[str, Any]) -> Object:
        item = self.find("customer", id)
        changed = {name: params[name] for name in CUSTOMER_FIELDS if name in params}
        if "metadata" in params:
            changed["metadata"] = merged_metadata(item["metadata"], params["metadata"])
        previous = {name: item[name] for name, value in changed.items() if item[name] != value}
        item.update(changed)
        self._set_invoice_default(item, params)
        if previous:
            self.emit("customer.updated", item, previous=previous)
        return item

    @act
    def create_payment_method(self, params: dict[str, Any]) -> Object:
        return self.new_method(params)

    @act
    def attach(self, id: str, params: dict[str, Any]) -> Object:
        if "customer" not in params:
            raise errors.missing_param("customer")
        return self._attach(id, params["customer"])

    @act
    def detach(self, id: str) -> Object:
        method = self.find("payment_method", id, "payment_method")
        if method["customer"] is None:
            raise errors.invalid("The payment method you provided is not attached to a customer so detachment is "
                                 "impossible.", param="payment_method")
        method["customer"] = None
        self.emit("payment_method.detached", method)
        return method

    def new_method(self, params: dict[str, Any]) -> Object:
        if params.get("type") != "card":
            raise errors.missing_param("type") if "type" not in params else errors.not_modelled(["type"])
        card = cards.read(params.get("card", {}), self._year)
        return self._add_method(card, params)

    def method_for(self, id: str) -> Object:
        """A payment method by id; `pm_card_…` makes a new one of that published test card."""
        card = cards.named(id.removeprefix(TEST_NAME), self._year) if id.startswith(TEST_NAME) else None
        return self._add_method(card, {}) if card else self.find("payment_method", id, "payment_method")

    def _add_method(self, card: cards.Card, params: dict[str, Any]) -> Object:
        method = self.add(payment_method(self.ids.new("pm"), self.now, self.livemode, card, params))
        self.cards[method["id"]] = card
        return method

    def _attach(self, id: str, customer_id: str) -> Object:
        owner = self.find("customer", customer_id, "customer")
        method = self.method_for(id)
        if method["customer"] not in (None, owner["id"]):
            raise errors.invalid("The payment method you provided has already been attached to a customer.",
                                 param="payment_method")
        method["customer"] = owner["id"]
        self.emit("payment_method.attached", method)
        return method

    def _set_invoice_default(self, item: Object, params: dict[str, Any]) -> None:
        chosen = (params.get("invoice_settings") or {}).get("default_payment_method")
        if chosen:
            self.find("payment_method", chosen, "invoice_settings[default_payment_method]")
            item["invoice_settings"]["default_payment_method"] = chosen

    @property
    def _year(self) -> int:
        return time.gmtime(self.now).tm_year


def merged_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
    """Stripe's rule: keys are merged, an empty value removes its key, an empty table removes all."""
    if not new:
        return {}
    return {name: value for name, value in (old | new).items() if value != ""}
