"""Another value for a variable: stored in the deployment, then built and started anew, part by part.

| what is seen                                         | step                          | undo                    |
|------------------------------------------------------|-------------------------------|-------------------------|
| the stored value is not the one that is wanted       | set the variable, and leave   | none: a secret's old    |
|                                                      | all else as it stands         | value is not kept       |
| stored is right, and the container runs with another | deploy anew                   | none                    |
| stored and running are right                         | nothing                       | —                       |

All values are set before the first deployment, so that no part runs with half of them. Each step is required: nothing
is deployed with what could not be set. Where a person deploys, the same steps are instructions, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.plan import Plan, Step

NAME = "new_value"
NO_UNDO_DEPLOY = "a deployment is not taken back; another value is another plan"
VALUES = ("Secret values are in no plan and in no journal: they stand there by fingerprint, and are taken from the "
          "named variables when the plan is applied.")  # fmt: skip
IN_FLIGHT = ("A deployment ends the old container; a request that it is in the midst of is lost to the customer, and "
             "Stripe delivers again what was not answered.")  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One variable of one application. `stored` and `running`: what it is there now, as a fingerprint. `kept` says why
    the old value cannot come back, or need not."""

    app: str  # api | web
    service: str  # as people call it
    variable: str
    stored: str
    running: str
    fingerprint: str  # of the new value
    about: str  # the new value in words: "the live secret key"
    role: str
    source: str = ""  # the environment variable that holds it; empty: it is stored already
    kept: str = "its old value is not kept"

    @property
    def is_stored(self) -> bool:
        return self.stored == self.fingerprint


def plan(changes: Sequence[Change], manual: bool, target: str, identity: str, remedy: str, notebook: str) -> Plan:
    """Empty where everything is as it is wanted already."""
    apps = dict.fromkeys(each.app for each in changes if each.running != each.fingerprint or not each.is_stored)
    steps = [set_variable(each, manual) for each in changes if not each.is_stored]
    steps += [redeploy(app, [each for each in changes if each.app == app], manual) for app in apps]
    promises = (VALUES, IN_FLIGHT) if any(step.kind == "set_variable" for step in steps) else (IN_FLIGHT,)
    return Plan(target, identity, remedy, notebook, tuple(steps), promises=promises)


def set_variable(change: Change, manual: bool) -> Step:
    old = "where there is none now" if change.stored == "absent" else f"now {change.stored}"
    return Step(
        kind="set_variable",
        object_id=f"{change.service} {change.variable}",
        sentence=f"Set {change.variable} in the environment that is stored for {change.service} ({old}) to "
        f"{change.about} in {change.source}, {change.fingerprint}, and leave everything else as it is.",
        old={"app": change.app, "variable": change.variable, "stored": change.stored},
        new={"app": change.app, "variable": change.variable, "role": change.role, "source": change.source,
             "fingerprint": change.fingerprint},
        no_undo=change.kept,
        required=not manual,
    )  # fmt: skip


def redeploy(app: str, changes: Sequence[Change], manual: bool) -> Step:
    service = changes[0].service
    names = ", ".join(each.variable for each in changes)
    wait = "wait until the page holds it" if app == "web" else "wait until it is healthy"
    return Step(
        kind="redeploy",
        object_id=service,
        sentence=f"Deploy {service} anew, so that it is built and runs with the stored {names}, and {wait}.",
        old={"app": app, "running": running(changes, "running")},
        new={"app": app, "running": running(changes, "fingerprint")},
        no_undo=NO_UNDO_DEPLOY,
        required=not manual,
    )


def running(changes: Sequence[Change], which: str) -> Mapping[str, str]:
    return {each.variable: getattr(each, which) for each in changes}
