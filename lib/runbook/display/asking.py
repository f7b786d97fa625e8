"""Asking a person for a new secret, without echo, into this process's environment and nowhere else.

Where nobody sits in front, nothing is asked: the variable is set by whoever runs the notebook, or the plan says that it
is missing. A secret is never a parameter, as papermill keeps those in the executed notebook, twice.
"""

from __future__ import annotations

import getpass
import os

from runbook import evidence
from runbook.display.approval import INTERACTIVE
from runbook.facts import Evidence
from runbook.incident import Incident
from runbook.judgement import keys


def new_values(incident: Incident, tried: Evidence) -> Evidence:
    """Which values are at hand for a cure? What is needed and is not set is asked for, where a person is."""
    for role in keys.roles_to_replace(tried) if os.environ.get(INTERACTIVE) else ():
        secret = getattr(incident.target.deploy.new_values, role)
        if secret and not secret.given():
            typed = getpass.getpass(f"New {keys.ROLES[role]} for {secret.name} (what you type is not shown): ").strip()
            os.environ.update({secret.name: typed} if typed else {})
    return evidence.new_values(incident)
