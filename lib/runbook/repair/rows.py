"""Steps that change the ledger's rows, each under the guard of its old image, with its audit row beside it."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.errors import CannotLook
from runbook.facts import Row
from runbook.incident import readable
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.repair.context import Context
from runbook.wires.ledger import RowChange

OUTCOMES = {"applied": Applied, "already done": AlreadyDone, "withheld": Withheld}


def create_audit(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    """The audit schema and table, unless they are there."""
    there = context.ledger.has_audit()
    if not there:
        context.ledger.create_audit()
    return [(AlreadyDone if there else Applied)(step.key) for step in steps]


def update(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    """One batch in one transaction. The live payment is read again first: money given back since is not settled."""
    doubts = {step.key: moved_at_gateway(context, step) for step in steps}
    sound = [step for step in steps if not doubts[step.key]]
    changes = [RowChange(step.key, step.object_id, dict(step.old), dict(step.new)) for step in sound]
    audit = context.incident.target.ledger.audit == "schema"
    results = context.ledger.apply(changes, context.plan, context.who, context.incident.clock.now(), audit)
    outcomes = {step.key: OUTCOMES[word](step.key, detail) for step, (word, detail) in zip(sound, results, strict=True)}
    return [outcomes.get(step.key) or Withheld(step.key, doubts[step.key]) for step in steps]


def moved_at_gateway(context: Context, step: Step) -> str:
    """Why the payment is not any more what the plan saw; empty when it still is."""
    path = f"/v1/payment_intents/{step.payment}?expand[]=latest_charge"
    intent = readable(lambda: context.incident.gateway.find(path))
    if isinstance(intent, CannotLook):
        return f"Stripe could not be asked whether it still stands: {intent}"
    return doubt(intent, step.amount_minor)


def doubt(intent: Row | None, amount_minor: int) -> str:
    """Is this still a payment that was taken, whole, and kept?"""
    if intent is None:
        return "Stripe does not know the payment any more"
    charge = intent["latest_charge"] or {}
    if intent["status"] != "succeeded":
        return f"Stripe now calls the payment {intent['status']}"
    if charge.get("amount_refunded"):
        return "it was refunded at Stripe since the plan was made"
    if charge.get("disputed"):
        return "it is disputed at Stripe since the plan was made"
    if intent["amount_received"] != amount_minor:
        return "its amount at Stripe is not the plan's"
    return ""
