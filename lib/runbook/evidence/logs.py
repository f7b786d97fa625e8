"""The service's logs of the window, read once and summed up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import log_lines
from runbook.judgement.log_entry import LogEntry
from runbook.judgement.log_summary import LogSummary, summarise


def log_summary(incident: Incident) -> tuple[LogSummary, Evidence]:
    """The service's logs of the window in one pass, and the classes of errors in them as evidence."""
    question = "Which errors do the service's logs name?"
    summary = readable(lambda: incident.once("logs", lambda: _summed_up(incident)))
    if isinstance(summary, CannotLook):
        return LogSummary(), Evidence(
            question, "logs", incident.as_of, by_hand=logs_by_hand(incident), unreadable=str(summary)
        )
    rows = tuple(log_rows(summary))
    return summary, Evidence(question, "logs", incident.as_of, rows, logs_by_hand(incident),
                             note=f"{summary.entries:,} entries read")  # fmt: skip


def _summed_up(incident: Incident) -> LogSummary:
    entries, cut = window_entries(incident)
    summary = summarise(entries, incident.target.service.paths.payments)
    summary.cut = cut
    return summary


def window_entries(incident: Incident) -> tuple[list[LogEntry], bool]:
    """The entries of the incident's window, and whether older ones were not read; a notebook reads and parses them
    once, however many of its questions they answer. Raises CannotLook."""
    return incident.once("log entries", lambda: entries_of(incident, incident.window))


def entries_of(incident: Incident, window: Window) -> tuple[list[LogEntry], bool]:
    """The same for any window, read anew. Raises CannotLook."""
    service = incident.target.service
    lines = incident.containers.logs(window, service.log_lines_max)
    return list(log_lines.entries(lines, service.log_format)), lines.cut


def logs_by_hand(incident: Incident, since: datetime | None = None) -> str:
    """Errors stand on the other stream, so both are read."""
    names = " ".join(incident.target.service.names)
    return f"docker service logs --since {(since or incident.window.start).isoformat()} {names} 2>&1"


def log_rows(summary: LogSummary) -> Iterable[Row]:
    for name, seen in sorted(summary.classes.items(), key=lambda item: (-item[1].lines, item[0])):
        yield {
            "error": name,
            "lines": seen.lines,
            "first_at": seen.first,
            "last_at": seen.last,
            "example": seen.example,
        }
