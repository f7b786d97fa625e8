"""Restart the service: the first level of the escalation, for a process that is stuck and not for one that is wrong.

It clears what a process holds in memory and cures nothing that is stored, configured or released; the logs are kept
first, because the new container may begin with empty ones.
"""

from __future__ import annotations

from runbook.plan import Plan, Step

NAME = "restart"
KEEPS_LOGS = "The logs of the window are kept in the incident's directory before anything is restarted."
TWICE = ("Requests that are under way are cut off. {waiting} events of Stripe wait for delivery; one that is cut off "
         "in the midst comes again, and {proof}")  # fmt: skip
PROVEN = "the service notes handled events, so that the second one is skipped unless the first was lost."
UNPROVEN = ("whether the service would run it twice cannot be seen from here: mails and orders may be made a second "
            "time.")  # fmt: skip


def plan(
    service: str, started_at: str, waiting: int, notes_events: bool, differs: tuple[str, ...], target: str,
    identity: str, notebook: str,
) -> Plan:
    """`started_at` guards it: a service that was started anew meanwhile is left alone. `differs`: variables whose
    stored value a new container would get, and the old one does not run with."""
    also = f" It will then run with the stored {', '.join(differs)}, which it does not now." if differs else ""
    step = Step(
        kind="restart_service",
        object_id=service,
        sentence=f"Keep the logs of {service}, then start it anew in the same build, and wait until it is healthy."
        f"{also}",
        old={"app": "api", "started_at": started_at},
        new={"app": "api"},
        no_undo="what a process held in memory does not come back",
        required=True,
    )
    promises = (KEEPS_LOGS, TWICE.format(waiting=waiting, proof=PROVEN if notes_events else UNPROVEN))
    return Plan(target, identity, NAME, notebook, (step,), promises=promises)
