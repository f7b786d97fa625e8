"""What every machine needs: tables, ids, time, events, retrieval and lists."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec

import msgspec

from . import errors, lists
from .cards import Card
from .ids import Ids
from .objects import account, notice
from .table import Object, Table

if TYPE_CHECKING:
    from .engine import Engine

P = ParamSpec("P")
State = Literal["pending", "delivered", "failed"]

# Stripe keeps an event readable for thirty days.
EVENT_READABLE_SECONDS = 30 * 86_400

# Wire name -> (path segment, id prefix).
KINDS = {
    "balance_transaction": ("balance_transactions", "txn"), "charge": ("charges", "ch"),
    "customer": ("customers", "cus"), "dispute": ("disputes", "dp"), "event": ("events", "evt"),
    "payment_intent": ("payment_intents", "pi"), "payment_method": ("payment_methods", "pm"),
    "payout": ("payouts", "po"), "refund": ("refunds", "re"), "webhook_endpoint": ("webhook_endpoints", "we"),
}


@dataclass
class Deliveries:
    """What became of one event at each endpoint it was meant for."""

    states: dict[str, State] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """How many endpoints have not taken the event: Stripe's `pending_webhooks`."""
        return sum(state != "delivered" for state in self.states.values())


def act(method: Callable[Concatenate[Any, P], Any]) -> Callable[Concatenate[Any, P], Any]:
    """A public method: under the engine's lock, and its result, or its refusal, is the caller's own copy."""

    @functools.wraps(method)
    def locked(self: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
        with self.engine.answering():
            try:
                return copy(method(self, *args, **kwargs))
            except errors.ApiError as refusal:
                refusal.error = copy(refusal.error)
                raise

    return locked


def copy(body: Any) -> Any:
    """A body of one's own; by way of JSON, which is several times as fast as copying in depth."""
    return msgspec.json.decode(msgspec.json.encode(body))


class Base:
    """Tables of one mode and the acts that every kind of object shares."""

    def __init__(self, engine: Engine, mode: str, ids: Ids) -> None:
        self.engine = engine
        self.mode = mode
        self.livemode = mode == "live"
        self.ids = ids
        self.tables = {kind: Table(kind) for kind in KINDS}
        self.deliveries: dict[str, Deliveries] = {}
        # Balance transaction -> the payout that carried it; bodies do not say.
        self.paid_out: dict[str, str] = {}
        # Secrets and numbers, which no body may show.
        self.cards: dict[str, Card] = {}
        self.endpoint_secrets: dict[str, list[tuple[str, float | None]]] = {}

    @property
    def now(self) -> int:
        return self.engine.moment.created

    @act
    def retrieve(self, kind: str, id: str) -> Object:
        """The object, as GET shows it. Raises ApiError 404."""
        return self.shown(self.find(kind, id))

    @act
    def listing(self, kind: str, params: dict[str, Any]) -> dict[str, Any]:
        """One page, newest first. Raises ApiError 400 for a cursor that is none."""
        matches = self._filter(kind, params)
        page = lists.page(self.tables[kind], f"/v1/{KINDS[kind][0]}", params, matches)
        return page | {"data": [self.shown(item) for item in page["data"]]}

    @act
    def account(self) -> Object:
        return account.account(self.engine.account_id, self.engine.opened_at)

    @act
    def balance(self) -> Object:
        """Sums of the books by currency: available, and still on the way."""
        sums: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for entry in self.tables["balance_transaction"]:
            part = sums[entry["available_on"] <= self.engine.wall]
            part[entry["currency"]] = part.get(entry["currency"], 0) + entry["net"]
        return account.balance(sums[True], sums[False], self.livemode)

    @act
    def events(self, types: tuple[str, ...] = ()) -> list[Object]:
        """All events, oldest first, those past thirty days included: for the world, not for the wire."""
        return [self.shown(event) for event in self.tables["event"] if not types or event["type"] in types]

    def find(self, kind: str, id: str, param: str = "id") -> Object:
        """The object itself, not a copy. Raises ApiError 404, or 400 where `param` says who asked for it."""
        item = self.tables[kind].get(id)
        if item is not None and not (kind == "event" and self._is_forgotten(item)):
            return item
        other = self.engine.mode("test" if self.livemode else "live")
        hint = ""
        if other.tables[kind].get(id) is not None:
            hint = (f"; a similar object exists in {other.mode} mode, but a {self.mode} mode key was used to make "
                    "this request.")
        raise errors.missing_object(kind, id, param="intent" if kind == "payment_intent" and param == "id" else param,
                                    hint=hint)

    def add(self, item: Object) -> Object:
        self.tables[item["object"]].add(item)
        return item

    def emit(self, type: str, item: Object, previous: dict[str, Any] | None = None, automatic: bool = False) -> None:
        """Store an event and have it carried to every endpoint that subscribed to its type."""
        moment, request = self.engine.moment, self.engine.request
        named = {"id": None if automatic else request.id,
                 "idempotency_key": None if automatic else request.idempotency_key}
        event = self.add(notice.event(self.ids.new("evt"), moment.created, self.livemode, type, item,
                                      api_version=self.engine.schema.api_version, request=named, previous=previous))
        deliveries = self.deliveries[event["id"]] = Deliveries()
        if moment.delivery == "none":
            return
        for endpoint in self.subscribers(type):
            deliveries.states[endpoint["id"]] = "delivered" if moment.delivery == "delivered" else "pending"
            if moment.delivery == "live":
                self.engine.courier.carry(self.mode, event["id"], endpoint["id"])

    def subscribers(self, type: str) -> list[Object]:
        """Enabled endpoints that want events of this type."""
        return [endpoint for endpoint in self.tables["webhook_endpoint"] if endpoint["status"] == "enabled"
                and ("*" in endpoint["enabled_events"] or type in endpoint["enabled_events"])]

    def shown(self, item: Object) -> Object:
        """The object with the fields that depend on the moment of reading."""
        if item["object"] == "event":
            return item | {"pending_webhooks": self.deliveries[item["id"]].open}
        if item["object"] == "balance_transaction":
            return item | {"status": "available" if item["available_on"] <= self.engine.wall else "pending"}
        return item

    def _filter(self, kind: str, params: dict[str, Any]) -> lists.Matches:
        if kind != "event":
            return lists.equal_filter(params)
        matches = lists.event_filter(params, lambda event: self.deliveries[event["id"]].open == 0)
        return lambda event: not self._is_forgotten(event) and matches(event)

    def _is_forgotten(self, event: Object) -> bool:
        return event["created"] < self.engine.wall - EVENT_READABLE_SECONDS
