"""Ordinary purchases taken out of a day again, where a fault that is laid over it would have spoilt them.

A call with a revoked key does not go well, and a webhook that nobody verifies is not recorded: whoever looks into the
logs of a broken hour must not find it full of successes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from practice.traffic.history import History, Row
from practice.wires.gateway.engine import ModeEngine
from practice.wires.service.records import Record

# Objects that name the payment they belong to, and those that name one of these.
OF_A_PAYMENT, OF_THOSE = ("charge", "refund", "dispute"), "balance_transaction"


class Subject(msgspec.Struct):
    """What an event is about; events keep it as text."""

    id: str
    payment_intent: str | None = None


SUBJECT = msgspec.json.Decoder(Subject)


@dataclass(frozen=True, slots=True)
class Gone:
    """What has to go from the ledger (`rows`, and the claims of `events`) and from the log (`records`, and lines that
    name one of `ids`)."""

    rows: tuple[Row, ...]
    events: tuple[str, ...]
    records: tuple[Record, ...]
    ids: tuple[str, ...]

    def delete(self, conn: psycopg.Connection) -> None:
        """Rows and claims, in the caller's transaction."""
        conn.execute('DELETE FROM "Transaction" WHERE "id" = ANY (%s)', ([row.id for row in self.rows],))
        conn.execute('DELETE FROM "WebhookEvent" WHERE "id" = ANY (%s)', (list(self.events),))


def take_back(history: History, since: float) -> Gone:
    """Take each purchase that something happened to since then (unix seconds) out of `history`, and off Stripe."""
    intents = {
        laid.intent for laid in history.laid
        if laid.purchase.at >= since or any(record.at >= since for record in history.told.get(laid.intent, ()))
    }
    records = [record for intent in intents for record in history.told.pop(intent, ())]
    rows = [row for row in history.rows if row.intent in intents]
    events = _off_stripe(history.stripe, intents)
    gone = {id(record) for record in records}
    history.records = [record for record in history.records if id(record) not in gone]
    history.rows = [row for row in history.rows if row.intent not in intents]
    history.laid = [laid for laid in history.laid if laid.intent not in intents]
    history.webhook_events = [event for event in history.webhook_events if event[0] not in events]
    return Gone(tuple(rows), tuple(sorted(events)), tuple(records), (*sorted(intents), *sorted(events)))


def _off_stripe(stripe: ModeEngine, intents: set[str]) -> set[str]:
    """Remove payments with all that belongs to them; the answer is the events that told of it."""
    with stripe.engine.lock:
        tables = stripe.tables
        parts = {kind: {item["id"] for item in tables[kind] if item["payment_intent"] in intents}
                 for kind in OF_A_PAYMENT}
        named = set().union(*parts.values())
        parts[OF_THOSE] = {item["id"] for item in tables[OF_THOSE] if item["source"] in named}
        parts["payment_intent"] = set(intents)
        parts["event"] = {event["id"] for event in tables["event"] if _is_about(event, named | intents)}
        for kind, ids in parts.items():
            for each in ids:
                tables[kind].remove(each)
        for event in parts["event"]:
            stripe.deliveries.pop(event, None)
    return parts["event"]


def _is_about(event: dict[str, Any], ids: set[str]) -> bool:
    item = SUBJECT.decode(event["data"]["object"])
    return item.id in ids or item.payment_intent in ids
