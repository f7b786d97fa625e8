"""Scenario C: Stripe has the money, and the ledger did not keep the row.

| what is seen                                            | cure                            | undo                     |
|---------------------------------------------------------|---------------------------------|--------------------------|
| owner known, event still at Stripe and not yet handled  | Stripe delivers the event again | none: the service acts   |
|                                                         |                                 | on it, mails included    |
| owner known, but the service notes the event as handled | settle the row, guarded by what | the status back to what  |
| (it would skip it), or the event is gone, or no         | it says now                     | it was, under the same   |
| endpoint of ours is enabled                             |                                 | guard                    |
| no row, and the event is handled, gone or has no way    | work list: record it by hand    | —                        |
| no row, and the paying user is unknown or another       | work list: propose a refund     | —                        |
| several rows, or another amount or currency             | work list: a person decides     | —                        |
| the ledger calls it canceled                            | work list: a person decides     | —                        |
| refunded or disputed at Stripe meanwhile                | work list: record that          | —                        |

Stripe keeps events for 30 days; older ones count as gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from runbook import money
from runbook.facts import Row
from runbook.judgement.remedies.audit import Audit, with_audit
from runbook.plan import Plan, Step, WorkItem

NAME = "database_rollback"
NOTEBOOK = "12_scenario_c_database_rollback"
DELIVERED = "a delivery cannot be recalled: the service acts on it, and its mail is sent"


@dataclass(frozen=True)
class Case:
    """What the remedy decides upon, gathered for all missing payments at once."""

    events: Mapping[str, str]  # intent → id of its payment_intent.succeeded event, where Stripe still has it
    handled: Collection[str]  # events that the service notes as handled
    users: Mapping[str, str | None]  # users the service knows → their customer id; empty when not mapped
    users_mapped: bool
    reversed_: Mapping[str, str]  # intent → refunded | disputed, at Stripe
    endpoint: str  # we_…, where Stripe delivers; empty: nowhere
    completed_word: str  # the ledger's own word for completed
    canceled_words: Collection[str] = ()  # and those for an order that was given up
    events_mapped: bool = True  # whether the service's notes of handled events could be read


@dataclass(frozen=True)
class Decision:
    """One payment's cure in a word, and why."""

    cure: str  # redeliver | settle | work list
    because: str
    proposal: str = ""


def decide(payment: Row, case: Case) -> Decision:
    """The table above, top down: whatever a person must decide comes first."""
    intent = payment["intent_id"]
    if intent in case.reversed_:
        return Decision(
            "work list", f"it is {case.reversed_[intent]} at Stripe", f"record it as {case.reversed_[intent]}"
        )
    if not payment["row_id"] and payment["ledger"] != "no row":
        return Decision("work list", f"the ledger holds {payment['ledger']} for it", "decide which row counts")
    if payment["row_id"] and differs(payment):
        return Decision("work list", difference(payment), "find out which is right")
    if payment["row_id"] and payment["ledger"] in case.canceled_words:
        why = f"the ledger calls it {payment['ledger']}, and Stripe took the money"
        return Decision("work list", why, "ask the customer: refund it, or reinstate the order")
    if not payment["row_id"] and (doubt := owner_in_doubt(payment, case)):
        return Decision("work list", doubt, "look for the payer; refund it where nobody can be shown to own it")
    event = case.events.get(intent, "")
    if event and event not in case.handled and case.endpoint:
        return Decision(
            "redeliver",
            "the service has not handled its event" if case.events_mapped
            else "whether the service has handled its event is not noted anywhere that we can read",
        )  # fmt: skip
    why = (
        f"the service notes {event} as handled and would skip it" if event in case.handled
        else "Stripe no longer has its event" if not event
        else "no endpoint of ours is enabled"
    )  # fmt: skip
    if payment["row_id"]:
        return Decision("settle", why)
    return Decision("work list", why, f"record it by hand for user {payment['user_id']}, who is its owner")


def differs(payment: Row) -> bool:
    currency = payment["row_currency"]
    return payment["row_amount_minor"] != payment["amount_minor"] or currency not in (None, payment["currency"])


def difference(payment: Row) -> str:
    amount, currency = payment["row_amount_minor"], payment["row_currency"] or payment["currency"]
    row = "no amount that can be read" if amount is None else money.show(amount, currency)
    return f"the row says {row}, Stripe took {money.show(payment['amount_minor'], payment['currency'])}"


def owner_in_doubt(payment: Row, case: Case) -> str:
    """Why nobody can be shown to own a payment that has no row; empty when its owner is proven."""
    user = payment["user_id"]
    if not user:
        return "it names no user"
    if not case.users_mapped:
        return "the target file maps no users to prove its owner by"
    if user not in case.users:
        return "the user it names does not exist any more"
    if payment["customer"] and case.users[user] not in (None, "", payment["customer"]):
        return "the user it names is another customer at Stripe"
    return ""


def plan(missing: Sequence[Row], case: Case, target: str, identity: str, audit: Audit) -> Plan:
    """Redeliveries first, then settlements, each oldest first, so that the canary is the oldest payment."""
    decided = [(payment, decide(payment, case)) for payment in missing]
    steps = [redeliver(payment, case, why) for payment, why in decided if why.cure == "redeliver"]
    steps += [settle(payment, case, why) for payment, why in decided if why.cure == "settle"]
    work = [
        WorkItem(payment["intent_id"], why.because, why.proposal, payment["amount_minor"], payment["currency"])
        for payment, why in decided
        if why.cure == "work list"
    ]
    audited, promises = with_audit(steps, audit)
    return Plan(target, identity, NAME, NOTEBOOK, audited, tuple(work), promises)


def redeliver(payment: Row, case: Case, why: Decision) -> Step:
    event, intent = case.events[payment["intent_id"]], payment["intent_id"]
    amount = money.show(payment["amount_minor"], payment["currency"])
    return Step(
        kind="redeliver_event",
        object_id=event,
        sentence=f"Ask Stripe to deliver {event} again, so that the service records {amount} of {intent}; "
        f"{why.because}.",
        old={"intent_id": intent, "status": payment["ledger"]},
        new={"intent_id": intent, "status": case.completed_word, "endpoint": case.endpoint},
        no_undo=DELIVERED,
        payment=intent,
        amount_minor=payment["amount_minor"],
        currency=payment["currency"],
    )


def settle(payment: Row, case: Case, why: Decision) -> Step:
    amount = money.show(payment["amount_minor"], payment["currency"])
    image = {"intent_id": payment["intent_id"], "amount": payment["row_amount_minor"], "status": payment["ledger"]}
    return Step(
        kind="update_row",
        object_id=payment["row_id"],
        sentence=f"Set row {payment['row_id']} ({amount}, {payment['intent_id']}) from {payment['ledger']} to "
        f"{case.completed_word}; {why.because}. The service sends no mail for this: the customer is owed one.",
        old={**image, **({"updated_at": payment["row_updated"]} if payment.get("row_updated") else {})},
        new={**image, "status": case.completed_word},
        undo=f"set the status back to {payment['ledger']}, if nobody has changed the row since",
        payment=payment["intent_id"],
        amount_minor=payment["amount_minor"],
        currency=payment["currency"],
    )
