"""After the repair: who is written to, what is to be done, and what the channel hears. Nothing of it can be recalled.

Each person gets at most one letter for each payment; who gets which is said in `judgement/aftermath.py`. The text of
every letter stands in the plan, so what is approved is what is sent; the address does not: it is read again when the
letter is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.facts import Row
from runbook.judgement.aftermath import LEFT, MISSING, Person
from runbook.judgement.causes import CAUSES
from runbook.judgement.letters import letter
from runbook.plan import Plan, Step
from runbook.redact import mask

NAME = "follow_up"
NOTEBOOK = "40_post_incident"
ONCE = (
    "Each mail, task and message is claimed in the journal before it is sent, and sent at most once: what a crash "
    "leaves in doubt is never sent again, but named for a person to look at."
)
# Steps that are retried by the next follow-up, so that no task has to remind of them.
OWN = ("runbook-create_task-", "runbook-post_message-")
PURPOSE = {
    "confirmation": "that their payment is recorded and the order good",
    "refund": "that we have the money and how to have it back",
}


@dataclass(frozen=True)
class Task:
    slug: str
    title: str
    body: str
    priority: int = 2  # 0 highest to 4; 1 is high


@dataclass(frozen=True)
class Case:
    """What the follow-up is made from. `heard`: what was, or may have been, sent already."""

    incident: str
    people: Sequence[Person]
    tasks: Sequence[Task]
    summary: str  # the channel's message; empty: there is no channel
    heard: Collection[str]
    mails: bool  # whether the target has a mail host and a sender
    signature: str = ""
    refund_procedure: str = ""


def plan(case: Case, target: str, identity: str) -> Plan:
    steps = [write(each, case) for each in case.people if each.letter] if case.mails else []
    steps += [create(each, case) for each in case.tasks if f"task {each.slug}" not in case.heard]
    if case.summary and "post summary" not in case.heard:
        steps.append(post(case))
    return Plan(target, identity, NAME, NOTEBOOK, tuple(steps), (), (ONCE,) if steps else ())


def write(person: Person, case: Case) -> Step:
    subject, text = letter(person.letter, person.about, case.signature, case.refund_procedure)
    about = [f"{person.letter} {row['payment']}" for row in person.about]
    return Step(
        kind="send_mail",
        object_id=person.users[0] if person.users else person.about[0]["payment"],
        sentence=f"Write to {mask(person.address)} {PURPOSE[person.letter]} ({len(person.about)} of their payments).",
        old={},
        new={"template": person.letter, "to": mask(person.address), "subject": subject, "text": text, "about": about,
             "payments": [row["payment"] for row in person.about]},
        no_undo="a mail cannot be recalled",
        payment=person.about[0]["payment"],
    )  # fmt: skip


def create(task: Task, case: Case) -> Step:
    return Step(
        kind="create_task",
        object_id=f"{case.incident}/{task.slug}",
        sentence=f"Create the task \"{task.title}\" in the tracker.",
        old={},
        new={"title": task.title, "body": task.body, "priority": task.priority, "incident": case.incident,
             "about": [f"task {task.slug}"]},
        no_undo="close the task in the tracker instead",
    )  # fmt: skip


def post(case: Case) -> Step:
    return Step(
        kind="post_message",
        object_id=f"{case.incident}/summary",
        sentence="Post the incident's summary to its channel.",
        old={},
        new={"text": case.summary, "about": ["post summary"]},
        no_undo="it has been read by then",
    )


def tasks(incident: str, record: Mapping[str, Any], affected: Sequence[Row]) -> list[Task]:
    """The two that every incident ends with, and those that this one calls for."""
    named = [cause for cause in record["diagnosis"]["causes"] if cause in CAUSES]
    why = " ".join(CAUSES[cause].sentence for cause in named) or "Its cause was not named."
    head = f"{incident}: {why}\n\nThe record, the report and the journal lie in outputs/{incident}/.\n"
    left = [row["payment"] for row in affected if row["became"] == LEFT]
    lost = [row["payment"] for row in affected if row["became"] == MISSING]
    held = [each for each in record["withheld"] if not each["key"].startswith(OWN)]
    more = [
        Task("decide-work-list", f"Decide on {count(left, 'payment')} left to a person after {incident}",
             f"{head}\n" + "\n".join(left) + "\n", 1) if left else None,
        Task("repair-missing", f"Repair {count(lost, 'payment')} still missing after {incident}",
             f"{head}\n" + "\n".join(lost) + "\n", 1) if lost else None,
        Task("look-at-withheld", f"Look at {count(held, 'step')} withheld in {incident}",
             f"{head}\n" + "\n".join(f"{each['key']}: {each['reason']}" for each in held) + "\n", 1) if held else None,
        Task("remove-cause", f"Remove what let {', '.join(named)} happen", head, 1) if named else None,
    ]  # fmt: skip
    return [
        *(each for each in more if each),
        Task("review-runbook", f"Review and update the runbook after {incident}",
             f"{head}\nWhat was missing, slow or wrong in it? Move the review date in the target file.\n"),
        Task("add-test", f"Add a test that would have caught {incident}",
             f"{head}\nA test or an alarm that fails on this cause before customers see it.\n"),
    ]  # fmt: skip


def count(things: Sequence[object], noun: str) -> str:
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"
