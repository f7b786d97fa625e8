"""Making plans: the case is gathered, a remedy decides, the journal keeps the sealed plan until a person approves."""

from runbook.planning.missing import left_to_a_person, plan_for_missing
from runbook.planning.sealing import approvals, approve, no_plan, seal, sealed, too_old
from runbook.planning.test_payments import plan_test_payment
from runbook.planning.undoing import applied_steps, plan_undo

__all__ = [
    "applied_steps",
    "approvals",
    "approve",
    "left_to_a_person",
    "no_plan",
    "plan_for_missing",
    "plan_test_payment",
    "plan_undo",
    "seal",
    "sealed",
    "too_old",
]
