"""Where the audit row of a changed ledger row goes, said in the plan before anybody approves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from runbook.plan import Step

Audit = Literal["journal", "absent", "present"]  # the journal alone, or a table that is not or is there already

IN_LEDGER = (
    "Each changed row gets an audit row in runbook.audit, in the same transaction: one is never without the other."
)
IN_JOURNAL = (
    "The audit lies in the journal alone: after a crash between change and journal, the row shows what happened, "
    "and the journal learns it when the plan is applied again."
)


def with_audit(steps: Sequence[Step], audit: Audit) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps, led by the audit table's creation where they need it, and the promise that the plan makes."""
    if not any(step.kind == "update_row" for step in steps):
        return tuple(steps), ()
    if audit == "journal":
        return tuple(steps), (IN_JOURNAL,)
    return ((create_table(),) if audit == "absent" else ()) + tuple(steps), (IN_LEDGER,)


def create_table() -> Step:
    return Step(
        kind="create_audit",
        object_id="runbook.audit",
        sentence="Create the schema runbook with the table audit in the ledger's database.",
        old={},
        new={"table": "runbook.audit"},
        no_undo="the audit table stays, because it holds what happened",
    )
