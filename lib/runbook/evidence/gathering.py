"""One way to gather: run a reading, and leave evidence also of a side that is away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.errors import CannotLook
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import payments, questions

READ_AHEAD = "read ahead: "


def gathered(
    incident: Incident, question: str, source: str, read: Callable[[], Iterable[Row]], by_hand: str, note: str = ""
) -> Evidence:
    """Run `read`; a side that cannot be read leaves evidence that says so. What was read ahead is handed out once: who
    asks again means now."""
    if early := incident.notes.pop(READ_AHEAD + question, None):
        return early[0]
    rows = readable(lambda: tuple(read()))
    if isinstance(rows, CannotLook):
        return Evidence(question, source, incident.as_of, by_hand=by_hand, unreadable=str(rows))
    return Evidence(question, source, incident.as_of, rows, by_hand, note=note)


def kept_for_later(incident: Incident, evidence: Evidence) -> None:
    """Keep an answer for the first who asks the same question."""
    incident.notes[READ_AHEAD + evidence.question] = (evidence,)


def asked_of_ledger(incident: Incident, name: str, **parameters: Any) -> Evidence:
    """One `.sql` question with the window, the instant and the target's status words as parameters."""
    given = {**ledger_parameters(incident), **parameters}
    text = questions.text(name)
    found = gathered(
        incident, questions.asked(name), "ledger", lambda: incident.ledger.ask(text, **given), f"psql: {name}.sql"
    )
    if not found.readable:
        return found  # the names of its columns could not be looked up either
    return replace(found, by_hand=incident.ledger.by_hand(text, **given))


def ledger_parameters(incident: Incident) -> dict[str, Any]:
    words = incident.target.ledger.status
    return {
        "start": incident.window.start,
        "end": incident.window.end,
        "before": incident.as_of - timedelta(minutes=incident.target.thresholds.stuck_after_minutes),
        **{status: list(words.get(status, ())) for status in payments.STATUSES},
        "paid": [word for status in payments.PAID for word in words.get(status, ())],
    }
