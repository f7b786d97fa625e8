"""Taking back what was applied: a plan like any other, made from the journal's applied steps that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runbook.plan import Plan, Step, WorkItem

NAME = "undo"


def plan(done: Plan, applied: Sequence[Step]) -> Plan:
    """The steps of `done` that were applied, images swapped, last first; what cannot be undone is listed, not offered."""
    steps = tuple(swapped(step) for step in reversed(applied) if step.undo)
    work = tuple(
        WorkItem(step.payment, f"cannot be undone: {step.no_undo}", "leave it", step.amount_minor, step.currency)
        for step in applied
        if not step.undo
    )
    return replace(done, remedy=NAME, steps=steps, work_list=work, undoes=done.fingerprint)


def swapped(step: Step) -> Step:
    return replace(
        step,
        sentence=f"Take back: {step.undo} ({step.object_id}).",
        old=step.new,
        new=step.old,
        undo="apply the original plan again, as a new plan",
    )
