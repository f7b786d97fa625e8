"""How a release of the service takes in and records a webhook: the healthy one, and those that shipped a mistake.

A release gets the connection pool and the event and answers what it settled, or None for a duplicate.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from psycopg_pool import ConnectionPool

from practice.wires.service import ledger
from practice.wires.service.control import Control
from practice.wires.service.settle import EFFECTS, Settled

Event = dict[str, Any]

# The shop's database ends transactions that sit idle for 1.5 s (idle_in_transaction_session_timeout of the role);
# the slow step must outlast that by a margin that a busy machine cannot eat.
SLOW_STEP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Release:
    """`answers_first`: Stripe gets its 200 before the work is done. `cleans_up`: runs the account clean-up after each
    checkout. `verifies`: the signature over the body as it came, over the body parsed and written again, or not at
    all."""

    record: Callable[[ConnectionPool, Control, Event], Settled | None]
    answers_first: bool = False
    cleans_up: bool = False
    verifies: Literal["as it came", "parsed", "nothing"] = "as it came"


def record_once(pool: ConnectionPool, control: Control, event: Event) -> Settled | None:
    """Claim, settle and stamp in one transaction: all of it happens, or Stripe is told to come again."""
    with pool.connection() as conn:
        if not ledger.claim(conn, event["id"], event["type"], control.now()):
            return None
        settled = EFFECTS[event["type"]](conn, event["data"]["object"], control.now())
        ledger.mark_processed(conn, event["id"], control.now())
        return settled


def record_by_insert(pool: ConnectionPool, control: Control, event: Event) -> Settled | None:
    """The mistake: a success inserts its row, though checkout already made one for the same intent."""
    if event["type"] != "payment_intent.succeeded":
        return record_once(pool, control, event)
    intent = event["data"]["object"]
    with pool.connection() as conn:
        if not ledger.claim(conn, event["id"], event["type"], control.now()):
            return None
        row = ledger.add_payment(
            conn, control.new_id(), intent["metadata"]["userId"], intent["id"], intent["amount"],
            intent["currency"], intent["metadata"].get("orderId"), "COMPLETED", control.now(),
        )
        ledger.mark_processed(conn, event["id"], control.now())
        return Settled(intent["id"], to_confirm=row)


def record_around_slow_step(pool: ConnectionPool, control: Control, event: Event) -> Settled | None:
    """The mistake: the transaction stays open while something slow (an invoice, a fraud check) is waited for."""
    if event["type"] != "payment_intent.succeeded":
        return record_once(pool, control, event)
    with pool.connection() as conn:
        if not ledger.claim(conn, event["id"], event["type"], control.now()):
            return None
        settled = EFFECTS[event["type"]](conn, event["data"]["object"], control.now())
        time.sleep(SLOW_STEP_SECONDS)
        ledger.mark_processed(conn, event["id"], control.now())
        return settled


def record_in_two_steps(pool: ConnectionPool, control: Control, event: Event) -> Settled | None:
    """The mistake: the claim has a transaction of its own, and the process dies (out of memory) before the second."""
    if event["type"] != "payment_intent.succeeded":
        return record_once(pool, control, event)
    with pool.connection() as conn:
        if not ledger.claim(conn, event["id"], event["type"], control.now()):
            return None
    with pool.connection() as conn:
        EFFECTS[event["type"]](conn, event["data"]["object"], control.now())
        sys.stdout.flush()
        os._exit(137)


RELEASES: dict[str, Release] = {
    "healthy": Release(record_once),
    "unique_violation": Release(record_by_insert),
    "connection_timeout": Release(record_around_slow_step, answers_first=True),
    "foreign_key_violation": Release(record_once, cleans_up=True),
    "crash_before_commit": Release(record_in_two_steps),
    "parsed_body": Release(record_once, verifies="parsed"),
    "checks_off": Release(record_once, verifies="nothing"),
}
