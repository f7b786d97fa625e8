"""What each Stripe event does to the ledger, inside a transaction that somebody else opens and commits."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from practice.wires.service import ledger
from practice.wires.service.ledger import Payment


@dataclass(frozen=True, slots=True)
class Settled:
    """`intent` the event was about; `to_confirm` the payment whose customer is owed a mail; `declined` (code, decline
    code) of a refused charge; `known` false when the ledger has no such payment and the event does not describe one."""

    intent: str
    to_confirm: Payment | None = None
    declined: tuple[str, str] | None = None
    known: bool = True


def succeeded(conn: Connection, intent: dict[str, Any], at: float) -> Settled:
    """The row becomes COMPLETED, and is made from the intent's metadata when it is missing. A payment that was
    refunded or disputed since stays so: a late event never resurrects it."""
    row = ledger.move(conn, intent["id"], "COMPLETED", ("PENDING", "FAILED", "CANCELED"), at)
    if row is None and not ledger.is_known(conn, intent["id"]):
        metadata = intent.get("metadata") or {}
        if not {"userId", "transactionId"} <= metadata.keys():
            return Settled(intent["id"], known=False)
        row = ledger.add_payment(
            conn, uuid.UUID(metadata["transactionId"]), metadata["userId"], intent["id"],
            intent["amount"], intent["currency"], metadata.get("orderId"), "COMPLETED", at,
        )
    return Settled(intent["id"], to_confirm=row if row and row.confirmation_sent_at is None else None)


def failed(conn: Connection, intent: dict[str, Any], at: float) -> Settled:
    error = intent.get("last_payment_error") or {}
    code, decline_code = error.get("code") or "payment_failed", error.get("decline_code") or ""
    ledger.move(conn, intent["id"], "FAILED", ("PENDING",), at, decline_code or code)
    return Settled(intent["id"], declined=(code, decline_code))


def canceled(conn: Connection, intent: dict[str, Any], at: float) -> Settled:
    ledger.move(conn, intent["id"], "CANCELED", ("PENDING", "FAILED"), at)
    return Settled(intent["id"])


def refunded(conn: Connection, charge: dict[str, Any], at: float) -> Settled:
    """Only a full refund has a state of its own here; a partial one leaves the payment COMPLETED."""
    if charge["refunded"]:
        ledger.move(conn, charge["payment_intent"], "REFUNDED", ("PENDING", "COMPLETED"), at)
    return Settled(charge["payment_intent"])


def disputed(conn: Connection, dispute: dict[str, Any], at: float) -> Settled:
    ledger.move(conn, dispute["payment_intent"], "DISPUTED", ("PENDING", "COMPLETED"), at)
    return Settled(dispute["payment_intent"])


EFFECTS: dict[str, Callable[[Connection, dict[str, Any], float], Settled]] = {
    "payment_intent.succeeded": succeeded,
    "payment_intent.payment_failed": failed,
    "payment_intent.canceled": canceled,
    "charge.refunded": refunded,
    "charge.dispute.created": disputed,
}
