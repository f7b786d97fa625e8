"""The record: the journal folded into one JSON document that can be read alone.

`status` says whether the run got through; `verdict` says what was true.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.errors import BrokenRecord
from runbook.journal import Entry, Journal
from runbook.judgement.causes import CAUSES

SCHEMA_VERSION = 1
# Causes that are nothing to repair: none at all, and customers' own doing.
NOT_OURS = {cause.name for cause in CAUSES.values() if not cause.incident} | {"none"}
HEALTH_VERDICTS = {"does not hold": "incident_found", "cannot tell": "incomplete"}
# What is written to people after an incident, and a payment of our own, repair nothing.
NO_REPAIR = ("test_payment", "follow_up")
OUTCOMES = {"applied": "applied", "already done": "already_done", "withheld": "withheld"}


def fold(incident: str, entries: Sequence[Entry]) -> dict[str, Any]:
    """The record of an incident, from nothing but its journal."""
    if not entries:
        raise BrokenRecord(f"The journal of {incident} is empty; nothing can be said of it. Open a new incident.")
    opened = entries[0]
    last = newest(entries, "diagnosis") or {}
    checks = {phase: checks_of(entries, phase) for phase in ("before", "after")}
    made = {entry.body["fingerprint"]: entry for entry in of(entries, "plan")}  # one made again is the same plan
    plans = [plan_state(entry, entries) for entry in made.values()]
    health = newest(entries, "health") or {"findings": []}
    reconciliation = newest(entries, "reconciliation") or {}
    return {
        "schema_version": SCHEMA_VERSION,
        "incident": incident,
        "target": opened.body["target"],
        "mode": opened.body["environment"],
        "symptom": opened.body["symptom"],
        "window": opened.body["window"],
        "opened_at": opened.at,
        "closed_at": entries[-1].at,
        "status": status(entries, plans),
        "verdict": verdict(last, checks, reconciliation, health["findings"]),
        "diagnosis": last.get("diagnosis", {"causes": [], "ruled_out": [], "cannot_tell": [], "evidence": []}),
        "impact": last.get("impact", {"payments": 0, "users": 0, "amounts_minor": {}}),
        "escalation": last.get("escalation", {"level": 0, "reasons": []}),
        "plans": plans,
        "outcomes": outcomes(entries),
        "withheld": withheld(entries),
        "work_list": work_list(entries),
        "reconciliation": reconciliation,
        "checks": checks,
        "notebooks": [entry.body | {"at": entry.at} for entry in of(entries, "finished")],
        "timings_seconds": timings(entries),
        "journal_head": entries[-1].hash,
    }


def of(entries: Sequence[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry.kind == kind]


def newest(entries: Sequence[Entry], kind: str) -> Any:
    found = of(entries, kind)
    return found[-1].body if found else None


def checks_of(entries: Sequence[Entry], phase: str) -> list[dict[str, Any]]:
    """The first look before, the newest look after."""
    found = [entry.body["findings"] for entry in of(entries, "checks") if entry.body["phase"] == phase]
    return (found[0] if phase == "before" else found[-1]) if found else []


def plan_state(entry: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    body = entry.body
    words = Counter(results(entries, body["fingerprint"]).values())
    approved = any(each.body["plan"] == body["fingerprint"] for each in of(entries, "approval"))
    state = "approved" if approved else "awaiting approval"
    if words:
        done = words["applied"] + words["already done"]
        state = "applied" if done == len(body["steps"]) else "partly applied" if done else "withheld"
    return {
        "fingerprint": body["fingerprint"],
        "remedy": body["remedy"],
        "notebook": body["notebook"],
        "undoes": body["undoes"],
        "steps": len(body["steps"]),
        "state": state,
    }


def results(entries: Sequence[Entry], plan: str = "") -> dict[str, str]:
    """Step key → outcome. What was applied stays applied when a later look finds it already done."""
    found: dict[str, str] = {}
    for entry in of(entries, "outcomes"):
        if plan in ("", entry.body["plan"]):
            for each in entry.body["outcomes"]:
                if found.get(each["key"]) != "applied":
                    found[each["key"]] = each["word"]
    return found


def outcomes(entries: Sequence[Entry]) -> dict[str, int]:
    counts = Counter(results(entries).values())
    return {name: counts[word] for word, name in OUTCOMES.items()}


def withheld(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Steps that were not carried out, each with its reason."""
    final = results(entries)
    reasons = {each["key"]: each["detail"] for entry in of(entries, "outcomes") for each in entry.body["outcomes"]}
    return [{"key": key, "reason": reasons[key]} for key, word in final.items() if word == "withheld"]


def status(entries: Sequence[Entry], plans: Sequence[dict[str, Any]]) -> str:
    started = Counter(entry.body["notebook"] for entry in of(entries, "started"))
    finished = Counter(entry.body["notebook"] for entry in of(entries, "finished"))
    if started - finished:
        return "failed"
    refused = {entry.body["plan"] for entry in of(entries, "refused") if approved_before(entry, entries)}
    return (
        "withheld"
        if any(plan["fingerprint"] in refused and "applied" not in plan["state"] for plan in plans)
        else "completed"
    )


def approved_before(refusal: Entry, entries: Sequence[Entry]) -> bool:
    """Whether anybody had said yes to the plan that was refused; every dry run tries one that nobody has."""
    return any(
        entry.seq < refusal.seq and entry.body["plan"] == refusal.body["plan"] for entry in of(entries, "approval")
    )


def work_list(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """What is left to a person: of each remedy the newest list counts, and a payment stands once."""
    newest_of = {entry.body["remedy"]: entry.body["items"] for entry in of(entries, "work_list")}
    items = [item for items in newest_of.values() for item in items]
    return list({item["payment"]: item for item in items}.values())


def verdict(
    diagnosed: dict[str, Any],
    checks: dict[str, list[dict[str, Any]]],
    reconciliation: dict[str, Any],
    health: Sequence[dict[str, Any]] = (),
) -> str:
    """What was true: later and firmer looks decide over earlier ones. Monitoring decides where nobody looked closer."""
    after = [finding["answer"] for finding in checks["after"]]
    causes = diagnosed.get("diagnosis", {}).get("causes", [])
    if health and not causes and not reconciliation and not any(checks.values()):
        answers = {finding["answer"] for finding in health}
        return next(
            (told for answer, told in HEALTH_VERDICTS.items() if answer in answers), "no_incident"
        )
    if "does not hold" in after:
        return "not_recovered"
    if "cannot tell" in after or reconciliation.get("verdict") == "incomplete":
        return "incomplete"
    calm = bool(causes) and set(causes) <= NOT_OURS
    if after and not calm:
        return "recovered"
    if calm or (not causes and reconciliation):
        before = [finding["answer"] for finding in checks["before"]]
        ill = not after and ("does not hold" in before or reconciliation.get("verdict") == "breaks")
        return "incident_found" if ill else "no_incident"
    if causes == ["unknown"]:
        return "incomplete" if diagnosed["diagnosis"]["cannot_tell"] else "unknown"
    return "incident_found" if causes else "unknown"


def timings(entries: Sequence[Entry]) -> dict[str, float]:
    """Machine time in seconds, from the journal's own instants; waiting for people is left out."""
    spent = {"triage": 0.0, "diagnosis": 0.0, "repair": 0.0, "verification": 0.0, "total": 0.0}
    begun: dict[str, datetime] = {}
    for entry in entries:
        now = datetime.fromisoformat(entry.at)
        if entry.kind in ("started", "begun"):
            begun[entry.kind] = now
        elif entry.kind == "diagnosis" and "started" in begun:
            spent["diagnosis"] += (now - begun["started"]).total_seconds()
        elif entry.kind == "outcomes":
            spent["repair"] += (now - begun["begun"]).total_seconds()
        elif entry.kind == "finished":
            seconds = (now - begun["started"]).total_seconds()
            spent["total"] += seconds
            if name := {"00_triage": "triage", "30_verification": "verification"}.get(entry.body["notebook"]):
                spent[name] += seconds
    return {name: round(seconds, 3) for name, seconds in spent.items()}


def exit_code(record: dict[str, Any]) -> int:
    """0 nothing wrong or recovered; 1 wrong and no plan for it; 2 could not look; 3 a plan awaits approval."""
    if record["status"] == "failed":
        return 2
    if record["verdict"] in ("recovered", "no_incident"):
        return 0
    # Of each remedy the newest plan counts.
    newest = {plan["remedy"]: plan for plan in record["plans"] if plan["remedy"] not in NO_REPAIR}
    if any(plan["state"] in ("awaiting approval", "approved") and plan["steps"] for plan in newest.values()):
        return 3
    return 2 if record["verdict"] in ("incomplete", "unknown") else 1


def write(directory: Path) -> dict[str, Any]:
    """Fold the journal into `record.json`, whole or not at all, and return it."""
    record = fold(directory.name, Journal(directory / "journal.jsonl").entries())
    unfinished = directory / f".record-{os.getpid()}.json"
    unfinished.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(unfinished, directory / "record.json")
    return record
