"""What goes wrong on every good day: single failures that mend themselves, and nobody's incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Literal

from practice.traffic.history import CHECKOUT, WEBHOOK, History
from practice.traffic.plan import DECLINES, MINUTE, Purchase, purchase
from practice.wires.service import says
from practice.wires.service.settings import VERSION

if TYPE_CHECKING:
    from practice.world import World

HOUR_SECONDS = 3600.0

Level = Literal["quiet", "some", "heavy"]
LEVELS: tuple[Level, ...] = ("quiet", "some", "heavy")
# Of the eight below, how many a day has.
COUNTS: dict[Level, int] = {"quiet": 0, "some": 3, "heavy": 8}
# A stray refusal for each so many calls: no more is stray any longer.
CALLS_PER_STRAY = 250
# Noise is older than any fault, which begins two hours ago at the most, so that neither gets into the other's way.
YOUNGEST_AGO, OLDEST_AGO = 3 * HOUR_SECONDS, 22 * HOUR_SECONDS
LOST = "consuming input failed: server closed the connection unexpectedly"
UNSIGNED = "Unable to extract timestamp and signatures from header"


def lay_noise(world: World, level: Level, seed: int) -> tuple[str, ...]:
    """Lay so much noise into the day, and return the names of what there is."""
    random = Random(f"noise {seed}")
    chosen = random.sample(list(KINDS), COUNTS[level])
    history = History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)
    for name in chosen:
        KINDS[name](world, history, random)
    world.add(history)
    return tuple(sorted(chosen))


def _some_time(world: World, random: Random) -> float:
    return world.now() - random.uniform(YOUNGEST_AGO, OLDEST_AGO)


def _bought(world: World, random: Random, at: float) -> Purchase:
    return purchase(random, random.choice(world.plan.people), at, "paid")


def stray_limits(world: World, history: History, random: Random) -> None:
    """A call or two is refused for its rate; the customer presses the button again and pays."""
    for _ in range(min(3, len(world.plan.purchases) // CALLS_PER_STRAY)):
        at = _some_time(world, random)
        history.records += (
            says.stripe_refusal(at, "POST", "/v1/payment_intents", 429, 62, f"req_{random.getrandbits(56):014x}",
                                kind="RateLimitError", error_type="rate_limit_error", code="lock_timeout",
                                decline_code="", message="This object cannot be accessed right now."),
            says.access(at + 0.004, "POST", CHECKOUT, 502, 71),
        )
        history.lay(_bought(world, random, at + 9))


def stray_request(world: World, history: History, random: Random) -> None:
    """One customer's record at Stripe was deleted by hand."""
    if len(world.plan.purchases) < CALLS_PER_STRAY:
        return
    at = _some_time(world, random)
    history.records += (
        says.stripe_refusal(at, "POST", "/v1/payment_intents", 400, 88, f"req_{random.getrandbits(56):014x}",
                            kind="InvalidRequestError", error_type="invalid_request_error", code="resource_missing",
                            decline_code="", message=f"No such customer: 'cus_{random.getrandbits(52):013x}'"),
        says.access(at + 0.004, "POST", CHECKOUT, 502, 97),
    )


def declines(world: World, history: History, random: Random) -> None:
    """Half an hour in which a bank says no more often than usual."""
    began = _some_time(world, random)
    reason = random.choice(list(DECLINES))
    for _ in range(max(3, len(world.plan.purchases) // 20)):
        made = purchase(random, random.choice(world.plan.people), began + random.uniform(0, 30 * MINUTE), "declined")
        history.lay(replace(made, decline_code=reason))


def lost_connections(world: World, history: History, random: Random) -> None:
    """The pool hands out a connection that is dead; the next request has a good one."""
    for _ in range(random.randint(1, 2)):
        at, path = _some_time(world, random), f"/api/payments/{random.getrandbits(32):08x}"
        stack = says.stack("OperationalError", "", [LOST], [("payment", "ledger.py"), ("look_up", "payments.py")])
        history.records += (
            says.request_failed(at, "GET", path, LOST, "", stack), says.access(at + 0.003, "GET", path, 500, 8),
        )


def slow_hour(world: World, history: History, random: Random) -> None:
    """Everything works, and takes its time."""
    began = _some_time(world, random)
    for _ in range(max(4, len(world.plan.purchases) // 40)):
        made = _bought(world, random, began + random.uniform(0, HOUR_SECONDS))
        history.lay(replace(made, create_ms=made.create_ms * 12, record_ms=made.record_ms * 12))


def restart(world: World, history: History, random: Random) -> None:
    """A deployment in a moment when nothing is in hand."""
    times = sorted(record.at for record in [*world.history.records, *history.records])
    first, last = world.now() - OLDEST_AGO, world.now() - YOUNGEST_AGO
    gaps = [(later - at, at) for at, later in pairwise(times) if first < at < last]
    widest = sorted(gaps)[-5:] or [(0.0, first)]
    length, at = random.choice(widest)
    history.records.append(says.started(at + length * 0.7, VERSION))


def second_try(world: World, history: History, random: Random) -> None:
    """A webhook fails once; Stripe comes again a minute later, and it is recorded."""
    made = _bought(world, random, _some_time(world, random))
    row = history.check_out(made)
    event, heard = history.pay(made, row.intent, "delivered"), history.heard_at(made)
    stack = says.stack("OperationalError", "", [LOST], [("claim", "ledger.py"), ("record", "webhooks.py")])
    history.records += (
        says.webhook_received(heard, event, "payment_intent.succeeded"),
        says.webhook_failed(heard + 0.004, event, row.intent, LOST, "", stack),
        says.access(heard + 0.006, "POST", WEBHOOK, 500, 6),
    )
    history.hear(event, "payment_intent.succeeded", row.intent, heard + 64, made.record_ms)
    row.status, row.updated_at, row.confirmed_at = "COMPLETED", heard + 64.004, heard + 64.03
    history.records.append(says.mail_sent(row.confirmed_at, row.intent))


def scanners(world: World, history: History, random: Random) -> None:
    """Somebody on the internet tries whether the webhook route is open."""
    for _ in range(random.randint(1, 3)):
        at = _some_time(world, random)
        history.records += (says.signature_refused(at, UNSIGNED), says.access(at + 0.001, "POST", WEBHOOK, 400, 1))


KINDS: dict[str, Callable[[World, History, Random], None]] = {
    each.__name__: each
    for each in (stray_limits, stray_request, declines, lost_connections, slow_hour, restart, second_try, scanners)
}
