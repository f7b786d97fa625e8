"""What was logged at once, and what it says of requests and events. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec


class Request(NamedTuple):
    """An HTTP exchange as logged; `status` 0 means that no answer came."""

    method: str
    path: str
    status: int
    milliseconds: int | None


class Webhook(NamedTuple):
    """What became of an event of Stripe's; `intent_id` may be empty."""

    event_id: str
    intent_id: str
    state: Literal["received", "processed", "failed", "duplicate"]


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """`level` is debug, info, warn, error, fatal or empty; `at` is the engine's time, since half of all services stamp
    their lines in a local time without saying which."""

    at: datetime
    level: str
    logger: str
    message: str
    fields: dict[str, Any]
    stack: str
    stream: str
    container: str
    exchange: Request | None = None
    to_stripe: bool = False  # the exchange is a call of the service to Stripe
    event: Webhook | None = None
    crash: bool = False  # a start that follows unfinished work; see log_crashes
