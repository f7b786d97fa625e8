"""Who was affected, and what became of each payment: from the journal, and from both sides as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from runbook import money, plan
from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence import recent, sendings
from runbook.evidence.gathering import gathered
from runbook.evidence.payments import window_intents
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.journal import Entry
from runbook.judgement import aftermath, questions
from runbook.judgement.aftermath import Person
from runbook.redact import mask

# Remedies that touch no customer's payment.
NO_PAYMENT = frozenset({"test_payment", "follow_up"})


@dataclass(frozen=True)
class Touched:
    """A payment that the journal names. `step`: the kind of the newest step that was carried out for it, and `sure`
    that it was carried out by us and not merely found done."""

    payment: str
    amount_minor: int = 0
    currency: str = ""
    on_work_list: bool = False
    step: str = ""
    sure: bool = False


def touched(entries: Iterable[Entry]) -> dict[str, Touched]:
    """Payments that plans and work lists of the journal are about, in the order in which they are met."""
    found: dict[str, Touched] = {}
    plans: dict[str, plan.Plan] = {}
    for entry in entries:
        if entry.kind == "plan" and entry.body["remedy"] not in NO_PAYMENT:
            plans[entry.body["fingerprint"]] = made = plan.from_json(entry.body)
            for step in made.steps:
                if step.payment:
                    found.setdefault(step.payment, Touched(step.payment, step.amount_minor, step.currency))
        elif entry.kind == "work_list":
            for item in entry.body["items"]:
                known = Touched(item["payment"], item["amount_minor"], item["currency"])
                found[known.payment] = replace(found.get(known.payment, known), on_work_list=True)
        elif entry.kind == "outcomes" and entry.body["plan"] in plans:
            carry_over(found, plans[entry.body["plan"]], entry.body["outcomes"])
    return found


def carry_over(found: dict[str, Touched], made: plan.Plan, outcomes: Sequence[Row]) -> None:
    """Note what these outcomes did for each payment; what was undone was not done."""
    words = {each["key"]: each["word"] for each in outcomes}
    for step in made.steps:
        word, before = words.get(step.key, ""), found.get(step.payment)
        if before is None or word not in ("applied", "already done"):
            continue
        if made.undoes:
            found[step.payment] = replace(before, step="", sure=False)
        else:
            sure = word == "applied" or (before.sure and before.step == step.kind)
            found[step.payment] = replace(before, step=step.kind, sure=sure)


def affected_payments(incident: Incident) -> Evidence:
    """Those that a plan or a work list of the journal names, and those that are missing now; no abandoned checkouts,
    and nothing that a customer's own bank declined."""
    question = "Which payments were really affected, and what became of each?"
    by_hand = "the journal's plans and work lists; then stripe payment_intents retrieve and stripe refunds list"
    return gathered(incident, question, "journal, gateway, ledger", lambda: _affected(incident), by_hand)


def _affected(incident: Incident) -> list[Row]:
    missing = recent.missing_until_now(incident)
    if missing.unreadable:
        raise CannotLook(missing.unreadable)
    named = touched(incident.journal.entries())
    for row in missing.rows:
        named.setdefault(row["intent_id"], Touched(row["intent_id"]))
    intents = intents_of(incident, named)
    rows = {row["intent_id"]: row for row in incident.ledger.ask(questions.text("rows_of_intents"),
                                                                 intents=sorted(named))} if named else {}  # fmt: skip
    refunds, disputes = given_back(incident, intents)
    addresses = addresses_of(incident, named.values(), intents, rows)
    words = incident.target.ledger.status
    paid = words.get("completed", ())
    back = (*words.get("refunded", ()), *words.get("disputed", ()))
    found = []
    for name, each in named.items():
        intent, row = intents.get(name), rows.get(name)
        amount = intent["amount_received"] or intent["amount"] if intent else each.amount_minor
        returned = aftermath.returned(name, amount, refunds, disputes)
        # Without the column that would tell, a row that was merely found done may have been the service's own doing.
        ours = each.sure or bool(incident.target.ledger.columns.confirmation_sent_at)
        step = each.step if ours else ""
        found.append({
            "payment": name,
            "amount_minor": amount,
            "currency": intent["currency"] if intent else each.currency,
            "created_at": intent["created"] if intent else 0,
            "became": aftermath.became(intent, row, step, each.on_work_list, returned, paid, back),
            "refund": refund_words(returned, refunds.get(name, 0), intent),
            "confirmed": bool(row and row["mail_sent"]),
            "order": (row or {}).get("order_key") or "",
            "user_id": user_of(incident, intent, row),
            "address": addresses.get(name, ""),
        })  # fmt: skip
    return sorted(found, key=lambda row: (row["created_at"], row["payment"]))


def intents_of(incident: Incident, named: Iterable[str]) -> dict[str, Row]:
    """The payments as Stripe holds them; those beyond the window are asked for singly."""
    listed = {intent["id"]: intent for intent in window_intents(incident, None)}
    found = ((name, listed.get(name) or incident.gateway.find(f"/v1/payment_intents/{name}")) for name in named)
    return {name: intent for name, intent in found if intent}


def given_back(incident: Incident, intents: Mapping[str, Row]) -> tuple[dict[str, int], frozenset[str]]:
    """Of each payment what Stripe gave back in minor units, and which are disputed, up to now."""
    if not intents:
        return {}, frozenset()
    since = datetime.fromtimestamp(min(intent["created"] for intent in intents.values()), UTC)
    until_now = Window(since, incident.clock.now() + timedelta(seconds=1))
    refunds: dict[str, int] = {}
    for each in incident.gateway.refunds(until_now):
        if each["status"] not in ("failed", "canceled") and each["payment_intent"] in intents:
            refunds[each["payment_intent"]] = refunds.get(each["payment_intent"], 0) + each["amount"]
    return refunds, frozenset(each["payment_intent"] for each in incident.gateway.disputes(until_now))


def refund_words(returned: str, refunded_minor: int, intent: Row | None) -> str:
    if returned in ("", "disputed") or intent is None:
        return returned or "none"
    return f"{money.show(refunded_minor, intent['currency'])} given back, {returned}"


def user_of(incident: Incident, intent: Row | None, row: Row | None) -> str:
    named = ((intent or {}).get("metadata") or {}).get(incident.target.gateway.user_metadata)
    return (row["user_id"] if row else None) or named or ""


def addresses_of(
    incident: Incident, named: Iterable[Touched], intents: Mapping[str, Row], rows: Mapping[str, Row]
) -> dict[str, str]:
    """Payment → the address of its payer: the shop's own for a payment that has a row, Stripe's customer's where there
    is none, because only the payer is known then."""
    users = sorted({rows[each.payment]["user_id"] for each in named if each.payment in rows} - {None, ""})
    known: dict[str, str] = {}
    if users and incident.target.ledger.users is not None:
        asked = incident.ledger.ask(questions.text("addresses"), users=users)
        known = {row["user_id"]: row["email"] or "" for row in asked}
    found = {}
    for name, intent in intents.items():
        shop = known.get(rows[name]["user_id"], "") if name in rows else ""
        found[name] = shop or customer_address(incident, intent.get("customer") or "")
    return found


def customer_address(incident: Incident, customer: str) -> str:
    found = incident.gateway.find(f"/v1/customers/{customer}") if customer else None
    return (found or {}).get("email") or ""


@dataclass(frozen=True)
class Current:
    """The affected payments as they are now, for somebody about to write to their owners."""

    rows: Mapping[str, Row]

    def get(self, payment: str) -> Row | None:
        return self.rows.get(payment)

    def just_completed(self, address: str) -> bool:
        """Whether any payment of this person was completed after all."""
        theirs = (row for row in self.rows.values() if row["address"].lower() == address.lower())
        return any(row["became"] in aftermath.COMPLETED for row in theirs)


def current(incident: Incident) -> Current:
    found = affected_payments(incident)
    if found.unreadable:
        raise CannotLook(found.unreadable)
    return Current({row["payment"]: row for row in found.rows})


def people(incident: Incident, affected: Evidence) -> list[Person]:
    """The affected, each once, with what each is told."""
    return aftermath.people(affected.rows, sendings.claimed(incident.journal.entries(*sendings.KINDS)))


def affected_people(incident: Incident, affected: Evidence) -> Evidence:
    """Each person once, with the address masked: this stands on shared screens and in committed notebooks."""
    rows = tuple(
        {
            "person": mask(each.address) if each.address else "no address known",
            "payments": len(each.payments),
            "sums": money.show_total(money.total((row["currency"], row["amount_minor"]) for row in each.payments)),
            "became": tuple(dict.fromkeys(row["became"] for row in each.payments)),
            "letter": each.letter or f"none: {each.because}",
        }
        for each in people(incident, affected)
    )
    question = "Who was affected, each person once?"
    return replace(affected, question=question, rows=rows, note="addresses masked; the list in full has mode 0600")


def totals(affected: Evidence) -> Evidence:
    """Payments, people and sums by what became of them; sums of different currencies are never added up."""
    groups: dict[str, list[Row]] = {}
    for row in affected.rows:
        groups.setdefault(row["became"], []).append(row)
    rows = tuple(
        {
            "became": name,
            "payments": len(group),
            "people": len({row["address"].lower() or row["user_id"] or row["payment"] for row in group}),
            "sums": money.show_total(money.total((row["currency"], row["amount_minor"]) for row in group)),
            "given back at Stripe": sum(row["refund"] not in ("none", "disputed") for row in group),
        }
        for name, group in sorted(groups.items())
    )
    return replace(affected, question="How many payments, of whom, and how much money?", rows=rows)


