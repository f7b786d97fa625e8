"""The incident being worked: what every question is asked of, how it is opened, and the folder that keeps it."""

from runbook.incident.folder import directory_of, opened_with, outputs
from runbook.incident.noun import Incident, readable, told
from runbook.incident.opening import clock_of, join, open_incident, visit

__all__ = [
    "Incident",
    "clock_of",
    "directory_of",
    "join",
    "open_incident",
    "opened_with",
    "outputs",
    "readable",
    "told",
    "visit",
]
