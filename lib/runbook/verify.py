"""Running the checks with the same eyes before and after, and watching payments succeed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from runbook import evidence
from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.facts import Checked, Evidence, Finding, Row
from runbook.incident import Incident, readable
from runbook.judgement import checks, payments

# A minute of payments every quarter of one: soon enough to stop a watch that goes wrong, cheap enough for half an hour.
WATCH_EVERY_SECONDS = 15


def run(incident: Incident) -> Checked:
    """All checks, from both sides, noted in the journal as before or after the repair.

    What this notebook has read already is used again, until a repair makes it look anew.
    """
    missing = evidence.missing_payments(incident, complete=True)
    completed, paid = completed_and_paid(incident)
    percent = incident.target.thresholds.success_rate_percent
    findings = (
        checks.paid_is_recorded(missing, work_list(incident)),
        checks.recorded_is_paid(completed, paid),
        checks.events_arrive(late_events(incident)),
        checks.succeeds_often_enough(success_by_minute(incident, missing), percent),
    )
    result = Checked(phase(incident), findings)
    incident.log("checks", phase=result.phase, findings=[noted(each) for each in findings])
    return result


def noted(finding: Finding) -> Row:
    return {"statement": finding.statement, "answer": finding.answer.value, "because": finding.because}


def phase(incident: Incident) -> str:
    """After, once anything was applied; the test payment changes nothing that the checks look at, and so counts too."""
    words = (each["word"] for entry in incident.journal.entries("outcomes") for each in entry.body["outcomes"])
    return "after" if "applied" in words else "before"


def work_list(incident: Incident) -> frozenset[str]:
    """Payments that the newest work list of the journal leaves to a person."""
    entries = incident.journal.entries("work_list")
    return frozenset(item["payment"] for item in entries[-1].body["items"]) if entries else frozenset()


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


def late_events(incident: Incident) -> Evidence:
    """Events of the last minutes that Stripe has not delivered, save those that are only seconds old."""
    settings = incident.target.thresholds
    end = incident.clock.now() - timedelta(seconds=settings.grace_seconds)
    recent = Window(end - timedelta(minutes=settings.success_window_minutes), end)

    def read() -> list[Row]:
        found = incident.gateway.events(recent, types=["payment_intent.succeeded"], delivery_success=False)
        known = resolved_events(incident)
        return [{"event": each["id"], "created_at": each["created"]} for each in found if not known(each)]

    return evidence.gathered(incident, "Which events of the last minutes could Stripe not deliver?", "gateway", read,
                             "stripe events list --delivery-success=false")  # fmt: skip


def resolved_events(incident: Incident) -> Callable[[Row], bool]:
    """Whether an undelivered event's payment waits for a person already."""
    waiting = work_list(incident)
    return lambda event: event["data"]["object"]["id"] in waiting


def success_by_minute(incident: Incident, missing: Evidence) -> Evidence:
    """How did payments end, minute by minute, over the last half hour?"""
    settings = incident.target.thresholds
    now = int(incident.clock.now().timestamp())
    since = now - settings.success_window_minutes * 60
    lacking = {row["intent_id"] for row in missing.rows} - work_list(incident)

    def read() -> list[Row]:
        recent = Window(
            incident.clock.now() - timedelta(seconds=now - since),
            incident.clock.now() - timedelta(seconds=settings.grace_seconds),
        )
        return checks.by_minute(list(incident.gateway.intents(recent)), lacking)

    found = evidence.gathered(incident, "How did payments end, minute by minute?", "gateway, ledger", read,
                              "stripe payment_intents list beside psql: rows_of_intents.sql")  # fmt: skip
    return found if missing.readable else replace(found, rows=(), unreadable=missing.unreadable)


def watch(incident: Incident, minutes: int) -> Evidence:
    """Follow payments live for so many minutes, then say how they ended; 0 looks back only. Ctrl-C ends it early."""
    until = time.monotonic() + (0 if incident.clock.fixed else minutes * 60)
    while True:
        incident.look_again()
        found = success_by_minute(incident, evidence.missing_payments(incident, complete=True))
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
