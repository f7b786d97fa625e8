"""Payments and stored ids of the wrong mode: what was honoured without money, and what has to be cleaned up after.

The gateway's own key says of each id whether it lives in the other mode. What became of it there needs a key of that
mode: the target's `gateway.other_mode_read_key`, or, while the service still runs with one, the service's own secret
key, which is read by inspect and kept in memory only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from runbook.clock import Window
from runbook.errors import CannotLook, RunbookError
from runbook.evidence.gathering import gathered
from runbook.evidence.payments import window_intents
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import payments, questions, test_mode
from runbook.target import Gateway, Held

if TYPE_CHECKING:
    from runbook.wires.gateway import GatewayReader

# Ids that no list holds are asked for one by one. An hour of a mid-sized shop in the wrong mode has a tenth of this.
SINGLE_LOOKS_MAX = 1_000
# The newest customers of the other mode; those that a mistake has stored are the newest there are.
CUSTOMERS_MAX = 3_000
SERVICES_KEY = "the service's own key, in memory only"


@dataclass(frozen=True)
class OtherMode:
    """A reader of the other mode, whose key it has, and, where there is none, why."""

    reader: GatewayReader | None
    by: str


def other_mode(incident: Incident) -> OtherMode:
    """How the other mode can be looked at from here."""
    return incident.once("other mode", lambda: _other_mode(incident))


def _other_mode(incident: Incident) -> OtherMode:
    from runbook.wires.gateway import GatewayReader

    settings, wanted = incident.target.gateway, test_mode.other_mode(incident.target)
    if named := _named_reader(settings):
        return OtherMode(named, "gateway.other_mode_read_key")
    environment = readable(incident.containers.environment)
    found = "" if isinstance(environment, CannotLook) else environment.get(
        incident.target.deploy.variables.secret_key, "")  # fmt: skip
    if payments.describe_key(found)["mode"] == wanted:
        return OtherMode(GatewayReader(settings, Held("the container", found)), SERVICES_KEY)
    why = f"no key of {wanted} mode is at hand; name one in `gateway.other_mode_read_key`"
    return OtherMode(None, why)


def _named_reader(settings: Gateway) -> GatewayReader | None:
    """The reader that the target names. A variable that is not set is no reason to stop: another key may do."""
    from runbook.wires.gateway import GatewayReader

    if not settings.other_mode_read_key:
        return None
    try:
        return GatewayReader(settings, settings.other_mode_read_key)
    except RunbookError:
        return None


def other_mode_payments(incident: Incident) -> Evidence:
    """Which payments did the ledger begin that live in the other mode? In the window, and since."""
    mode = test_mode.other_mode(incident.target)
    question = f"Which payments of the ledger live in {mode} mode?"
    by_hand = f"stripe payment_intents retrieve ID, with a {mode} key; refused with a key of the right mode"
    seen: list[int] = []

    def read() -> list[Row]:
        rows = _rows(incident)
        seen.append(len(rows))
        return list(_of_the_other_mode(incident, rows, mode))

    found = gathered(incident, question, "gateway, ledger", read, by_hand, f"looked up with {other_mode(incident).by}")
    return replace(found, looked_at=seen[0] if seen else None)


def _rows(incident: Incident) -> list[Row]:
    text, until = questions.text("rows_until_now"), incident.clock.now() + timedelta(seconds=1)
    return list(incident.ledger.stream(text, start=incident.window.start, until=until))


def _of_the_other_mode(incident: Incident, rows: list[Row], mode: str) -> Iterator[Row]:
    """Rows that the expected mode does not list, each looked up; raises CannotLook where there are too many."""
    here = {each["id"] for each in until_now(incident)}
    unlisted = [row for row in rows if row["intent_id"] not in here]
    if not unlisted:
        return
    reader = other_mode(incident).reader
    there = _listed_there(incident, reader) if reader else {}
    for number, row in enumerate(unlisted):
        intent = there.get(row["intent_id"])
        if intent is None:
            if number >= SINGLE_LOOKS_MAX:
                raise CannotLook(f"More than {SINGLE_LOOKS_MAX:,} payments of the ledger are unknown to the gateway; "
                                 "go on in 20_reconciliation.")  # fmt: skip
            path = f"/v1/payment_intents/{row['intent_id']}"
            if incident.gateway.whereabouts(path) != "other mode":
                continue
            intent = reader.find(path) if reader else None
        yield test_mode.other_mode_payment(row, intent, mode)


def until_now(incident: Incident) -> list[Row]:
    """The expected mode's intents of the window, and those begun since."""
    later = Window(incident.window.end, incident.clock.now() + timedelta(seconds=1))
    return [*window_intents(incident, None), *incident.once("intents since", lambda: list(
        incident.gateway.intents(later)))]  # fmt: skip


def _listed_there(incident: Incident, reader: GatewayReader) -> dict[str, Any]:
    window = Window(incident.window.start, incident.clock.now() + timedelta(seconds=1))
    return {each["id"]: each for each in islice(reader.intents(window), CUSTOMERS_MAX)}


def honoured_orders(incident: Incident, others: Evidence) -> Evidence:
    """Which orders were honoured without real money; or, where test keys belong, which were really charged?"""
    live = incident.target.gateway.expected_mode == "live"
    question = "Which orders were honoured without real money?" if live else "Which payments took real money?"
    if others.readable and not live and any(row["at Stripe"] == "cannot tell" for row in others.rows):
        return replace(others, question=question, rows=(), unreadable=other_mode(incident).by)
    return replace(others, question=question, rows=test_mode.orders(others.rows, incident.target))


def honoured_by_user(incident: Incident, orders: Evidence) -> Evidence:
    """The same by user and currency."""
    return replace(orders, question="Whose orders are they, and what is their sum?",
                   rows=test_mode.by_user(orders.rows), note="")  # fmt: skip


def stored_ids(incident: Incident, others: Evidence) -> Evidence:
    """How many ids does our database hold that exist in the other mode only? They stay behind when the keys are right:
    a customer stored so cannot pay until a customer of the right mode takes its place."""
    mode = test_mode.other_mode(incident.target)
    question = f"Which stored ids exist in {mode} mode only?"

    def read() -> list[Row]:
        intents = {"stored as": "payment intents", "in": incident.target.ledger.table, "ids": len(others)}
        users = incident.target.ledger.users
        if users is None or not users.customer:
            return [intents]
        stored = _customers_stored(incident, others)
        return [intents, {"stored as": "customers", "in": users.table, "ids": len(stored)}]

    if not others.readable:
        return replace(others, question=question, rows=())
    reader = other_mode(incident).reader
    note = "" if reader else f"customers: of those who began a payment in it only, since {other_mode(incident).by}"
    return gathered(incident, question, "gateway, ledger", read, "psql: users_of_customers.sql", note)


def _customers_stored(incident: Incident, others: Evidence) -> list[str]:
    """Users whose stored customer lives in the other mode."""
    reader = other_mode(incident).reader
    if reader is not None:
        listed = [each["id"] for each in islice(reader.every("/v1/customers"), CUSTOMERS_MAX)]
        return [row["user_id"] for row in incident.ledger.ask(questions.text("users_of_customers"), customers=listed)]
    users = sorted({row["user_id"] for row in others.rows if row["user_id"]})
    known = incident.ledger.ask(questions.text("known_users"), users=users) if users else []
    looked_up = {
        row["user_id"]: incident.gateway.whereabouts(f"/v1/customers/{row['customer']}")
        for row in known[:SINGLE_LOOKS_MAX]
        if row["customer"]
    }
    return [user for user, place in looked_up.items() if place == "other mode"]


def funds_declines(incident: Incident, others: Evidence) -> Evidence:
    """Declines for insufficient funds: whose word are they?"""
    live = incident.target.gateway.expected_mode == "live"

    def read() -> tuple[Row, ...]:
        return test_mode.declines_for_funds(until_now(incident), others.rows, live)

    question = "Who says that funds are insufficient: a bank, or a test card?"
    if not others.readable:
        return replace(others, question=question, rows=())
    return gathered(incident, question, "gateway", read, "stripe payment_intents list --limit 100, page by page")
