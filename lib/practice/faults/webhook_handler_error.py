"""The webhook handler fails for a reason of its own. The pager says: customers paid and got nothing.

exception      the handler stumbles over a field that is not there and answers 500; Stripe will come again
hanging        it waits for a partner who never answers; nothing is logged after `received`, and Stripe gives up waiting
answers_first  it answers 200 and stumbles afterwards: Stripe calls the event delivered
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import Affected, Fault, Truth
from practice.faults.laying import begin, stretch
from practice.traffic.history import WEBHOOK, History
from practice.traffic.plan import Purchase
from practice.wires.service import says

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "webhook_handler_error"
STOPS = "It goes on until the release is rolled back."
VARIANTS = ("exception", "hanging", "answers_first")
BAD_VERSION = "2026.11.4"
KIND = "payment_intent.succeeded"
# When Stripe comes again, in seconds after the first time.
RETRIES_AFTER = (0.0, 64.0, 720.0)
ERROR = "'NoneType' object has no attribute 'country'"
FRAMES = [("invoice_of", "invoices.py"), ("succeeded", "settle.py"), ("record_once", "releases.py"),
          ("record", "webhooks.py")]


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Checkout goes well all the time; what is paid since the release is not recorded."""
    random = Random(f"{CAUSE} {variant} {seed}")
    when = stretch(world, random)
    history = begin(world, when.began)
    history.records.append(says.started(when.began, BAD_VERSION))
    affected = [_unrecorded(history, variant, made, when.ended) for made in when.purchases(world, random)]
    world.add(history)
    world.backdate_start(when.began)
    return Truth(CAUSE, variant, seed, when.began, when.ended, STOPS, tuple(affected))


def _unrecorded(history: History, variant: str, made: Purchase, now: float) -> Affected:
    row = history.check_out(made)
    event = history.pay(made, row.intent, "delivered" if variant == "answers_first" else "pending")
    heard = history.heard_at(made)
    for at in (heard + after for after in RETRIES_AFTER[: 1 if variant == "answers_first" else None]):
        if at < now:
            _attempt(history, variant, event, row.intent, at)
    return Affected(row.intent, event, str(made.transaction), made.order, made.person.user_id, made.amount,
                    made.currency, variant, "work_list", made.at + made.paid_after)


def _attempt(history: History, variant: str, event: str, intent: str, at: float) -> None:
    history.records.append(says.webhook_received(at, event, KIND))
    if variant == "hanging":
        return
    stack = says.stack("AttributeError", "", [ERROR], FRAMES)
    failed = says.webhook_failed(at + 0.012, event, intent, ERROR, "", stack)
    if variant == "answers_first":
        history.records += (says.access(at + 0.002, "POST", WEBHOOK, 200, 2), failed)
    else:
        history.records += (failed, says.access(at + 0.014, "POST", WEBHOOK, 500, 14))


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
