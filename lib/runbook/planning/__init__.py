"""Making plans: the case is gathered, a remedy decides, the journal keeps the sealed plan until a person approves."""

from runbook.planning.configuration import plan_new_keys, plan_new_value, plan_restart
from runbook.planning.deliveries import plan_for_deliveries
from runbook.planning.follow_up import (
    drafts,
    follow_up_tasks,
    keep_people,
    plan_follow_up,
    report,
    summary,
)
from runbook.planning.missing import left_to_a_person, plan_for_missing
from runbook.planning.queue import computed_queue, left_to_do, plan_queue, queue_patch
from runbook.planning.sealing import approvals, approve, no_plan, seal, sealed, too_old
from runbook.planning.test_mode import plan_for_test_mode
from runbook.planning.test_payments import plan_test_payment
from runbook.planning.undoing import applied_steps, plan_undo

__all__ = [
    "applied_steps",
    "approvals",
    "approve",
    "computed_queue",
    "drafts",
    "follow_up_tasks",
    "keep_people",
    "left_to_a_person",
    "left_to_do",
    "no_plan",
    "plan_follow_up",
    "plan_for_deliveries",
    "plan_for_missing",
    "plan_for_test_mode",
    "plan_new_keys",
    "plan_new_value",
    "plan_queue",
    "plan_restart",
    "plan_test_payment",
    "plan_undo",
    "queue_patch",
    "report",
    "seal",
    "sealed",
    "summary",
    "too_old",
]
