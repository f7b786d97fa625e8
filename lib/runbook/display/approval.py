"""Approving on the page. A button only writes the approval into the journal; the next cell looks whether it is there,
so a run without a person goes the same way and finds none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from typing import Any

from runbook import planning
from runbook.errors import RunbookError
from runbook.incident import Incident
from runbook.plan import Plan

# Set where a person sits in front of the notebook, so that approving can be offered as a button.
INTERACTIVE = "RUNBOOK_INTERACTIVE"


@dataclass(frozen=True)
class Approving:
    """How to say yes to a plan by hand."""

    incident: str
    plan: str
    approved_by: tuple[str, ...]


def approval(incident: Incident, plan: Plan) -> Any:
    """A box to approve the plan in, where a person sits; the command to do so, where nobody does."""
    if not plan:
        return Approving(incident.id, "", ())
    if os.environ.get(INTERACTIVE):
        return box(incident, plan)
    given = planning.approvals(incident.journal, plan.fingerprint)
    return Approving(incident.id, plan.fingerprint, tuple(f"{each.login} on {each.host}" for each in given))


def box(incident: Incident, plan: Plan) -> Any:
    """Type the end of the fingerprint, press the button: reading it is part of saying yes."""
    import ipywidgets as widgets

    end = plan.fingerprint[-4:]
    typed = widgets.Text(placeholder=f"type {end}", description="plan …", layout={"width": "16em"})
    button = widgets.Button(description="Approve this plan", button_style="warning", disabled=True)
    said = widgets.HTML()

    def on_typed(change: dict[str, Any]) -> None:
        button.disabled = change["new"].strip() != end

    def on_pressed(_: object) -> None:
        try:
            policy = incident.target.policy
            yes = planning.approve(incident.journal, plan.fingerprint, policy.approval_minutes, incident.clock,
                                   policy.plan_minutes)  # fmt: skip
        except RunbookError as error:
            said.value = f"<span>{escape(str(error))}</span>"
            return
        button.disabled = typed.disabled = True
        said.value = f"<b>Approved</b> by {escape(yes.login)} until {yes.until[11:16]} UTC. Run the next cell."

    typed.observe(on_typed, names="value")
    button.on_click(on_pressed)
    return widgets.VBox([widgets.HBox([typed, button]), said])
