"""Payments that were made before anybody looked: Stripe's objects, the shop's rows and the service's log lines.

Each purchase is lived through at its own times, on Stripe's side by the same engine that answers the wire, in the log
by the same sentences that the live service writes.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import psycopg

from practice.traffic.people import Person, card_in
from practice.traffic.plan import Plan, Purchase
from practice.wires.gateway.cards import AUTHENTICATE
from practice.wires.gateway.engine import Delivery, Engine, ModeEngine
from practice.wires.gateway.keys import Mode
from practice.wires.service import says
from practice.wires.service.ledger import instant
from practice.wires.service.records import Record
from practice.wires.service.settings import VERSION

# How long the service has been up when a history ends: it saw all of the day.
LIFE_SECONDS = 1.02 * 86_400.0
WEBHOOK = "/api/webhooks/stripe"
CHECKOUT = "/api/payments/create-intent"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Wallet:
    """A person at Stripe: the customer and the saved payment method."""

    customer: str
    method: str


@dataclass(slots=True)
class Row:
    """A row of "Transaction" in the making; fields in the order of its columns, times in unix seconds."""

    id: uuid.UUID
    user_id: str
    intent: str
    amount: int
    currency: str
    status: str
    order: str
    failure_reason: str | None
    confirmed_at: float | None
    created_at: float
    updated_at: float

    def columns(self) -> tuple[Any, ...]:
        confirmed = instant(self.confirmed_at) if self.confirmed_at else None
        return (self.id, self.user_id, self.intent, self.amount, self.currency, self.status, self.order,
                self.failure_reason, confirmed, instant(self.created_at), instant(self.updated_at))


@dataclass(frozen=True, slots=True)
class Laid:
    """A purchase that was laid down: its intent, and the event that told of its end (empty when nothing ended)."""

    purchase: Purchase
    intent: str
    event: str = ""


@dataclass(slots=True)
class History:
    """What a stretch of payments leaves on every side. `lay` purchases, then `write` rows and take `records`."""

    engine: Engine
    wallets: dict[str, Wallet] = field(default_factory=dict)
    users: list[tuple[Any, ...]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    webhook_events: list[tuple[Any, ...]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    laid: list[Laid] = field(default_factory=list)
    told: dict[str, list[Record]] = field(default_factory=dict)  # intent → what the log says of its purchase
    mode: Mode = "live"  # of the keys that all of it was paid with

    @property
    def stripe(self) -> ModeEngine:
        return self.engine.mode(self.mode)

    def lay_plan(self, plan: Plan) -> None:
        self.records.append(says.started(plan.clock - LIFE_SECONDS, VERSION))
        for person in plan.people:
            self.register(person)
        for purchase in plan.purchases:
            self.lay(purchase)

    def register(self, person: Person, forgotten: bool = False) -> None:
        """A customer with a saved card. `forgotten`: the shop's side has no such user (any more)."""
        with self.engine.at(person.registered_at, "none"):
            customer = self.stripe.create_customer(
                {"email": person.email, "name": person.name, "metadata": {"userId": person.user_id}})
            method = self.stripe.create_payment_method({"type": "card", "card": {"number": card_in(self.mode, person)}})
            self.stripe.attach(method["id"], {"customer": customer["id"]})
        self.wallets[person.user_id] = Wallet(customer["id"], method["id"])
        if not forgotten:
            self.users.append((person.user_id, person.email, person.name, customer["id"],
                               instant(person.registered_at)))

    def lay(self, purchase: Purchase) -> Laid:
        """One ordinary purchase with everything that followed from it."""
        known = len(self.records)
        row = self.check_out(purchase)
        end = getattr(self, f"_{purchase.outcome}")(purchase, row)
        self.laid.append(Laid(purchase, row.intent, end))
        self.told[row.intent] = self.records[known:]
        return self.laid[-1]

    def check_out(self, purchase: Purchase) -> Row:
        """The checkout itself: an intent at Stripe, a PENDING row, two log lines."""
        person, random = purchase.person, Random(purchase.transaction.int)
        metadata = {"userId": person.user_id, "orderId": purchase.order, "transactionId": str(purchase.transaction)}
        params = {"amount": purchase.amount, "currency": purchase.currency, "metadata": metadata,
                  "customer": self.wallets[person.user_id].customer,
                  "automatic_payment_methods": {"enabled": True}}
        if purchase.outcome == "held":
            params["capture_method"] = "manual"
        with self.engine.at(purchase.at, "none"):
            intent = self.stripe.create_payment_intent(params)["id"]
        asked, done = round(purchase.create_ms * 0.9), purchase.at + purchase.create_ms / 1000
        request = "req_" + "".join(random.choices(LETTERS, k=14))
        self.records += (
            says.stripe_call(done - 0.006, "POST", "/v1/payment_intents", 200, asked, request),
            says.access(done, "POST", CHECKOUT, 201, purchase.create_ms),
        )
        row = Row(purchase.transaction, person.user_id, intent, purchase.amount, purchase.currency, "PENDING",
                  purchase.order, None, None, done - 0.004, done - 0.004)
        self.rows.append(row)
        return row

    def pay(self, purchase: Purchase, intent: str, delivery: Delivery) -> str:
        """The customer confirms and Stripe takes the money; the answer is the event that says so."""
        decline = purchase.decline_code or None
        method = self.wallets[purchase.person.user_id].method
        with self.engine.at(purchase.at + purchase.paid_after, delivery):
            return self._event_of(lambda: self.stripe.confirm(intent, {"payment_method": method}, decline=decline))

    def heard_at(self, purchase: Purchase) -> float:
        """When the service hears of the payment: Stripe needs a moment to send an event."""
        return purchase.at + purchase.paid_after + 0.4 + purchase.record_ms / 50

    def hear(self, event: str, kind: str, intent: str, at: float, ms: int, between: Iterable[Record] = ()) -> float:
        """An event comes in and is recorded; the answer is when it was done."""
        done = at + ms / 1000
        self.records += (
            says.webhook_received(at, event, kind),
            *between,
            says.webhook_processed(at + 0.006, event, intent),
            says.access(done, "POST", WEBHOOK, 200, ms),
        )
        self.webhook_events.append((event, kind, instant(at + 0.001), instant(at + 0.005)))
        return done

    def write(self, conn: psycopg.Connection) -> None:
        """Rows of all three tables, by COPY, in the caller's transaction."""
        with conn.cursor() as cursor:
            for table, rows in (
                ('"User"', self.users),
                ('"Transaction"', [row.columns() for row in self.rows]),
                ('"WebhookEvent"', self.webhook_events),
            ):
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)

    def _paid(self, purchase: Purchase, row: Row) -> str:
        event = self.pay(purchase, row.intent, "delivered")
        self._complete(purchase, row, event)
        if purchase.refunded_after:
            self._refund(purchase, row)
        if purchase.disputed_after:
            self._dispute(purchase, row)
        return event

    def _complete(self, purchase: Purchase, row: Row, event: str) -> None:
        heard = self.heard_at(purchase)
        self.hear(event, "payment_intent.succeeded", row.intent, heard, purchase.record_ms)
        row.status, row.updated_at = "COMPLETED", heard + 0.004
        row.confirmed_at = heard + purchase.record_ms / 1000 - 0.003
        self.records.append(says.mail_sent(row.confirmed_at + 0.001, row.intent))

    def _declined(self, purchase: Purchase, row: Row) -> str:
        event, heard = self.pay(purchase, row.intent, "delivered"), self.heard_at(purchase)
        error = self.stripe.find("payment_intent", row.intent)["last_payment_error"]
        said = says.payment_declined(heard + 0.006, row.intent, error["code"], error["decline_code"])
        self.hear(event, "payment_intent.payment_failed", row.intent, heard, 9, [said])
        row.status, row.failure_reason, row.updated_at = "FAILED", error["decline_code"], heard + 0.004
        return event

    def _canceled(self, purchase: Purchase, row: Row) -> str:
        at = purchase.at + 120 + purchase.paid_after
        with self.engine.at(at):
            event = self._event_of(lambda: self.stripe.cancel(row.intent, {"cancellation_reason": "abandoned"}))
        self.hear(event, "payment_intent.canceled", row.intent, at + 0.8, 8)
        row.status, row.updated_at = "CANCELED", at + 0.804
        return event

    def _abandoned(self, purchase: Purchase, row: Row) -> str:
        return ""

    def _open(self, purchase: Purchase, row: Row) -> str:
        return ""

    def _held(self, purchase: Purchase, row: Row) -> str:
        self.pay(purchase, row.intent, "delivered")
        return ""

    def _needs_action(self, purchase: Purchase, row: Row) -> str:
        """The card's bank asks; nobody has answered. The question belongs to this one card, not to the person's."""
        with self.engine.at(purchase.at + purchase.paid_after):
            card = {"number": card_in(self.mode, purchase.person)}
            method = self.stripe.create_payment_method({"type": "card", "card": card})["id"]
            self.stripe.cards[method] = replace(self.stripe.cards[method], behaviour=AUTHENTICATE)
            self.stripe.confirm(row.intent, {"payment_method": method})
        return ""

    def _processing(self, purchase: Purchase, row: Row) -> str:
        """Money under way: the simulated wire knows no such payment method, so the intent is put into that state."""
        with self.engine.lock:
            intent = self.stripe.find("payment_intent", row.intent)
            intent |= {"status": "processing", "payment_method": self.wallets[row.user_id].method}
        return ""

    def _late(self, purchase: Purchase, row: Row) -> str:
        return self.pay(purchase, row.intent, "pending")

    def _refund(self, purchase: Purchase, row: Row) -> None:
        at = purchase.at + purchase.refunded_after
        with self.engine.at(at):
            event = self._event_of(lambda: self.stripe.create_refund(
                {"payment_intent": row.intent, "amount": purchase.refund_amount, "reason": "requested_by_customer"}))
        self.hear(event, "charge.refunded", row.intent, at + 0.9, 8)
        if purchase.refund_amount == purchase.amount:
            row.status, row.updated_at = "REFUNDED", at + 0.904

    def _dispute(self, purchase: Purchase, row: Row) -> None:
        at = purchase.at + purchase.disputed_after
        charge = self.stripe.find("payment_intent", row.intent)["latest_charge"]
        with self.engine.at(at):
            event = self._event_of(lambda: self.stripe.create_dispute(charge), kind="charge.dispute.created")
        self.hear(event, "charge.dispute.created", row.intent, at + 0.7, 8)
        row.status, row.updated_at = "DISPUTED", at + 0.704

    def _event_of(self, act: Any, kind: str = "") -> str:
        """The newest event that `act` caused (of that kind): the one the shop subscribed to comes last."""
        known = len(self.stripe.deliveries)
        act()
        caused = itertools.islice(reversed(self.stripe.deliveries), len(self.stripe.deliveries) - known)
        events: Iterator[str] = (event for event in caused if self._is_of(event, kind))
        return next(events)

    def _is_of(self, event: str, kind: str) -> bool:
        found = self.stripe.tables["event"].get(event)
        return found is not None and kind in ("", found["type"])
