"""Steps that ask Stripe to deliver an event again. One canary first; the rest only after it proved itself.

What a delivery has done is decided by the ledger's row, never by Stripe's delivery flags: a 200 that was rolled back
counts as delivered there.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook import planning
from runbook.facts import Row
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.repair.context import Context
from runbook.repair.rows import moved_at_gateway

# A mail takes a service some tenths of a second; a row that looks the same this often, a poll apart, has come to rest.
REST_LOOKS = 5


def redeliver(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    """Deliver each event whose payment is still missing and still paid; then wait for the rows."""
    rows = context.rows_of(step.payment for step in steps)
    outcomes: dict[str, Outcome] = {}
    waiting: list[Step] = []
    for step in steps:
        row = rows.get(step.payment)
        if row and row["status"] == step.new["status"]:
            outcomes[step.key] = AlreadyDone(step.key, "the row is recorded")
        elif (row["status"] if row else "no row") != step.old["status"]:
            now = row["status"] if row else "gone"
            outcomes[step.key] = Withheld(step.key, f"the row moved: it was {step.old['status']}, it is {now}")
        elif reason := moved_at_gateway(context, step):
            outcomes[step.key] = Withheld(step.key, reason)
        else:
            waiting.append(step)
    if waiting and not context.canary_proven:
        canary = waiting.pop(0)
        outcomes[canary.key] = prove(context, canary)
        context.canary_proven = isinstance(outcomes[canary.key], Applied)
    if context.canary_proven:
        came = await_retries(context, waiting)
        outcomes |= {key: AlreadyDone(key, "Stripe's own retry came, and the row is recorded") for key in came}
        outcomes |= deliver_all(context, [step for step in waiting if step.key not in came])
    else:
        reason = "its canary was not recorded, so nothing more was delivered"
        outcomes |= {step.key: Withheld(step.key, reason) for step in waiting}
    return [outcomes[step.key] for step in steps]


def prove(context: Context, canary: Step) -> Outcome:
    """Deliver one event, and the same once more: the first must be recorded, the second must change nothing."""
    outcome = deliver_all(context, [canary])[canary.key]
    if not isinstance(outcome, Applied):
        return outcome
    before = row_at_rest(context, canary)
    context.gateway.redeliver(canary.object_id, canary.new["endpoint"])
    context.wait_until(lambda: is_delivered(context, canary))
    if row_at_rest(context, canary) != before:
        return Withheld(
            canary.key, "recorded, but a second delivery changed the row again: duplicates are not harmless"
        )
    return Applied(canary.key, "canary: recorded, and a second delivery changed nothing")


def await_retries(context: Context, steps: Sequence[Step]) -> frozenset[str]:
    """Steps whose payments are recorded without us. Where this plan has just set right what refused them, Stripe's own
    retries are waited for as long as one follows the other."""
    seconds = context.incident.target.thresholds.retry_wait_seconds
    came = {key for key, done in recorded(context, steps).items() if done}
    if not seconds or not sets_right(context):
        return frozenset(came)

    def others() -> set[str]:
        return {key for key, done in recorded(context, steps).items() if done} - came

    while len(came) < len(steps) and context.wait_until(lambda: bool(others()), seconds):
        came |= others()
    return frozenset(came)


def sets_right(context: Context) -> bool:
    """Whether the plan changes something that its redeliveries depend on."""
    plan, _ = planning.sealed(context.incident.journal, context.plan)
    return any(step.required for step in plan.steps)


def row_at_rest(context: Context, step: Step) -> Row | None:
    """The payment's row once it has stopped changing: a service notes its mail only after it recorded the payment."""
    seen: list[Row | None] = []

    def at_rest() -> bool:
        seen.append(context.rows_of([step.payment]).get(step.payment))
        return len(seen) > REST_LOOKS and all(row == seen[-1] for row in seen[-REST_LOOKS:])

    context.wait_until(at_rest)
    return seen[-1]


def is_delivered(context: Context, step: Step) -> bool:
    event = context.incident.gateway.find(f"/v1/events/{step.object_id}")
    return event is None or event["pending_webhooks"] == 0


def deliver_all(context: Context, steps: Sequence[Step]) -> dict[str, Outcome]:
    for step in steps:
        context.gateway.redeliver(step.object_id, step.new["endpoint"])
    context.wait_until(lambda: all(recorded(context, steps).values()))
    return {
        key: Applied(key, "recorded by the service")
        if done
        else Withheld(key, "delivered, but the service did not record it")
        for key, done in recorded(context, steps).items()
    }


def recorded(context: Context, steps: Sequence[Step]) -> dict[str, bool]:
    rows = context.rows_of(step.payment for step in steps)
    return {
        step.key: bool(rows.get(step.payment)) and rows[step.payment]["status"] == step.new["status"] for step in steps
    }
