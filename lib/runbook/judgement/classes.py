"""The classes of a reconciliation, in words a person understands: one row each, and the only place of outcome and
priority. Which item lands in which class, and in what order the classes are tried, stands in sql/classify.sql.

Outcome: ok (nothing to do) | pending (not decided yet) | break (the sides disagree). Priority: P1 a customer's money is
wrong now, P2 the books are wrong, P3 look at it this week, P4 wait and look again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

CALM, C, E = "", "12_scenario_c_database_rollback", "14_scenario_e_test_mode"
HERE = "20_reconciliation"


class ItemClass(msgspec.Struct, frozen=True):
    """`notebook` is the scenario notebook that goes on from here, `""` where none has to."""

    name: str
    outcome: Literal["ok", "pending", "break"]
    priority: Literal["P1", "P2", "P3", "P4", "none"]
    sentence: str
    notebook: str
    what_to_do: str


def _ok(name: str, sentence: str) -> ItemClass:
    return ItemClass(name, "ok", "none", sentence, CALM, "Nothing.")


def _pending(name: str, priority: Literal["P4", "none"], notebook: str, sentence: str, what_to_do: str) -> ItemClass:
    return ItemClass(name, "pending", priority, sentence, notebook, what_to_do)


def _break(name: str, priority: Literal["P1", "P2", "P3"], notebook: str, sentence: str, what_to_do: str) -> ItemClass:
    return ItemClass(name, "break", priority, sentence, notebook, what_to_do)


_TABLE = (
    _ok("matched", "Both sides know the payment and agree on status, amount and currency."),
    _ok("abandoned", "A checkout that nobody paid; the ledger does not claim otherwise."),
    _ok("never_reached_gateway", "A checkout that broke off before Stripe knew of it; the row claims no money."),
    _ok("failed_matched", "The payment failed or was canceled, and the ledger says so."),
    _ok("partly_refunded", "Paid, and a part given back; the ledger has no word for a part and counts all of it."),
    _ok("given_back", "Stripe took the payment and returned all of it; the ledger never counted it."),
    _pending(
        "in_progress",
        "none",
        CALM,
        "The payment or its refund is still under way.",
        "Wait; look again at the next run.",
    ),
    _pending(
        "in_grace",
        "P4",
        CALM,
        "The sides disagree, but the slower one still has time.",
        "Wait until the time in `break_on`; `would_be` says what it becomes.",
    ),
    _pending(
        "window_edge",
        "P4",
        HERE,
        "Only one side was read, so close to the window's edge that this says nothing.",
        "Run again with a wider window.",
    ),
    _pending(
        "lone_object",
        "P4",
        HERE,
        "A charge, refund or dispute of a payment that was not read.",
        "Look the payment up by its id, or widen the window to when it was made.",
    ),
    _break(
        "paid_not_recorded",
        "P1",
        C,
        "Stripe has the money and the ledger has no row for it.",
        "Redeliver the event; if the owner cannot be proven, put a refund on the work list.",
    ),
    _break(
        "paid_but_pending",
        "P1",
        C,
        "Stripe has the money and the ledger still waits for it.",
        "Redeliver the event; settle the row only where delivery is impossible.",
    ),
    _break(
        "paid_but_failed",
        "P1",
        C,
        "Stripe has the money and the ledger says that the payment failed.",
        "Ask whether the customer paid again; then settle the row or refund.",
    ),
    _break(
        "double_charge",
        "P1",
        HERE,
        "One order was paid for by more than one payment.",
        "Ask whether the order is meant to be paid in parts; if not, propose a refund of the surplus payment.",
    ),
    _break(
        "over_refund",
        "P1",
        HERE,
        "Refunds and disputes took more than the payment brought.",
        "Answer the dispute with the proof of the refund; refund no further.",
    ),
    _break(
        "mode_mixed",
        "P1",
        E,
        "Test and live objects stand side by side.",
        "Find out which key made the payment before anything else.",
    ),
    _break(
        "recorded_not_paid",
        "P1",
        E,
        "The ledger counts money for a payment that Stripe does not have.",
        "Check that both sides are the same environment and mode; then correct the row.",
    ),
    _break(
        "completed_but_unpaid",
        "P1",
        C,
        "The ledger counts money and Stripe was not paid.",
        "Stop the delivery of goods; find out who completed the row, then set it to what Stripe says.",
    ),
    _break(
        "amount_differs",
        "P2",
        HERE,
        "Both sides know the payment and name different amounts.",
        "Find the amount that the customer agreed to; correct the ledger or refund the rest.",
    ),
    _break(
        "unit_error",
        "P2",
        HERE,
        "One side counts in cents what the other counts in whole units.",
        "Repair the conversion in the service first; then correct the rows, or refund what was overcharged.",
    ),
    _break(
        "currency_differs",
        "P2",
        HERE,
        "Both sides know the payment and name different currencies.",
        "Stripe's currency is what the customer paid; find out why the row says otherwise.",
    ),
    _break(
        "partial_capture",
        "P2",
        HERE,
        "Less was captured than authorised, and the ledger counts all of it.",
        "Set the row to the captured amount.",
    ),
    _break(
        "duplicate_rows",
        "P2",
        C,
        "Several ledger rows name one payment.",
        "Find the row that the order belongs to; the others need a person's decision.",
    ),
    _break(
        "metadata_mismatch",
        "P2",
        HERE,
        "The payment says that it belongs to another row, user or order.",
        "Find out whose payment it is before any repair.",
    ),
    _break(
        "no_intent_id",
        "P2",
        HERE,
        "The row claims money and names no payment at Stripe.",
        "Search Stripe by customer, amount and time; the row must name its payment or lose its claim.",
    ),
    _break(
        "intent_not_found",
        "P3",
        E,
        "The row names a payment that Stripe does not have, and claims no money.",
        "Check that both sides are the same environment and mode.",
    ),
    _break(
        "refund_not_recorded",
        "P2",
        HERE,
        "Stripe gave the payment back and the ledger does not show it.",
        "Redeliver the refund's event, or settle the row as refunded.",
    ),
    _break(
        "refund_differs",
        "P2",
        HERE,
        "The ledger says refunded and Stripe has not given all of it back.",
        "Ask what was promised to the customer; refund the rest or correct the row.",
    ),
    _break(
        "failed_refund",
        "P2",
        HERE,
        "A refund failed and the customer still does not have the money.",
        "Arrange another way of paying the customer back.",
    ),
    _break(
        "dispute_not_recorded",
        "P2",
        HERE,
        "A dispute is open and the ledger does not show it.",
        "Answer the dispute before its deadline; redeliver its event or settle the row as disputed.",
    ),
    _break(
        "dispute_differs",
        "P2",
        HERE,
        "How the dispute stands or ended is not what the ledger shows.",
        "Set the row to how the dispute ended.",
    ),
    _break(
        "unclassified",
        "P2",
        HERE,
        "The rules do not cover this; it is never taken as matched.",
        "Read `reason`; extend the status map or the rules.",
    ),
)
CLASSES: dict[str, ItemClass] = {each.name: each for each in _TABLE}
