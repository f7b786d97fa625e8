"""Plans that take back what was applied."""

from __future__ import annotations

from runbook.errors import BadInput
from runbook.incident import Incident
from runbook.journal import Journal
from runbook.judgement.remedies import undo
from runbook.plan import Plan, Step
from runbook.planning.sealing import seal, sealed


def plan_undo(incident: Incident) -> Plan:
    """What the incident's newest applied plan would take to be taken back, sealed."""
    applied = [entry.body["plan"] for entry in incident.journal.entries("outcomes")]
    for fingerprint in dict.fromkeys(reversed(applied)):
        made, _ = sealed(incident.journal, fingerprint)
        steps = applied_steps(incident.journal, made)
        if made.undoes or not any(step.undo for step in steps):
            continue
        return seal(incident, undo.plan(made, steps))
    raise BadInput(f"`{incident.id}` has applied nothing that can be undone.")


def applied_steps(journal: Journal, made: Plan) -> list[Step]:
    """The steps of a plan that the journal says were applied, in order."""
    done = {
        outcome["key"]
        for entry in journal.entries("outcomes")
        if entry.body["plan"] == made.fingerprint
        for outcome in entry.body["outcomes"]
        if outcome["word"] == "applied"
    }
    return [step for step in made.steps if step.key in done]
