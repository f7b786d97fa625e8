"""Disputes: opened by banks, closed by us or by them."""

from . import errors, money
from .base import Base, act
from .objects.dispute import dispute
from .objects.movement import balance_transaction
from .table import Object


class Disputes(Base):
    """Acts on disputes."""

    @act
    def create_dispute(self, charge: str, reason: str = "fraudulent", amount: int | None = None) -> Object:
        """The customer's bank takes the money back. For the world: the wire has no such call."""
        disputed = self.find("charge", charge, "charge")
        if not disputed["captured"] or disputed["disputed"]:
            raise errors.invalid(f"Charge {charge} cannot be disputed: it is not captured, or it is disputed already.")
        item = dispute(self.ids.new("dp"), self.now, disputed, amount or disputed["amount_captured"], reason)
        entry = self.add(balance_transaction(
            self.ids.new("txn"), self.now, type="adjustment", category="dispute", amount=-item["amount"],
            fee=money.dispute_fee(item["currency"]), fee_type="Dispute fee", currency=item["currency"],
            source=item["id"], description=f"Chargeback withdrawal for {charge}"))
        item["balance_transactions"] = [entry]
        self.add(item)
        disputed["disputed"] = True
        self.emit("charge.dispute.created", item, automatic=True)
        self.emit("charge.dispute.funds_withdrawn", item, automatic=True)
        return item

    @act
    def close_dispute(self, id: str) -> Object:
        """We accept the loss."""
        return self._close(id, "lost", automatic=False)

    @act
    def decide_dispute(self, id: str, won: bool) -> Object:
        """The bank decides. For the world: the wire has no such call."""
        item = self.find("dispute", id, "dispute")
        if won:
            entry = self.add(balance_transaction(
                self.ids.new("txn"), self.now, type="adjustment", category="dispute_reversal", amount=item["amount"],
                fee=0, fee_type="", currency=item["currency"], source=item["id"],
                description=f"Chargeback reversal for {item['charge']}"))
            item["balance_transactions"] = [*item["balance_transactions"], entry]
            self.emit("charge.dispute.funds_reinstated", item, automatic=True)
        return self._close(id, "won" if won else "lost", automatic=True)

    def _close(self, id: str, status: str, automatic: bool) -> Object:
        item = self.find("dispute", id, "dispute")
        if item["status"] in ("won", "lost"):
            raise errors.invalid("This dispute is already closed")
        before = item["status"]
        item["status"] = status
        self.emit("charge.dispute.closed", item, previous={"status": before}, automatic=automatic)
        return item
