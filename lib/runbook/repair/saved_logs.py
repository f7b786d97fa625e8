"""Logs that a restart would end are kept first: a service that is started anew often begins with an empty log."""

from __future__ import annotations

import os

from runbook.incident import Incident
from runbook.redact import redact

NAME = "logs-before-restart"


def save_logs(incident: Incident) -> str:
    """Write the window's lines of both streams, without secrets, into the incident's directory; returns the file's
    name. Raises CannotLook where they cannot be read: a restart would lose them."""
    lines = incident.containers.logs(incident.window)
    for name in (f"{NAME}.txt", *(f"{NAME}-{number}.txt" for number in range(2, 100))):
        try:
            handle = os.open(incident.directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as kept:
            kept.writelines(f"{line.at.isoformat()} {line.stream} {redact(line.text)}\n" for line in lines)
        return name
    return f"{NAME}.txt"
