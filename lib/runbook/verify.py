"""Running the checks with the same eyes before and after, and watching payments succeed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from runbook import evidence, record
from runbook.errors import CannotLook
from runbook.evidence import recent
from runbook.facts import Answer, Checked, Evidence, Finding, Row
from runbook.incident import Incident, readable
from runbook.journal import Entry
from runbook.judgement import checks, keys, payments, triage

# A minute of payments every quarter of one: soon enough to stop a watch that goes wrong, cheap enough for half an hour.
WATCH_EVERY_SECONDS = 15
# While a cure is seconds old: four requests to Stripe in so many looks are far below what it allows.
LOOK_EVERY_SECONDS = 0.5
# Remedies that cure nothing: a test payment, and what is sent when all is over.
NO_REPAIR = frozenset({"test_payment", "follow_up"})


def run(incident: Incident, wait_seconds: int = 0) -> Checked:
    """All checks, from both sides, noted in the journal as before or after the repair.

    What this notebook has read already is used again, until a repair makes it look anew. After a repair, and on wall
    time, it waits at most `wait_seconds` for enough payments to judge the cure by.
    """
    if wait_seconds and phase(incident) == "after" and not incident.clock.fixed:
        wait_for_payments(incident, wait_seconds)
    after, left = repaired_at(incident), work_list(incident)
    limits = incident.target.thresholds
    completed, paid = completed_and_paid(incident)
    findings = (
        checks.paid_is_recorded(recent.missing_until_now(incident), left),
        checks.recorded_is_paid(completed, paid, left),
        keys.service_key_is_accepted(evidence.key_settings(incident), evidence.keys_tried(incident)),
        triage.keys_have_the_right_mode(evidence.configured_keys(incident), incident.target),
        checks.events_of_others_are_refused(evidence.probes(incident)),
        checks.requests_succeed(recent.recent_requests(incident), limits.error_share_percent, after),
        checks.events_arrive(recent.recent_events(incident, left), after),
        checks.succeeds_often_enough(recent.recent_payments(incident, left), limits.success_rate_percent, after),
    )
    result = Checked(phase(incident), findings)
    incident.log("checks", phase=result.phase, findings=[noted(each) for each in findings])
    return result


def noted(finding: Finding) -> Row:
    return {"statement": finding.statement, "answer": finding.answer.value, "because": finding.because}


def phase(incident: Incident) -> str:
    """After, once anything of a repair was applied."""
    return "after" if repairs(incident.journal.entries("plan", "outcomes")) else "before"


def repairs(entries: Iterable[Entry]) -> list[Entry]:
    """The outcomes among these entries of plans that repair something, with at least one step applied."""
    listed = list(entries)
    remedies = {entry.body["fingerprint"]: entry.body["remedy"] for entry in listed if entry.kind == "plan"}
    return [
        entry
        for entry in listed
        if entry.kind == "outcomes"
        and remedies.get(entry.body["plan"], "") not in NO_REPAIR
        and any(each["word"] == "applied" for each in entry.body["outcomes"])
    ]


def repaired_at(incident: Incident) -> int | None:
    """The first whole second after the newest step of a repair; None before one."""
    done = repairs(incident.journal.entries("plan", "outcomes"))
    return math.ceil(datetime.fromisoformat(done[-1].at).timestamp()) if done else None


def work_list(incident: Incident) -> frozenset[str]:
    """Payments that a work list of the journal leaves to a person; each scenario's plan may have one."""
    return frozenset(item["payment"] for item in record.work_list(incident.journal.entries()))


def completed_and_paid(incident: Incident) -> tuple[Evidence, dict[str, bool]]:
    """The rows that the ledger calls completed, and of each intent that they name whether Stripe took the money. What
    could not be read of either side stands in the evidence."""
    rows = evidence.asked_of_ledger(incident, "completed_rows")
    paid = readable(lambda: paid_intents(incident, rows) if rows.readable else {})
    return (replace(rows, rows=(), unreadable=str(paid)), {}) if isinstance(paid, CannotLook) else (rows, paid)


def paid_intents(incident: Incident, rows: Evidence) -> dict[str, bool]:
    """Of each intent that the rows name: did Stripe take the money? Those beyond the window's edge are asked singly."""
    listed = {intent["id"]: payments.is_paid(intent) for intent in evidence.window_intents(incident, None)}
    beyond = {row["intent_id"] for row in rows.rows if row["intent_id"] and row["intent_id"] not in listed}
    for intent in sorted(beyond):
        found = incident.gateway.find(f"/v1/payment_intents/{intent}")
        listed[intent] = bool(found) and payments.is_paid(found)
    return listed


def wait_for_payments(incident: Incident, seconds: int) -> None:
    """Look until the payments, requests and events since the repair are enough to judge by, for so long at the most.
    A side that cannot be read is not waited for: the checks will say so."""
    limits, after, left = incident.target.thresholds, repaired_at(incident), work_list(incident)
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        seen = (
            checks.succeeds_often_enough(since(recent.recent_payments(incident, left), after),
                                         limits.success_rate_percent),
            checks.requests_succeed(since(recent.recent_requests(incident), after), limits.error_share_percent),
            checks.events_arrive(since(recent.recent_events(incident, left), after)),
        )  # fmt: skip
        if all(each.answer is not Answer.CANNOT_TELL or not each.evidence[0].readable for each in seen):
            return
        time.sleep(LOOK_EVERY_SECONDS)


def since(found: Evidence, after: int | None) -> Evidence:
    """The rows of what happened after the repair."""
    return replace(found, rows=tuple(row for row in found.rows if after is None or row["created_at"] >= after))


def payments_by_minute(incident: Incident) -> Evidence:
    """How did payments end, minute by minute, over the last half hour?"""
    found = recent.recent_payments(incident, work_list(incident))
    rows = tuple(checks.by_minute(found.rows))
    return replace(found, question="How did payments end, minute by minute?", rows=rows)


def watch(incident: Incident, minutes: int) -> Evidence:
    """Follow payments live for so many minutes, then say how they ended; 0 looks back only. Ctrl-C ends it early."""
    until = time.monotonic() + (0 if incident.clock.fixed else minutes * 60)
    while True:
        incident.look_again()
        found = payments_by_minute(incident)
        if time.monotonic() >= until:
            return found
        time.sleep(WATCH_EVERY_SECONDS)


def compared(incident: Incident) -> Evidence:
    """Each check as it stood at the first look, and as it stands at the newest."""
    looks = incident.journal.entries("checks")
    first, last = ({each["statement"]: each for each in look.body["findings"]} for look in (looks[0], looks[-1]))
    rows = tuple(
        {"check": name, "first": first[name]["answer"], "now": last[name]["answer"], "because": last[name]["because"]}
        for name in last
        if name in first
    )
    return Evidence("How did the checks stand at first, and how now?", "journal", incident.as_of, rows)
