"""One payment as both sides show it, and the words in which it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runbook import clock, money
from runbook.facts import Row
from runbook.judgement import payments

# A dispute in one of these states has moved the money; an inquiry or one that was won has not.
MONEY_IS_BACK = ("needs_response", "under_review", "lost")
FAILED_REFUND = ("failed", "canceled")


@dataclass(frozen=True)
class Rules:
    """The target's words for each status, the instant of the look, and how long a webhook may take."""

    words: Mapping[str, Sequence[str]]
    as_of: int
    grace_seconds: int

    def meaning(self, row: Row) -> str:
        """pending | completed | … of the row's own word; empty for a word that the target does not map."""
        return next((status for status, words in self.words.items() if row["status"] in words), "")


@dataclass(frozen=True)
class Payment:
    """One payment as both sides show it. `intent` None: Stripe knows none, or could not be read (`gateway_away`).

    `handled` None: nobody can say which events the service has handled. `twins`: other payments of the same order that
    took money and kept it.
    """

    intent_id: str
    intent: Row | None = None
    charges: tuple[Row, ...] = ()
    refunds: tuple[Row, ...] = ()
    disputes: tuple[Row, ...] = ()
    events: tuple[Row, ...] = ()
    handled: frozenset[str] | None = None
    rows: tuple[Row, ...] = ()
    twins: tuple[str, ...] = ()
    gateway_away: str = ""
    ledger_away: str = ""

    @property
    def order(self) -> str:
        return next((row["order_key"] for row in self.rows if row["order_key"]), "")

    @property
    def paid(self) -> bool:
        return self.intent is not None and payments.is_paid(self.intent)

    @property
    def taken_at(self) -> int:
        """When Stripe took the money, or began to hold it."""
        return max((each["created"] for each in self.charges if each["status"] == "succeeded"), default=0)

    @property
    def kept(self) -> bool:
        """Stripe took money and holds some of it for us still."""
        return self.paid and self.refunded_minor < self.received_minor and not self.lost

    @property
    def received_minor(self) -> int:
        return self.intent["amount_received"] if self.intent else 0

    @property
    def refunded_minor(self) -> int:
        return sum(each["amount"] for each in self.refunds if each["status"] not in FAILED_REFUND)

    @property
    def lost(self) -> bool:
        return any(each["status"] in MONEY_IS_BACK for each in self.disputes)


def recorded(payment: Payment, rules: Rules) -> bool:
    return any(rules.meaning(row) in payments.PAID for row in payment.rows)


def taken(payment: Payment) -> str:
    intent = payment.intent or {}
    return f"Stripe took {money.show(intent['amount_received'], intent['currency'])} on {at(payment.taken_at)}"


def refunds_told(refunds: Iterable[Row]) -> str:
    return " and ".join(
        f"{refund_told(each)}, on {at(each['created'])}" for each in refunds if each["status"] not in FAILED_REFUND
    )


def refund_told(refund: Row) -> str:
    """Amount and state; the reference (ARN) is what the customer's bank finds it by."""
    card = (refund.get("destination_details") or {}).get("card") or {}
    reference = f"ARN {card['reference']}" if card.get("reference") else "no ARN yet"
    return f"{money.show(refund['amount'], refund['currency'])}, {refund['status']}, {reference}"


def ledger_says(payment: Payment) -> str:
    if payment.ledger_away:
        return "the ledger could not be read"
    words = [row["status"] or "nothing" for row in payment.rows]
    if len(words) > 1:
        return f"the ledger has {len(words)} rows for it ({', '.join(words)})"
    return f"the ledger says {words[0]}" if words else "the ledger has no row for it"


def at(epoch: int) -> str:
    return clock.show(datetime.fromtimestamp(epoch, UTC)) if epoch else "a day that cannot be told"
