"""The service's logs of the window, read once and summed up."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.errors import CannotLook
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import log_lines
from runbook.judgement.log_summary import LogSummary, summarise


def log_summary(incident: Incident) -> tuple[LogSummary, Evidence]:
    """The service's logs of the window in one pass, and the classes of errors in them as evidence."""
    question = "Which errors do the service's logs name?"
    names = " ".join(incident.target.service.names)
    by_hand = f"docker service logs --since {incident.window.start.isoformat()} {names} 2>&1"
    summary = readable(lambda: incident.once("logs", lambda: _read_logs(incident)))
    if isinstance(summary, CannotLook):
        return LogSummary(), Evidence(question, "logs", incident.as_of, by_hand=by_hand, unreadable=str(summary))
    rows = tuple(log_rows(summary))
    return summary, Evidence(question, "logs", incident.as_of, rows, by_hand, note=f"{summary.entries:,} entries read")


def _read_logs(incident: Incident) -> LogSummary:
    service = incident.target.service
    lines = incident.containers.logs(incident.window, service.log_lines_max)
    summary = summarise(log_lines.entries(lines, service.log_format), service.paths.payments)
    summary.cut = lines.cut
    return summary


def log_rows(summary: LogSummary) -> Iterable[Row]:
    for name, seen in sorted(summary.classes.items(), key=lambda item: (-item[1].lines, item[0])):
        yield {
            "error": name,
            "lines": seen.lines,
            "first_at": seen.first,
            "last_at": seen.last,
            "example": seen.example,
        }
