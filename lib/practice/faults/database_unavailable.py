"""The service cannot reach its database. The pager says: the shop is down.

pool_exhausted      every connection is taken and none comes back; requests wait five seconds in vain
connection_refused  nobody listens at the database's address any more
too_many_clients    the database takes no more connections: other programs have them all

Health answers 503 in all three. What was paid in the first minute is not recorded; then nobody can check out. The
responder reads the ledger from a replica, which is well.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Affected, Face, Fault, Truth
from practice.faults.laying import begin, stretch
from practice.traffic.history import CHECKOUT, WEBHOOK, History
from practice.traffic.plan import Purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "database_unavailable"
STOPS = "It goes on until the database has connections for the service again."
KIND = "payment_intent.succeeded"
RETRIES_AFTER = (0.0, 64.0, 720.0)
# Of the customers who come, one in so many had checked out just before.
PAID_EVERY = 6
SERVER = 'connection to server at "10.0.3.7", port 5432 failed: '
# What the driver says, what Postgres' code is where it comes so far, and how long it takes (milliseconds).
SAID = {
    "pool_exhausted": ("PoolTimeout", "couldn't get a connection after 5.00 sec", 5003),
    "connection_refused": ("OperationalError", f"{SERVER}Connection refused", 11),
    "too_many_clients": ("OperationalError", f"{SERVER}FATAL:  sorry, too many clients already", 14),
}


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    random = Random(f"{CAUSE} {variant} {seed}")
    when = stretch(world, random)
    history = begin(world, when.began)
    affected = []
    for number, made in enumerate(when.purchases(world, random)):
        if number % PAID_EVERY == 0:
            before = replace(made, at=when.began - random.uniform(5, 80), paid_after=random.uniform(90, 240))
            affected.append(_unrecorded(history, variant, before, when.ended))
        else:
            _turned_away(history, variant, made)
    world.add(history)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, tuple(affected), face=Face(health=503))


def _turned_away(history: History, variant: str, made: Purchase) -> None:
    """The first thing that a checkout needs is its customer's row."""
    kind, error, ms = SAID[variant]
    stack = says.stack(kind, "", [error], [("create_intent", "payments.py")])
    history.records += (
        says.request_failed(made.at + ms / 1000, "POST", CHECKOUT, error, "", stack),
        says.access(made.at + ms / 1000 + 0.001, "POST", CHECKOUT, 500, ms + 1),
    )


def _unrecorded(history: History, variant: str, made: Purchase, now: float) -> Affected:
    """Checked out while there still was a connection; when Stripe told of the money there was none."""
    kind, error, ms = SAID[variant]
    row = history.check_out(made)
    event, heard = history.pay(made, row.intent, "pending"), history.heard_at(made)
    stack = says.stack(kind, "", [error], [("record_once", "releases.py"), ("record", "webhooks.py")])
    for at in (heard + after for after in RETRIES_AFTER):
        if at + ms / 1000 < now:
            history.records += (
                says.webhook_received(at, event, KIND),
                says.webhook_failed(at + ms / 1000, event, row.intent, error, "", stack),
                says.access(at + ms / 1000 + 0.001, "POST", WEBHOOK, 500, ms + 1),
            )
    return Affected(row.intent, event, str(made.transaction), made.order, made.person.user_id, made.amount,
                    made.currency, variant, "work_list", made.at + made.paid_after)


FAULT = Fault(CAUSE, tuple(SAID), STOPS, inject)
