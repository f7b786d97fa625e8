"""The verbs of a response that touch the journal: diagnose, reconcile, finish."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook import export, record
from runbook.facts import Diagnosis, Evidence, Finding, Suspects
from runbook.incident import Incident
from runbook.judgement import escalation, triage
from runbook.judgement.escalation import Level
from runbook.judgement.reconciliation import Reconciliation
from runbook.reconcile import reconcile as reconcile_facts


def diagnose(
    incident: Incident, suspects: Suspects, missing: Evidence, alarms: Sequence[Finding] = ()
) -> tuple[Diagnosis, Level]:
    """Name the causes that are left and whom to tell, and note both in the journal."""
    found = triage.impact(missing.rows, incident.target.thresholds)
    parameters = {"target": incident.target.name, "incident": incident.id}
    diagnosis = triage.diagnose(suspects, found, alarms, parameters)
    level = escalation.level(incident.target.escalation, found, minutes_open(incident))
    incident.log(
        "diagnosis",
        diagnosis={
            "causes": list(diagnosis.causes),
            "ruled_out": list(suspects.ruled_out),
            "cannot_tell": [each.statement for each in suspects.open_questions],
            "evidence": [
                {"cause": cause, "because": each.because}
                for cause in diagnosis.causes
                for each in suspects.for_.get(cause, ())
            ],
            "sentence": diagnosis.sentence,
            "next_notebook": diagnosis.next_notebook,
        },
        impact={
            "payments": found.payments,
            "users": found.users,
            "amounts_minor": dict(found.amounts_minor),
            "scale": found.scale,
        },
        escalation={"level": level.number, "contact": level.contact, "reasons": list(level.reasons)},
    )
    return diagnosis, level


def minutes_open(incident: Incident) -> int:
    opened = incident.journal.entries("opened")[0]
    return int((incident.as_of - datetime.fromisoformat(opened.at)).total_seconds() // 60)


@dataclass(frozen=True)
class Record:
    """What a notebook leaves behind: its headline, and the whole incident's record as it stands."""

    headline: str
    content: Mapping[str, Any]


def finish(incident: Incident, notebook: str, headline: str) -> Record:
    """The last cell of every notebook: without it a run does not count as completed."""
    incident.log("finished", notebook=notebook, headline=headline)
    return Record(headline, record.write(incident.directory))




def reconcile(incident: Incident) -> Reconciliation:
    """Every payment of the window, both sides, each in one class; the verdict is noted in the journal."""
    result = reconcile_facts(export.facts(incident), export.settings(incident))
    incident.log(
        "reconciliation",
        verdict=result.verdict,
        because=list(result.incomplete_because),
        items=len(result.items),
        discrepancies=len(result.discrepancies),
        digest=hashlib.sha256(result.to_json()).hexdigest(),
    )
    return result
