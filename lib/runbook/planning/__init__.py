"""Making plans: the case is gathered, a remedy decides, the journal keeps the sealed plan until a person approves."""

from runbook.planning.follow_up import (
    drafts,
    follow_up_tasks,
    keep_people,
    plan_follow_up,
    report,
    summary,
)
from runbook.planning.missing import left_to_a_person, plan_for_missing
from runbook.planning.sealing import approvals, approve, no_plan, seal, sealed, too_old
from runbook.planning.test_payments import plan_test_payment
from runbook.planning.undoing import applied_steps, plan_undo

__all__ = [
    "applied_steps",
    "approvals",
    "approve",
    "drafts",
    "follow_up_tasks",
    "keep_people",
    "left_to_a_person",
    "no_plan",
    "plan_follow_up",
    "plan_for_missing",
    "plan_test_payment",
    "plan_undo",
    "report",
    "seal",
    "sealed",
    "summary",
    "too_old",
]
