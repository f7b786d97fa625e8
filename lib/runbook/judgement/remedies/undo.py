"""Taking back what was applied: a plan like any other, made from the journal's applied steps that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runbook.plan import Plan, Step, WorkItem

NAME = "undo"
NOUNS = {"set_setting": "the setting", "redeploy": "the deployment of", "update_endpoint": "the change of endpoint"}

# What repair does when such a step is given to it again; a new plan sees the row as it is then.
TAKEN_BACK = "what was taken back stays so; where it must be done after all, a person does it"


def plan(done: Plan, applied: Sequence[Step]) -> Plan:
    """The steps of `done` that were applied, last first, images swapped; what cannot be undone is listed."""
    steps = tuple(swapped(step) for step in reversed(applied) if step.undo)
    # A deployment makes the service run with what is stored, so it comes after that on the way back as well.
    steps = tuple(sorted(steps, key=lambda step: step.kind == "redeploy"))
    work = tuple(left(step) for step in applied if not step.undo)
    return replace(done, remedy=NAME, steps=steps, work_list=work, undoes=done.fingerprint)


def left(step: Step) -> WorkItem:
    """What stays as it was done, and why."""
    proposal = "leave it; giving money back would be a decision of its own" if step.payment else "leave it"
    return WorkItem(step.payment or step.object_id, f"cannot be undone: {step.no_undo}", proposal,
                    step.amount_minor, step.currency)  # fmt: skip


def swapped(step: Step) -> Step:
    """The step the other way round. The time of the row's last change is a guard and no value to be restored: the
    row's next plan then sees a row that has moved, and is another plan."""
    return replace(
        step,
        sentence=f"Take back {NOUNS.get(step.kind, 'row')} {step.object_id}: {step.undo}.",
        old=step.new,
        new={name: value for name, value in step.old.items() if name in step.new},
        undo="",
        no_undo=TAKEN_BACK,
    )
