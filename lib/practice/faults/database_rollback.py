"""Stripe has the money; the ledger does not: the transaction that should record it was rolled back.

A release with four mistakes was on the air for about an hour and a half.

variant                mechanism                              evidence                              cure         undo
---------------------  -------------------------------------  ------------------------------------  -----------  ------
unique_violation       the handler inserts a second row for   23505 in the log, answer 500; row     redeliver    none
                       the intent instead of updating the     PENDING; event unclaimed, and
                       first                                  undelivered
connection_timeout     answers 200 first, then idles in an    25P03 in the log after the 200; row   redeliver    none
                       open transaction until the role's      PENDING; event unclaimed, though
                       time-out ends the connection           Stripe counts it as delivered
foreign_key_violation  a clean-up deletes new users in the    23503 in the log, answer 500; no      work list:   none
                       middle of their first purchase; the    row and no user; event unclaimed,     propose a    needed
                       PENDING row goes with them             and undelivered                       refund
crash_before_commit    the event is claimed in a transaction  a restart in the log, then "is a      settle the   the old
                       of its own and the process dies        duplicate, skipped"; row PENDING;     row          row,
                       before the second; Stripe's retry is   claim without processedAt; event                   under
                       taken for a duplicate                  delivered: redelivery is no use                    guard
mixed                  all four, each a share

A redelivered event that would be undone has already sent its mail and begun the order, so its undo is a refund, which
is a new decision and not an undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults import database_rollback_live
from practice.faults.database_rollback_live import CURES
from practice.faults.fault import Affected, Fault, Truth, scaled
from practice.traffic.history import WEBHOOK, History, Laid
from practice.traffic.people import person
from practice.traffic.plan import MINUTE, Plan, Purchase, purchase
from practice.wires.service import says
from practice.wires.service.ledger import instant
from practice.wires.service.records import Record

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "database_rollback"
BAD_VERSION, GOOD_VERSION = "2026.11.4", "2026.11.3"
STOPS = ("The bad release was rolled back six minutes before the page; what is paid from then on is recorded, what was "
         "broken before stays broken until it is repaired.")

# When the release was on the air, in seconds before now, and how much of the damage is younger than half an hour:
# under that, a responder cannot yet call a payment stuck.
BEGAN_AGO, STOPPED_AGO = 100 * MINUTE, 6 * MINUTE
YOUNG_AGO, YOUNG_PERCENT = 31 * MINUTE, 15
# The broken releases really run, by clocks that are set back so far: their damage is old enough to be repaired.
REALLY_AGO = 44 * MINUTE
# Of 2,000 payments a day about 60 break: well above the ten that make an incident system-wide.
BROKEN_PERMILLE, BROKEN_MIN = 30, 16
BROKEN_LEAST = 3  # in a mild case

SHARES = {"unique_violation": 40, "connection_timeout": 25, "crash_before_commit": 20, "foreign_key_violation": 15}
VARIANTS = ("mixed", *CURES)

# Stripe comes again after about a minute and about twelve; after that not within the hour. What would fall into the
# healthy minutes since the roll-back comes later still, or the payment would have cured itself.
RETRIES_AFTER = (64.0, 12 * MINUTE)
# How long the process is away after a crash: Docker's pause, then Python's start.
RESTART_SECONDS = 2.1


@dataclass(frozen=True, slots=True)
class Failure:
    """What Postgres and the driver say, with the frames of the handler, innermost first."""

    kind: str
    code: str
    lines: tuple[str, ...]
    frames: tuple[tuple[str, str], ...]


def failure(variant: str, intent: str, user_id: str) -> Failure:
    """The error of a variant as the real release gets it from the real Postgres; a test compares the two."""
    if variant == "unique_violation":
        return Failure("UniqueViolation", "23505", (
            'duplicate key value violates unique constraint "Transaction_stripePaymentIntentId_key"',
            f'DETAIL:  Key ("stripePaymentIntentId")=({intent}) already exists.',
        ), (("add_payment", "ledger.py"), ("record_by_insert", "releases.py"), ("record", "webhooks.py")))
    if variant == "connection_timeout":
        return Failure("IdleInTransactionSessionTimeout", "25P03", (
            "terminating connection due to idle-in-transaction timeout",
        ), (("mark_processed", "ledger.py"), ("record_around_slow_step", "releases.py"), ("record", "webhooks.py")))
    return Failure("ForeignKeyViolation", "23503", (
        'insert or update on table "Transaction" violates foreign key constraint "Transaction_userId_fkey"',
        f'DETAIL:  Key (userId)=({user_id}) is not present in table "User".',
    ), (("add_payment", "ledger.py"), ("succeeded", "settle.py"), ("record_once", "releases.py"),
        ("record", "webhooks.py")))


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Lay the damage of the last hundred minutes; with `live`, let each broken release really run for a moment too."""
    now = world.now()
    history = History(world.gateway.engine, wallets=dict(world.history.wallets))
    began, stopped = now - BEGAN_AGO, now - STOPPED_AGO
    history.records += [says.started(began, BAD_VERSION), says.started(stopped, GOOD_VERSION)]
    broken = damage(world.plan, variant, seed, now, lambda count: scaled(world, count, BROKEN_LEAST))
    affected = [_break(history, which, made, stopped) for which, made in broken]
    world.add(history)
    if live:
        with world.held(), world.earlier(REALLY_AGO, BAD_VERSION):
            affected += database_rollback_live.break_payments(world, _parts(variant), seed)
    world.backdate_start(stopped)
    return Truth(CAUSE, variant, seed, began, stopped, STOPS, tuple(affected))


def damage(
    plan: Plan, variant: str, seed: int, now: float, scale: Callable[[int], int] = int
) -> Iterator[tuple[str, Purchase]]:
    """Which purchases break, and how; in the order of their checkouts. `scale` makes a smaller number of them."""
    random = Random(f"{CAUSE} {variant} {seed}")
    count = max(BROKEN_MIN, round(len(plan.purchases) * BROKEN_PERMILLE / 1000) + random.randint(-3, 6))
    count = scale(count)
    parts = _parts(variant)
    dealt = [part for part in parts for _ in range(max(1, count * SHARES[part] // sum(SHARES[p] for p in parts)))]
    random.shuffle(dealt)
    young = set(random.sample(range(len(dealt)), len(dealt) * YOUNG_PERCENT // 100))
    times = sorted(
        now - (random.uniform(STOPPED_AGO + 4 * MINUTE, YOUNG_AGO) if number in young
               else random.uniform(YOUNG_AGO, BEGAN_AGO - MINUTE))
        for number in range(len(dealt))
    )
    for number, (which, at) in enumerate(zip(dealt, times, strict=True)):
        who = random.choice(plan.people)
        if which == "foreign_key_violation":
            who = person(random, len(plan.people) + 1 + number, at - random.uniform(90, 600))
        made = purchase(random, who, at, "paid")
        yield which, replace(made, paid_after=min(made.paid_after, 3 * MINUTE))


def _parts(variant: str) -> tuple[str, ...]:
    return tuple(CURES) if variant == "mixed" else (variant,)


def _break(history: History, variant: str, made: Purchase, stopped: float) -> Affected:
    """One purchase that Stripe took the money for and the ledger lost."""
    if variant == "foreign_key_violation":
        _sign_up(history, made)
    row = history.check_out(made)
    delivered = variant in ("connection_timeout", "crash_before_commit")
    event = history.pay(made, row.intent, "delivered" if delivered else "pending")
    heard, ms = history.heard_at(made), made.record_ms
    if variant == "foreign_key_violation":
        history.rows.remove(row)
    if variant == "connection_timeout":
        history.records += _answered_too_early(variant, made, event, row.intent, heard)
    elif variant == "crash_before_commit":
        history.records += _crashed(event, heard)
        history.webhook_events.append((event, "payment_intent.succeeded", instant(heard + 0.001), None))
    else:
        attempts = (heard, *(heard + after for after in RETRIES_AFTER))
        for at in attempts:
            if at < stopped - 1:
                history.records += _refused(variant, made, event, row.intent, at, ms)
    laid = Laid(made, row.intent, event)
    history.laid.append(laid)
    return truth_of(laid, variant)


def truth_of(laid: Laid, variant: str) -> Affected:
    made = laid.purchase
    return Affected(
        laid.intent, laid.event, str(made.transaction), made.order, made.person.user_id, made.amount, made.currency,
        variant, CURES[variant], made.at + made.paid_after,
    )


def _sign_up(history: History, made: Purchase) -> None:
    """A first purchase begins with an account; the clean-up will take it away again."""
    history.register(made.person, forgotten=True)
    at = made.person.registered_at
    request = "req_" + f"{made.transaction.int:x}"[:14]
    history.records += (
        says.stripe_call(at + 0.11, "POST", "/v1/customers", 200, 104, request),
        says.access(at + 0.118, "POST", "/api/customers", 201, 118),
    )


def _failed(variant: str, made: Purchase, event: str, intent: str, at: float) -> Record:
    what = failure(variant, intent, made.person.user_id)
    stack = says.stack(what.kind, what.code, list(what.lines), list(what.frames))
    return says.webhook_failed(at, event, intent, what.lines[0], what.code, stack)


def _refused(variant: str, made: Purchase, event: str, intent: str, at: float, ms: int) -> tuple[Record, ...]:
    return (
        says.webhook_received(at, event, "payment_intent.succeeded"),
        _failed(variant, made, event, intent, at + 0.005),
        says.access(at + 0.007 + ms / 10_000, "POST", WEBHOOK, 500, 7 + ms // 10),
    )


def _answered_too_early(variant: str, made: Purchase, event: str, intent: str, at: float) -> tuple[Record, ...]:
    return (
        says.webhook_received(at, event, "payment_intent.succeeded"),
        says.access(at + 0.002, "POST", WEBHOOK, 200, 2),
        _failed(variant, made, event, intent, at + 2.012),
    )


def _crashed(event: str, at: float) -> tuple[Record, ...]:
    again = at + RETRIES_AFTER[0]
    return (
        says.webhook_received(at, event, "payment_intent.succeeded"),
        says.started(at + RESTART_SECONDS, BAD_VERSION),
        says.webhook_received(again, event, "payment_intent.succeeded"),
        says.webhook_duplicate(again + 0.002, event),
        says.access(again + 0.003, "POST", WEBHOOK, 200, 3),
    )


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
