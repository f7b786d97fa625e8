"""What notebooks import: the questions, the judgements and the verbs, and cards as the way anything is shown."""

from __future__ import annotations

from IPython.core.getipython import get_ipython

from runbook import evidence, planning, repair, response, verify
from runbook import incident as incidents
from runbook.display import health_plots, html, text
from runbook.display.approval import Approving, approval
from runbook.display.asking import new_values
from runbook.display.nouns import card
from runbook.display.plots import as_png, plot_classes, plot_minutes, plot_rate
from runbook.facts import Alarms, Checked, Diagnosis, Evidence, Finding, Impact, Suspects
from runbook.incident import Incident
from runbook.judgement import keys, request_rate, test_mode, triage, webhooks
from runbook.judgement.escalation import Level
from runbook.judgement.reconciliation import Reconciliation
from runbook.plan import Carried, Plan
from runbook.response import Record

__all__ = [
    "approval",
    "evidence",
    "health_plots",
    "keys",
    "new_values",
    "open_incident",
    "planning",
    "plot_classes",
    "plot_minutes",
    "plot_rate",
    "repair",
    "request_rate",
    "response",
    "test_mode",
    "triage",
    "verify",
    "webhooks",
]

SHOWN = (Incident, Alarms, Evidence, Finding, Suspects, Impact, Diagnosis, Level, Plan, Approving, Carried, Checked,
         Reconciliation, Record)  # fmt: skip


def open_incident(notebook: str, target: str, incident: str, **window: str) -> Incident:
    """Open an incident or join one, and note in the journal that this notebook was started."""
    opened = incidents.open_incident(target, incident, **window)
    opened.log("started", notebook=notebook)
    return opened


def show_cards() -> None:
    """Show each noun as its card, in the plain and in the rich form of a cell's output."""
    shell = get_ipython()
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    # By name, so that a notebook without a plot does not import matplotlib.
    formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", as_png)
    for noun in SHOWN:
        formatters["text/plain"].for_type(noun, lambda value, printer, _: printer.text(text.render(card(value))))
        formatters["text/html"].for_type(noun, lambda value: html.render(card(value)))


show_cards()
