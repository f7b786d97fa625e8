"""What notebooks import: the questions, the judgements and the verbs, and cards as the way anything is shown."""

from __future__ import annotations

import os

from IPython.core.getipython import get_ipython
from IPython.display import display

from runbook import evidence, planning, repair, response, verify
from runbook.display import html, text
from runbook.display.nouns import card
from runbook.display.plots import plot_minutes
from runbook.facts import Checked, Diagnosis, Evidence, Finding, Impact, Suspects
from runbook.incident import Incident
from runbook.incident import open_incident as _open
from runbook.judgement import triage
from runbook.judgement.escalation import Level
from runbook.plan import Carried, Plan

__all__ = ["evidence", "open_incident", "approval", "planning", "plot_minutes", "repair", "response", "triage", "verify"]

SHOWN = (Incident, Evidence, Finding, Suspects, Impact, Diagnosis, Level, Plan, Carried, Checked)


def open_incident(notebook: str, target: str, incident: str | Incident, **window: str) -> Incident:
    """Open or join, and note in the journal that this notebook was started."""
    opened = _open(target, incident.id if isinstance(incident, Incident) else incident, **window)
    opened.log("started", notebook=notebook)
    return opened


def register() -> None:
    """Show each noun as its card, in the plain and in the rich form of a cell's output."""
    shell = get_ipython()
    if shell is None:
        return
    for noun in SHOWN:
        shell.display_formatter.formatters["text/plain"].for_type(noun, lambda value, printer, _: printer.text(as_text(value)))
        shell.display_formatter.formatters["text/html"].for_type(noun, as_html)


def as_text(noun: object) -> str:
    return text.render(card(noun))


def as_html(noun: object) -> str:
    return html.render(card(noun))


register()
