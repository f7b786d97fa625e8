"""Payouts: what Stripe sends to our bank."""

from typing import Any

from . import lists
from .base import Base, act
from .objects.movement import balance_transaction, payout
from .table import Object


class Payouts(Base):
    """Acts on payouts. Each takes along the balance transactions that were available and not yet paid out."""

    @act
    def create_payout(self, currency: str) -> Object | None:
        """The automatic daily payout of a currency; None when there is nothing to send. For the world alone."""
        due = [entry for entry in self.tables["balance_transaction"]
               if entry["currency"] == currency and entry["available_on"] <= self.now
               and entry["type"] != "payout" and entry["id"] not in self.paid_out]
        amount = sum(entry["net"] for entry in due)
        if amount <= 0:
            return None
        item = payout(self.ids.new("po"), self.now, self.livemode, amount, currency,
                      "ba_" + self.ids.secret(f"bank/{currency}", 1, 24))
        entry = self.add(balance_transaction(
            self.ids.new("txn"), self.now, type="payout", category="payout", amount=-amount, fee=0, fee_type="",
            currency=currency, source=item["id"], description="STRIPE PAYOUT"))
        item["balance_transaction"] = entry["id"]
        self.paid_out |= {part["id"]: item["id"] for part in (*due, entry)}
        self.add(item)
        self.emit("payout.created", item, automatic=True)
        return item

    @act
    def finish_payout(self, id: str) -> Object:
        """The money reached the bank. For the world alone."""
        item = self.find("payout", id, "payout")
        item["status"] = "paid"
        self.emit("payout.paid", item, automatic=True)
        return item

    def _filter(self, kind: str, params: dict[str, Any]) -> lists.Matches:
        if kind != "balance_transaction" or "payout" not in params:
            return super()._filter(kind, params)
        wanted = self.find("payout", params["payout"], "payout")["id"]
        others = super()._filter(kind, {name: value for name, value in params.items() if name != "payout"})
        return lambda entry: self.paid_out.get(entry["id"]) == wanted and others(entry)
