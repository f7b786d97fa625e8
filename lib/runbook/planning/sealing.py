"""Sealing plans in the journal, and approving them.

The journal is the only authority for approvals. An approval is as strong as the operating system's accounts: it holds
the login and host of whoever wrote it, and nothing stronger.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from runbook import plan
from runbook.clock import Clock
from runbook.errors import BadInput, CannotLook, Refused
from runbook.facts import Answer
from runbook.incident import Incident
from runbook.journal import Entry, Journal
from runbook.judgement import questions
from runbook.judgement.remedies.audit import Audit
from runbook.plan import Approval, Plan
from runbook.target import Policy


def no_plan(incident: Incident, remedy: str, notebook: str, cannot_tell: str = "") -> Plan:
    """An empty plan, where none may be made or where a side that it depends on cannot be read."""
    return Plan(incident.target.name, "", remedy, notebook, (), cannot_tell=cannot_tell)


def require_same_environment(incident: Incident) -> None:
    """Raises Refused where the two sides do not belong together, and CannotLook where nobody can say."""
    found = incident.same_environment
    if found.answer is Answer.CANNOT_TELL:
        raise CannotLook(found.because)
    if not found.holds:
        raise Refused(f"No plan is made: {found.because}")


def audit(incident: Incident) -> Audit:
    """Where audit rows go: the target decides, the ledger's catalogue says whether the table is there."""
    if incident.target.ledger.audit == "journal":
        return "journal"
    present = incident.ledger.ask(questions.text("audit_table"))[0]["present"]
    return "present" if present else "absent"


def completed_word(incident: Incident) -> str:
    return incident.target.ledger.status["completed"][0]


def note_work_list(incident: Incident, made: Plan) -> None:
    """What this remedy leaves to a person, as it stands now; an empty list says that nothing is left any more."""
    incident.log("work_list", remedy=made.remedy, items=[asdict(item) for item in made.work_list])


def seal(incident: Incident, made: Plan) -> Plan:
    """Store the plan in the journal, once, and once more where the stored one has become too old: made again from what
    is true now, it is the same plan and a young one. The stored one is what will be carried out."""
    now, minutes = incident.clock.now(), incident.target.policy.plan_minutes
    known = {
        entry.body["fingerprint"] for entry in incident.journal.entries("plan") if not too_old(entry, now, minutes)
    }
    if made and made.fingerprint not in known:
        incident.log("plan", **plan.to_json(made))
    return made


def sealed(journal: Journal, fingerprint: str) -> tuple[Plan, Entry]:
    """The plan as it stands in the journal; raises BadInput when there is none, Refused when it was tampered with."""
    entries = journal.entries("plan")
    for entry in reversed(entries):
        if entry.body["fingerprint"] == fingerprint:
            stored = plan.from_json(entry.body)
            if stored.fingerprint != fingerprint:
                raise Refused(f"The stored plan {fingerprint} does not match its fingerprint; make a new one.")
            return stored, entry
    known = ", ".join(dict.fromkeys(entry.body["fingerprint"] for entry in entries)) or "none"
    raise BadInput(f"The journal of {journal.path.parent.name} holds no plan `{fingerprint}`; it holds: {known}.")


def approve(
    journal: Journal, fingerprint: str, minutes: int, clock: Clock, plan_minutes: int = Policy().plan_minutes
) -> Approval:
    """Say yes to exactly this plan; the one function behind the command line and the notebook's box.

    Raises Refused for a plan that is older than `plan_minutes`: `apply` would not carry it out any more.
    """
    _, entry = sealed(journal, fingerprint)
    now = clock.now()
    if too_old(entry, now, plan_minutes):
        raise Refused(
            f"{fingerprint} was made more than {plan_minutes} minutes ago and is too old to approve; "
            "make it again from what is true now."
        )
    until = now + timedelta(minutes=minutes)
    entry = journal.append("approval", {"plan": fingerprint, "until": until.isoformat()}, now)
    return approval_of(entry)


def too_old(entry: Entry, now: datetime, minutes: int) -> bool:
    """Whether the plan of this journal entry is about another time than now."""
    return now > datetime.fromisoformat(entry.at) + timedelta(minutes=minutes)


def approval_of(entry: Entry) -> Approval:
    return Approval(entry.body["plan"], entry.login, entry.host, entry.at, entry.body["until"])


def approvals(journal: Journal, fingerprint: str) -> list[Approval]:
    return [approval_of(entry) for entry in journal.entries("approval") if entry.body["plan"] == fingerprint]
