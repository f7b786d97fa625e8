"""Each noun of the runbook as a card; one function per noun, chosen by its type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from runbook import clock, money
from runbook.display.approval import Approving
from runbook.display.card import Card, table
from runbook.facts import Alarms, Answer, Checked, Diagnosis, Evidence, Finding, Impact, Row, Suspects
from runbook.incident import Incident
from runbook.judgement.causes import CAUSES
from runbook.judgement.escalation import Level
from runbook.judgement.reconciliation import Reconciliation
from runbook.plan import Carried, Plan
from runbook.response import Record

TONES = {Answer.HOLDS: "good", Answer.DOES_NOT_HOLD: "bad", Answer.CANNOT_TELL: "unsure"}


@singledispatch
def card(noun: object) -> Card:
    raise TypeError(f"nothing says how to show a {type(noun).__name__}")


@card.register
def _(incident: Incident) -> Card:
    return Card(
        f"{incident.target.environment.upper()} · {incident.id}",
        lines=(
            f"target {incident.target.name}, {incident.gateway.mode} mode",
            f"window {clock.show(incident.window.start)} to {clock.show(incident.window.end)}, "
            f"looked at as of {clock.show(incident.as_of)}",
            f"{incident.same_environment.statement} {incident.same_environment.because}",
            "Reads only: nothing is written until a plan is approved.",
        ),
        tone=TONES[incident.same_environment.answer],
    )


@card.register
def _(evidence: Evidence) -> Card:
    lines = () if evidence.rows or evidence.unreadable else ("None.",)
    if evidence.unreadable:
        lines = (f"Could not be read: {evidence.unreadable}",)
    return Card(
        f"{evidence.question}  [{evidence.source}]",
        tone="plain" if evidence.readable else "unsure",
        lines=lines,
        table=table(evidence.rows),
        note=evidence.note,
        by_hand=evidence.by_hand,
    )


@card.register
def _(finding: Finding) -> Card:
    return Card(finding.statement, TONES[finding.answer], (finding.because,), badge=finding.answer.value)


@card.register
def _(suspects: Suspects) -> Card:
    """Who is implicated and why, who merely stands, and what the newest findings struck out."""
    named = [f"{cause}: {'; '.join(each.because for each in suspects.for_[cause])}" for cause in suspects.implicated]
    others = [cause for cause in suspects.standing if cause not in suspects.implicated]
    standing = [f"neither shown nor excluded: {', '.join(others)}"] if others else []
    unsure = [f"cannot tell: {each.statement} {each.because}" for each in suspects.open_questions]
    struck = [f"{cause} ({suspects.against[cause][0].because})" for cause in suspects.struck_last]
    before = len(suspects.standing) + len(suspects.struck_last)
    title = f"{before} suspects → {len(suspects.standing)}" if struck else f"{before} suspects"
    return Card(title, lines=(*named, *standing, *unsure), struck=tuple(struck))


@card.register
def _(alarms: Alarms) -> Card:
    """Those that ring first."""
    order = (Answer.DOES_NOT_HOLD, Answer.CANNOT_TELL, Answer.HOLDS)
    rows = [
        {"alarm": each.statement, "answer": each.answer.value, "because": each.because}
        for each in sorted(alarms.findings, key=lambda each: order.index(each.answer))
    ]
    title = f"{len(alarms.ringing)} of {len(alarms.findings)} alarms ring"
    return Card(title, "bad" if alarms.ringing else "good", table=table(rows))


@card.register
def _(impact: Impact) -> Card:
    if impact.scale == Answer.CANNOT_TELL:
        return Card("It cannot be told who is affected: a side could not be read.", "unsure")
    tone = "good" if not impact.payments else "bad"
    sums = money.show_total(impact.amounts_minor)
    told = [f"{impact.payments:,} payments of {impact.users:,} users, {sums}"]
    told += [f"{impact.turned_away:,} checkouts failed, and nobody was charged for them"] if impact.turned_away else []
    return Card(f"{impact.scale}: {'; '.join(told)}", "bad" if impact.turned_away else tone)


@card.register
def _(diagnosis: Diagnosis) -> Card:
    ours = [cause for cause in diagnosis.causes if cause in CAUSES and CAUSES[cause].incident]
    tone = "bad" if ours else "unsure" if "unknown" in diagnosis.causes else "good"
    evidence = [
        each.because.rstrip(".") + "." for cause in diagnosis.causes for each in diagnosis.suspects.for_.get(cause, ())
    ]
    blind = [f"Could not be looked at: {each.because}" for each in diagnosis.suspects.open_questions]
    where = (
        [f"Next: notebooks/{diagnosis.next_notebook}.ipynb with "
         + ", ".join(f'{name}="{value}"' for name, value in diagnosis.parameters.items())]
        if diagnosis.next_notebook else []
    )  # fmt: skip
    where += [f"Look next at {diagnosis.look_next}."] if diagnosis.look_next else []
    where += [f"Sign of a breach: {alert}." for alert in diagnosis.alerts]
    return Card(f"Diagnosis: {', '.join(diagnosis.causes)}", tone, (diagnosis.sentence, *evidence, *blind, *where))


@card.register
def _(level: Level) -> Card:
    title = f"Escalation level {level.number}: {level.contact}".rstrip(": ")
    return Card(title, lines=(level.action, *level.reasons), table=table(level.steps))


@card.register
def _(plan: Plan) -> Card:
    """Each kind of step once in full, then the steps themselves; the work list has a card of its own."""
    what = "payments" if any(item.currency for item in plan.work_list) else "things"
    left = f"{len(plan.work_list):,} {what} are left to a person." if plan.work_list else ""
    if plan.cannot_tell:
        return Card("No plan: it cannot be told what should change.", "unsure", (plan.cannot_tell,))
    if not plan:
        return Card("No plan: there is nothing that a machine should change.", "good", note=left)
    rows = [
        {
            "does": KINDS.get(step.kind, step.kind),
            "to": step.object_id,
            "payment": step.payment,
            "amount_minor": step.amount_minor,
            "currency": step.currency,
            "from": step.old.get("status", step.old.get("value", "")),
            "becomes": step.new.get("status", step.new.get("value", "")),
            "undo": "yes" if step.undo else "no",
        }
        for step in plan.steps
    ]
    return Card(
        f"{plan.fingerprint}: {len(plan.steps):,} step{'s' if len(plan.steps) > 1 else ''}"
        + (f", {money.show_total(plan.amounts_minor)}" if plan.amounts_minor else ""),
        lines=(*kinds(plan), *plan.promises),
        table=table(without_empty(rows)),
        note=f"{left} The journal holds every step as a sentence.".strip(),
    )


def without_empty(rows: Sequence[Row]) -> list[Row]:
    """Without the columns that no step of this plan has; an amount goes with its payment."""
    used = {name for row in rows for name, value in row.items() if value}
    used |= {"amount_minor", "currency"} if "currency" in used else set()
    return [{name: value for name, value in row.items() if name in used} for row in rows]


KINDS = {
    "redeliver_event": "redeliver",
    "update_endpoint": "change endpoint",
    "update_row": "settle row",
    "create_audit": "create table",
    "test_payment": "test payment",
    "restart_service": "restart",
    "set_variable": "set variable",
    "set_setting": "set variable",
    "redeploy": "redeploy",
    "send_mail": "mail",
    "create_task": "task",
    "post_message": "message",
}


def kinds(plan: Plan) -> tuple[str, ...]:
    """How many steps of each kind, and the first of them as the sentence that will be carried out."""
    first = {step.kind: step for step in reversed(plan.steps)}
    counts = {kind: sum(step.kind == kind for step in plan.steps) for kind in dict.fromkeys(s.kind for s in plan.steps)}
    return tuple(
        f"{count:,} × {KINDS.get(kind, kind)}, the first: {first[kind].sentence} "
        f"Undo: {first[kind].undo or f'none; {first[kind].no_undo}'}."
        for kind, count in counts.items()
    )


@card.register
def _(carried: Carried) -> Card:
    if not carried.results:
        return Card("There is nothing to do.", "good")
    counts = {word: carried.count(word) for word in ("applied", "already done", "withheld")}
    title = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    reasons = dict.fromkeys(outcome.detail for _, outcome in carried.results if outcome.word == "withheld")
    tone = "unsure" if counts["withheld"] else "good"
    return Card(f"{carried.plan}: {title}", tone, tuple(f"Withheld: {reason}." for reason in reasons))


@card.register
def _(checked: Checked) -> Card:
    tone = "good" if checked.holds else "bad"
    rows = [
        {"check": each.statement, "answer": each.answer.value, "because": each.because} for each in checked.findings
    ]
    return Card(f"Checks {checked.phase} the repair", tone, table=table(rows))


@card.register
def _(approving: Approving) -> Card:
    if not approving.plan:
        return Card("Nothing to approve.", "good")
    if approving.approved_by:
        return Card(f"{approving.plan} is approved by {', '.join(approving.approved_by)}.", "good")
    return Card(
        f"{approving.plan} awaits approval.",
        "unsure",
        ("Read the plan above. An approval is as strong as the accounts of the operating system.",),
        by_hand=f"./runbook approve {approving.incident} {approving.plan} && "
        f"./runbook apply {approving.incident} {approving.plan}",
    )


@card.register
def _(result: Reconciliation) -> Card:
    tone = {"clean": "good", "breaks": "bad", "incomplete": "unsure"}[result.verdict]
    rows = [
        {"class": each.class_, "outcome": each.outcome, "priority": each.priority, "items": each.items,
         "currency": (each.currency or "").upper(), "at Stripe": amount(each.gateway_minor, each.currency),
         "in the ledger": amount(each.ledger_minor, each.currency)}
        for each in result.by_class
    ]  # fmt: skip
    closes = not any(each.residual for each in result.identities)
    note = f"{len(result.identities)} identities checked; " + ("all close." if closes else "some do not close.")
    if not result.identities:
        return Card(f"Verdict: {result.verdict}", tone, result.incomplete_because, note="Nothing was classified.")
    lines = (f"{len(result.items):,} items, {len(result.discrepancies):,} discrepancies.", *result.incomplete_because)
    return Card(f"Verdict: {result.verdict}", tone, lines, table=table(rows, len(rows)), note=note)


def amount(minor: int, currency: str | None) -> str:
    return money.show(minor, currency) if currency else f"{minor:,}"


@card.register
def _(record: Record) -> Card:
    content = record.content
    outcomes = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in content["outcomes"].items())
    return Card(
        f"{content['incident']}: {content['verdict'].replace('_', ' ')}",
        lines=(record.headline, f"status {content['status']}; steps: {outcomes}",
               f"kept in outputs/{content['incident']}/: journal.jsonl, record.json"),
    )  # fmt: skip
