"""The state behind the gateway: one engine, a machine per key mode, one lock, one clock."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from .disputes import Disputes
from .endpoints import Endpoints
from .ids import Ids
from .payments import Payments
from .payouts import Payouts
from .refunds import Refunds
from .schema import StripeSchema, shared

Delivery = Literal["live", "delivered", "pending", "none"]


@dataclass(frozen=True)
class Moment:
    """When an act happens and what becomes of its events."""

    created: int
    delivery: Delivery


@dataclass(frozen=True)
class Request:
    """The API request that an act answers, as events name it. Both None: Stripe acted of its own accord."""

    id: str | None
    idempotency_key: str | None


@dataclass
class Slot:
    """The request that a thread's act belongs to, once somebody asked."""

    request: Request | None = None


class Courier(Protocol):
    """Who carries events to endpoints."""

    def carry(self, mode: str, event_id: str, endpoint_id: str, *, once: bool = False) -> None:
        """Have an event delivered; `once` without a second try."""

    def wall_time(self) -> float:
        """Unix seconds by which signatures are dated."""


class ModeEngine(Payments, Refunds, Disputes, Payouts, Endpoints):
    """Everything that lives in one key mode. Methods take typed parameters and return bodies as the API sends them."""


class Engine:
    """Both modes. Methods of a mode may be called from any thread.

    `clock` gives unix seconds and dates new objects. `account` is the account's id.
    """

    def __init__(self, seed: int, clock: Callable[[], float], account: str, courier: Courier,
                 schema: StripeSchema | None = None) -> None:
        self.schema = schema or shared()
        self.lock = threading.RLock()
        self.account_id = account
        self.courier = courier
        self.opened_at = int(clock())
        self._clock = clock
        self._ids = Ids(seed, "requests")
        self._local = threading.local()
        self._modes = {mode: ModeEngine(self, mode, Ids(seed, mode)) for mode in ("live", "test")}

    def mode(self, name: str) -> ModeEngine:
        """The machine of `live` or `test`."""
        return self._modes[name]

    @contextmanager
    def at(self, created: float, delivery: Delivery = "delivered") -> Iterator[None]:
        """Acts of this thread inside the block happen at `created`; their events are stored in the given state of
        delivery and not sent. `none` means that no endpoint was subscribed at the time."""
        before = getattr(self._local, "moment", None)
        self._local.moment = Moment(int(created), delivery)
        try:
            yield
        finally:
            self._local.moment = before

    @contextmanager
    def answering(self, request: Request | None = None) -> Iterator[None]:
        """Events that come of this thread's acts inside the block name one request: `request`, or what an outer
        block named, or a new one as if a client had called. The lock is held meanwhile."""
        with self.lock:
            outer = getattr(self._local, "slot", None)
            self._local.slot = Slot(request) if request else outer or Slot()
            try:
                yield
            finally:
                self._local.slot = outer

    @property
    def moment(self) -> Moment:
        return getattr(self._local, "moment", None) or Moment(int(self._clock()), "live")

    @property
    def wall(self) -> int:
        """The clock's now, whatever `at` says: what is readable, settled or too old is judged by it."""
        return int(self._clock())

    @property
    def request(self) -> Request:
        """The request being answered; made up on first use, for reading must not use up ids."""
        slot = self._local.slot
        if slot.request is None:
            slot.request = Request(self.new_request_id(), self._new_key())
        return slot.request

    def new_request_id(self) -> str:
        with self.lock:
            return self._ids.new("req")

    def _new_key(self) -> str:
        with self.lock:
            return str(UUID(bytes=self._ids.new("key")[4:20].encode(), version=4))
