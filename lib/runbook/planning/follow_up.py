"""The follow-up of an incident: letters, tasks, the channel's message, and the files that go with them."""

from __future__ import annotations

import csv
import io
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runbook import money, record
from runbook.errors import CannotLook
from runbook.evidence import history, people, sendings
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.judgement.aftermath import Person
from runbook.judgement.remedies import follow_up
from runbook.judgement.remedies.follow_up import Case, Task
from runbook.plan import Plan
from runbook.planning.sealing import no_plan, require_same_environment, seal
from runbook.wires.messages import arguments

PEOPLE_FILE, TASKS_FILE, REPORT_FILE = "affected_people.csv", "follow_up_tasks.md", "post_incident.md"
# What a spreadsheet takes for a formula at the beginning of a cell.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def plan_follow_up(incident: Incident, affected: Evidence, summary: str = "") -> Plan:
    """Who is written to, what is to be done, what the channel hears; sealed. Empty where all of it is done, or where
    it cannot be told who was affected."""
    try:
        require_same_environment(incident)
        if not affected.readable:
            raise CannotLook(affected.unreadable)
        made = follow_up.plan(case_of(incident, affected, summary), incident.target.name, incident.identity)
    except CannotLook as error:
        return no_plan(incident, follow_up.NAME, follow_up.NOTEBOOK, str(error))
    return seal(incident, made)


def case_of(incident: Incident, affected: Evidence, summary: str) -> Case:
    messages = incident.target.messages
    return Case(
        incident=incident.id,
        people=people.people(incident, affected),
        tasks=tasks(incident, affected),
        summary=summary if messages.chat_url else "",
        heard=sendings.claimed(incident.journal.entries(*sendings.KINDS)),
        mails=bool(messages.smtp_host and messages.sender),
        signature=messages.sender_name or "Customer service",
        refund_procedure=incident.target.about.refund_procedure,
    )


def tasks(incident: Incident, affected: Evidence) -> list[Task]:
    return follow_up.tasks(incident.id, folded(incident), affected.rows)


def folded(incident: Incident) -> dict[str, Any]:
    """The record as the journal has it now."""
    return record.fold(incident.id, incident.journal.entries())


def drafts(made: Plan) -> str:
    """Each kind of letter once, the first of them, exactly as it would be sent."""
    first: dict[str, Row] = {}
    for step in made.steps:
        if step.kind == "send_mail":
            first.setdefault(step.new["template"], step.new)
    letters = [f"To: {each['to']}\nSubject: {each['subject']}\n\n{each['text']}" for each in first.values()]
    return f"\n{'-' * 72}\n".join(letters) or "Nobody is written to."


def follow_up_tasks(incident: Incident, affected: Evidence) -> Evidence:
    """What is to be done, also saved as a file, since the tracker's program may be missing where this runs."""
    found = tasks(incident, affected)
    heard = sendings.claims(incident.journal.entries(*sendings.KINDS))
    write(incident.directory / TASKS_FILE, as_markdown(incident, found), 0o640)
    rows = tuple(
        {"task": each.title, "priority": each.priority, "in tracker": "yes" if f"task {each.slug}" in heard else "no"}
        for each in found
    )
    note = f"saved in outputs/{incident.id}/{TASKS_FILE}, each with its command"
    return Evidence("What is to be done?", "journal", incident.as_of, rows, by_hand(incident, found[-1]), note=note)


def by_hand(incident: Incident, task: Task) -> str:
    named = {"title": task.title, "priority": task.priority, "incident": incident.id}
    return shlex.join(["bd", *arguments(named)]) + f" < the text of the task in {TASKS_FILE}"


def as_markdown(incident: Incident, found: Sequence[Task]) -> str:
    parts = [f"# Follow-up tasks of {incident.id}\n"]
    parts += [f"## {each.title}\n\n{each.body}\n    {by_hand(incident, each)}\n" for each in found]
    return "\n".join(parts)


def keep_people(incident: Incident, affected: Evidence) -> Evidence:
    """The list in full, addresses and all, into a file that its owner alone can read."""
    rows = [line for each in people.people(incident, affected) for line in lines_of(each)]
    columns = ("address", "user", "payment", "amount", "became", "refund", "letter")
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    table.writerows([inert(str(row[name])) for name in columns] for row in rows)
    write(incident.directory / PEOPLE_FILE, text.getvalue(), 0o600)
    kept = ({"file": f"outputs/{incident.id}/{PEOPLE_FILE}", "mode": "0600", "lines": len(rows)},)
    return Evidence("Where does the list in full lie?", "journal, gateway, ledger", incident.as_of, kept,
                    unreadable=affected.unreadable)  # fmt: skip


def lines_of(person: Person) -> list[Row]:
    return [
        {**row, "user": row["user_id"], "amount": money.show(row["amount_minor"], row["currency"]),
         "letter": person.letter or f"none: {person.because}"}
        for row in person.payments
    ]  # fmt: skip


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula. All columns are text."""
    return f"'{text}" if text.startswith(FORMULA) else text


def write(path: Path, text: str, mode: int) -> None:
    """The file whole or not at all, and never readable by more than `mode` says, not even for a moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as handle:
        os.fchmod(handle.fileno(), mode)
        handle.write(text)
    os.replace(draft, path)


def report(incident: Incident, affected: Evidence, stages: Evidence) -> Evidence:
    """The post-incident report as a file: what happened, whom it hurt, how long it took, what follows. No addresses."""
    from runbook.judgement import report_text

    content = report_text.render(
        record=folded(incident),
        totals=people.totals(affected).rows,
        requests=history.failed_requests(incident),
        unreadable=affected.unreadable,
        stages=stages.rows,
        stages_note=stages.note,
        timeline=history.what_happened(incident).rows,
        tasks=[each.title for each in tasks(incident, affected)],
        about=incident.target.about,
    )
    write(incident.directory / REPORT_FILE, content, 0o640)
    kept = tuple({"item": name, "value": value} for name, value in report_text.headlines(incident.target.about))
    return Evidence("Who owns this, and where is what is needed?", "target", incident.as_of, kept,
                    note=f"the report lies in outputs/{incident.id}/{REPORT_FILE}")  # fmt: skip


def summary(incident: Incident, affected: Evidence, stages: Evidence) -> str:
    """What the channel hears: no address, no payment id, nothing that a channel should not hold."""
    content = folded(incident)
    sums = money.show_total(money.total((row["currency"], row["amount_minor"]) for row in affected.rows))
    who = len({row["address"].lower() or row["user_id"] or row["payment"] for row in affected.rows})
    took = "; ".join(f"{row['stage']} {row['took']}" for row in stages.rows)
    affected_line = (
        f"Affected: {len(affected):,} payments of {who:,} people, {sums}." if affected.readable
        else "Who was affected could not be read."
    )  # fmt: skip
    return "\n".join((
        f"{incident.id} ({incident.target.name}): {content['verdict'].replace('_', ' ')}",
        content["diagnosis"].get("sentence") or "No diagnosis was made.",
        affected_line,
        f"Time: {took}.",
        f"Left to a person: {len(content['work_list']):,}. Owner: {incident.target.about.owner or 'not named'}.",
    ))  # fmt: skip
