"""Carrying out an approved plan: the only writer of the runbook.

It loads the sealed plan from the journal and knows kinds of steps, no remedy by name. Each step ends in one of three
outcomes. A crash is resumed by applying the same plan again: finished steps are recognised by looking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from runbook import planning
from runbook.incident import Incident
from runbook.journal import Entry
from runbook.plan import Carried, Outcome, Plan, Step, Withheld
from runbook.repair import deployment, endpoints, events, messages, payments, rows
from runbook.repair.context import Context

# What repair can do, by the step's kind. A step of another kind cannot be carried out, whoever approved it.
KINDS = {
    "create_audit": rows.create_audit,
    "update_row": rows.update,
    "redeliver_event": events.redeliver,
    "update_endpoint": endpoints.update,
    "test_payment": payments.make,
    "set_variable": deployment.set_variables,
    "set_setting": deployment.set_variables,
    "redeploy": deployment.redeploy,
    "restart_service": deployment.restart,
    "send_mail": messages.send_mails,
    "create_task": messages.create_tasks,
    "post_message": messages.post_messages,
}


def apply(incident: Incident, fingerprint: str) -> Carried:
    """Carry out the plan with this fingerprint, if the journal holds an approval for it.

    Returns every step with its outcome; all are Withheld for one reason where the plan may not be carried out.
    Raises BadInput for a plan the journal does not hold.
    """
    if not fingerprint:
        return Carried("", ())
    plan, entry = planning.sealed(incident.journal, fingerprint)
    if reason := refusal(incident, plan, entry):
        incident.log("refused", plan=fingerprint, reason=reason)
        return Carried(fingerprint, tuple((step, Withheld(step.key, reason)) for step in plan.steps))
    return Carried(fingerprint, tuple(carry_out(Context(incident, fingerprint), plan.steps)))


def carry_out(context: Context, steps: Sequence[Step]) -> Iterator[tuple[Step, Outcome]]:
    """Batch by batch: the journal names a batch before it is begun, and holds its outcomes before the next. Once a
    required step is withheld, nothing that stands after it is begun."""
    incident, missing = context.incident, ""
    for batch in batches(steps, incident.target.policy.batch_rows):
        if missing:
            outcomes: list[Outcome] = [Withheld(step.key, missing) for step in batch]
        else:
            incident.log("begun", plan=context.plan, keys=[step.key for step in batch])
            outcomes = KINDS[batch[0].kind](context, batch)
            missing = missed(batch, outcomes)
        noted = [{"key": each.key, "word": each.word, "detail": each.detail} for each in outcomes]
        incident.log("outcomes", plan=context.plan, outcomes=noted)
        incident.look_again()
        yield from zip(batch, outcomes, strict=True)


def missed(batch: Sequence[Step], outcomes: Sequence[Outcome]) -> str:
    """Why nothing after this batch may be done; empty where it may."""
    for step, outcome in zip(batch, outcomes, strict=True):
        if step.required and isinstance(outcome, Withheld):
            return f"an earlier step was not carried out: {outcome.detail}"
    return ""


def batches(steps: Sequence[Step], size: int) -> Iterator[list[Step]]:
    """Neighbours of one kind together, in the plan's order, at most `size` of them; a required step alone."""
    for _, run in groupby(steps, key=lambda step: (step.kind, step.key if step.required else "")):
        same = list(run)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def refusal(incident: Incident, plan: Plan, entry: Entry) -> str:
    """Why this plan may not be carried out now; empty when it may."""
    now, policy = incident.clock.now(), incident.target.policy
    approvals = planning.approvals(incident.journal, plan.fingerprint)
    valid = [approval for approval in approvals if datetime.fromisoformat(approval.until) > now]
    others = [approval for approval in valid if approval.login != entry.login]
    over = [
        currency for currency, sum_ in plan.amounts_minor.items() if sum_ > policy.amount_minor_max.get(currency, sum_)
    ]
    unknown = sorted({step.kind for step in plan.steps} - KINDS.keys())
    second = 0 < policy.second_person_above_steps < len(plan.steps)
    reasons = (
        (not approvals, f"no approval names {plan.fingerprint}"),
        (not valid, "its approval has expired; approve it again"),
        (planning.too_old(entry, now, policy.plan_minutes), "the plan is too old; make it again from what is true now"),
        (second and not others, f"it has {len(plan.steps)} steps, so someone other than {entry.login} must approve it"),
        (plan.target != incident.target.name, f"it was made for target {plan.target}"),
        (plan.identity != incident.identity, f"it was made for {plan.identity}, this is {incident.identity}"),
        (not incident.same_environment.holds, incident.same_environment.because),
        (len(plan.steps) > policy.rows_max, f"it has {len(plan.steps)} steps, the policy allows {policy.rows_max}"),
        (bool(over), f"its sum in {', '.join(over)} is above the policy's limit"),
        (bool(unknown), f"it holds steps of unknown kind: {', '.join(unknown)}"),
    )  # fmt: skip
    return next((reason for applies, reason in reasons if applies), "")
