"""Steps that make a test payment: through the service, over Stripe, back by webhook, into the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.facts import Row
from runbook.judgement import questions
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.repair.context import Context


def make(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    return [make_one(context, step) for step in steps]


def make_one(context: Context, step: Step) -> Outcome:
    """Pay once for the step's order; an order that was begun is gone on with, never begun again."""
    row = row_of(context, step)
    if row and row["status"] == step.new["status"]:
        return AlreadyDone(step.key, "the order is paid and recorded")
    intent = row["intent_id"] if row else begin(context, step)
    context.gateway.confirm(intent, step.new["payment_method"], step.key)
    context.wait_until(lambda: is_completed(context, step))
    if is_completed(context, step):
        return Applied(step.key, f"{intent} was paid, delivered and recorded")
    return Withheld(step.key, f"{intent} was paid, and its row was not completed in time")


def begin(context: Context, step: Step) -> str:
    """A customer and an intent for the order, as the shop's own checkout makes them."""
    customer = context.service.create_customer(f"{step.object_id}@example.com", "Runbook test payment")
    created = context.service.create_intent(customer["userId"], step.amount_minor, step.currency, step.object_id)
    return created["paymentIntentId"]


def row_of(context: Context, step: Step) -> Row | None:
    found = context.incident.ledger.ask(questions.text("rows_of_order"), order=step.object_id)
    return found[-1] if found else None


def is_completed(context: Context, step: Step) -> bool:
    row = row_of(context, step)
    return bool(row) and row["status"] == step.new["status"]
