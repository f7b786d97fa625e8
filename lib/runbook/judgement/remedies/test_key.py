"""Scenario E: keys of the wrong mode are exchanged together, in one plan; what was done with them goes to a person.

| what is seen                                        | cure                                    | undo             |
|-----------------------------------------------------|-----------------------------------------|------------------|
| a secret or publishable key of the wrong mode       | set it in the deployment, wherever it   | none: the old    |
|                                                     | stands, and deploy; the web part is     | key is the fault |
|                                                     | built again, as its page holds the key  |                  |
| the webhook secret beside them, which shows no mode | set it too, if one is at hand: it was   | the same         |
|                                                     | copied along; a delivery proves it      |                  |
| an order that was honoured without money            | work list: ask for payment, or cancel   | —                |
| real money taken where test keys belong             | work list: refund it                    | —                |

No row is ever changed: whether the goods have left, and what was agreed with the customer, stands in no table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runbook.facts import Row
from runbook.plan import Plan, WorkItem

NAME = "test_key_in_production"
NOTEBOOK = "14_scenario_e_test_mode"
WEBHOOK = "webhook_secret"
# The role of the new value, by what a configured key is called.
ROLES = {"secret key": "secret_key", "publishable key": "publishable_key"}


@dataclass(frozen=True)
class Case:
    """What is decided upon: configured keys (part, role, mode), the orders in question, and whether a webhook secret
    is at hand. `orders_unknown` says why the orders could not be told."""

    expected_mode: str
    keys: Sequence[Row]
    webhook_at_hand: bool
    orders: Sequence[Row] = ()
    orders_unknown: str = ""


def roles_to_replace(case: Case) -> tuple[str, ...]:
    """The secret key first, as it decides whether money is real; the webhook secret with whatever is wrong."""
    wrong = {ROLES[row["role"]] for row in case.keys
             if row["role"] in ROLES and row["mode"] and row["mode"] != case.expected_mode}  # fmt: skip
    named = tuple(role for role in ROLES.values() if role in wrong)
    return (*named, WEBHOOK) if named and case.webhook_at_hand else named


def with_orders(made: Plan, case: Case) -> Plan:
    """The plan for the keys, with what it leaves to a person and what a reader must know of it."""
    work = tuple(order_to_decide(row, case) for row in case.orders)
    return replace(made, work_list=work, promises=(*made.promises, *promises(made, case)) if made else made.promises)


def promises(made: Plan, case: Case) -> tuple[str, ...]:
    said = ["No row of the ledger is changed: each order in question is left to a person."]
    if any(step.new.get("role") == WEBHOOK for step in made.steps):
        said.append("A webhook secret shows no mode. It is exchanged because it was copied along with the keys; the "
                    "next event that Stripe delivers proves it.")  # fmt: skip
    elif not case.webhook_at_hand:
        said.append("The webhook secret stays, as no other is at hand. If it was copied along with the keys, the next "
                    "deliveries fail: go on in 11_scenario_b_webhook_signature.")  # fmt: skip
    if case.orders_unknown:
        said.append(f"Which orders are in question could not be told: {case.orders_unknown.rstrip('.')}.")
    return tuple(said)


def order_to_decide(row: Row, case: Case) -> WorkItem:
    user, order = row["user_id"] or "nobody named", row["order_key"] or row["row_id"]
    if case.expected_mode == "live":
        reason = "the order was honoured, and its payment exists in test mode alone: no money came"
        proposal = f"hold back what has not left; ask {user} to pay for {order}, or cancel it"
    else:
        reason = "it was really charged, where no real money belongs"
        proposal = f"refund {order} in full, and write to {user}"
    return WorkItem(row["intent_id"], reason, proposal, row["amount_minor"], row["currency"])
