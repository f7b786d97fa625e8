"""What happened in the incident, from its journal: the timeline, and how long each stage took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from runbook.evidence.logs import log_summary
from runbook.facts import Evidence
from runbook.incident import Incident
from runbook.journal import Entry
from runbook.judgement import recovery
from runbook.judgement.recovery import Marks

# Remedies whose steps mitigate nothing.
NO_REPAIR = frozenset({"test_payment", "follow_up"})


def what_happened(incident: Incident) -> Evidence:
    """Who did what, when, as the journal has it."""
    rows = tuple(
        {"done_at": datetime.fromisoformat(entry.at), "what": said, "by": entry.login * (entry.kind == "approval")}
        for entry in incident.journal.entries()
        if (said := sentence(entry))
    )
    return Evidence("What happened, and when?", "journal", incident.as_of, rows)


def sentence(entry: Entry) -> str:
    """One entry in words; empty for what only serves the machinery."""
    body = entry.body
    match entry.kind:
        case "opened":
            return f"opened for {body['target']}: {body['symptom'] or 'no symptom was given'}"
        case "started":
            return f"{body['notebook']} was started"
        case "diagnosis":
            return f"diagnosis: {', '.join(body['diagnosis']['causes'])}"
        case "plan":
            return f"{body['fingerprint']} was made: {body['remedy'].replace('_', ' ')}, {len(body['steps']):,} steps"
        case "approval":
            return f"{body['plan']} was approved"
        case "refused":
            return f"{body['plan']} was refused: {body['reason']}"
        case "outcomes":
            return f"{body['plan']}: {counted(each['word'] for each in body['outcomes'])}"
        case "checks":
            return f"checks {body['phase']} the repair: {counted(each['answer'] for each in body['findings'])}"
        case "reconciliation":
            return f"reconciliation: {body['verdict']}, {body['discrepancies']:,} discrepancies"
    return ""


def counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in sorted(Counter(words).items()))


def failed_requests(incident: Incident) -> Evidence:
    """How many requests failed on the payment paths? Who was turned away at the door left no payment to count."""
    logs, log = log_summary(incident)
    rows = ({"requests": logs.requests, "failed": logs.requests_failed},) if log.readable else ()
    return replace(log, question="How many requests failed on the payment paths in the window?", rows=rows)


def recovery_stages(incident: Incident, affected: Evidence) -> Evidence:
    """How long did it take to detect, to mitigate and to recover?"""
    logs, log = log_summary(incident)
    errors = {name: seen.first for name, seen in logs.classes.items() if seen.first} if log.readable else {}
    payments = [row["created_at"] for row in affected.rows if row["created_at"]]
    first = datetime.fromtimestamp(min(payments), UTC) if payments else None
    entries = incident.journal.entries()
    when, told_by = recovery.began(errors, first, causes_of(entries))
    rows = tuple(recovery.stages(marks(entries, when)))
    question = "How long did it take to detect, to mitigate and to recover?"
    return Evidence(question, "journal, logs", incident.as_of, rows, note=f"its beginning: {told_by}")


def causes_of(entries: Iterable[Entry]) -> list[str]:
    found = [entry.body["diagnosis"]["causes"] for entry in entries if entry.kind == "diagnosis"]
    return list(found[-1]) if found else []


def marks(entries: Iterable[Entry], began: datetime | None) -> Marks:
    """The journal folded to its instants. Recovered is the first look of the newest unbroken row of looks at which
    every check held."""
    listed = list(entries)
    cures = {each.body["fingerprint"] for each in listed
             if each.kind == "plan" and each.body["remedy"] not in NO_REPAIR}  # fmt: skip
    mitigated = recovered = None
    for entry in listed:
        at = datetime.fromisoformat(entry.at)
        if entry.kind == "outcomes" and entry.body["plan"] in cures and mitigated is None:
            mitigated = at if any(each["word"] == "applied" for each in entry.body["outcomes"]) else None
        elif entry.kind == "checks" and mitigated is not None:
            holds = all(each["answer"] == "holds" for each in entry.body["findings"])
            recovered = (recovered or at) if holds else None
    return Marks(began, datetime.fromisoformat(listed[0].at), mitigated, recovered)
