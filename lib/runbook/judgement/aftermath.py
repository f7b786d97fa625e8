"""After the incident: what became of each payment, and what its owner is told. Pure.

| what became of it    | how that is seen                                           | what its owner is told           |
| -------------------- | ---------------------------------------------------------- | -------------------------------- |
| settled directly     | the ledger has it, and a step of ours changed the row      | our confirmation, once           |
| recorded by service  | the ledger has it, after a delivery or by itself           | nothing: the service writes them |
| left to a person     | it stands on a work list, and Stripe has the money         | how to have the money back       |
| given back           | refunded or disputed at Stripe, or so in the ledger        | nothing: the money is under way  |
| no money was taken   | Stripe holds no money for it                               | nothing by machine               |
| still missing        | none of these                                              | nothing before it is repaired    |

Nobody whose payment was just completed is told how to have money back, whatever else is open: that would invite a
refund of an order that is now good. A person writes to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runbook.facts import Row
from runbook.judgement import payments

SETTLED, RECORDED, LEFT, GIVEN_BACK, NOT_TAKEN, MISSING = (
    "settled directly", "recorded by the service", "left to a person", "given back", "no money was taken",
    "still missing",
)  # fmt: skip
COMPLETED = (SETTLED, RECORDED)


@dataclass(frozen=True)
class Person:
    """Somebody who was affected, once, however many payments and accounts. `address` is never shown unmasked."""

    address: str
    users: tuple[str, ...]
    payments: tuple[Row, ...]
    letter: str = ""  # the template they are written by; empty: none
    because: str = ""  # why none
    about: tuple[Row, ...] = ()  # the payments that the letter is about


def became(intent: Row | None, row: Row | None, step: str, on_work_list: bool, returned: str, paid: Collection[str],
           given_back: Collection[str]) -> str:  # fmt: skip
    """What became of one payment. `step` is the kind of the step that was carried out for it, `returned` what Stripe
    gave back of it (wholly | in part | disputed), `paid` and `given_back` the ledger's own words."""
    status = row["status"] if row else ""
    if returned or status in given_back:
        return GIVEN_BACK
    if intent is None or not payments.is_paid(intent):
        return NOT_TAKEN
    if status in paid:
        return SETTLED if step == "update_row" else RECORDED
    return LEFT if on_work_list else MISSING


def people(rows: Iterable[Row], told: Collection[str] = ()) -> list[Person]:
    """The affected, each once, by their address where there is one; with what each is told. `told`: payments about
    which somebody was written to already, as `template payment`."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["address"].lower() or row["user_id"] or row["payment"], []).append(row)
    return [person(group, told) for _, group in sorted(groups.items(), key=lambda item: first_of(item[1]))]


def first_of(group: Sequence[Row]) -> tuple[int, str]:
    return min((row["created_at"], row["payment"]) for row in group)


def person(group: Sequence[Row], told: Collection[str]) -> Person:
    users = tuple(sorted({row["user_id"] for row in group if row["user_id"]}))
    letter, about, because = letter_for(group, told)
    if letter and not group[0]["address"]:
        letter, about, because = "", (), "no address is known: a person looks for one"
    return Person(group[0]["address"], users, tuple(group), letter, because, about)


def letter_for(group: Sequence[Row], told: Collection[str]) -> tuple[str, tuple[Row, ...], str]:
    """The template, what it is about, and where there is none, why."""
    states = {row["became"] for row in group}
    settled = tuple(row for row in group if row["became"] == SETTLED and not row["confirmed"])
    left = tuple(row for row in group if row["became"] == LEFT)
    if new := unheard("confirmation", settled, told):
        return "confirmation", new, ""
    if settled:
        return "", (), "was written to already"
    if left and states & set(COMPLETED):
        return "", (), "a payment of theirs was just completed, and another is left to a person: who decides writes"
    if new := unheard("refund", left, told):
        return "refund", new, ""
    if left:
        return "", (), "was written to already"
    return "", (), next((why for state, why in SILENT.items() if state in states), "")


SILENT = {
    MISSING: "first the repair: the payment is still not recorded",
    RECORDED: "the service confirms what it records",
    SETTLED: "the ledger notes a confirmation already",
    GIVEN_BACK: "the money was given back, or is disputed",
    NOT_TAKEN: "Stripe holds no money of theirs: a person decides what to say",
}


def unheard(template: str, rows: Iterable[Row], told: Collection[str]) -> tuple[Row, ...]:
    return tuple(row for row in rows if f"{template} {row['payment']}" not in told)


def returned(payment: str, amount_minor: int, refunds: Mapping[str, int], disputes: Collection[str]) -> str:
    """What Stripe gave back, or must defend: wholly | in part | disputed; empty when it is all still there."""
    if payment in disputes:
        return "disputed"
    back = refunds.get(payment, 0)
    return "" if not back else "wholly" if back >= amount_minor else "in part"
