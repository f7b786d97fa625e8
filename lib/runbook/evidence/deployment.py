"""What the deployment has stored, beside what the containers run with: names and fingerprints only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook.errors import BadInput, CannotLook, Refused
from runbook.evidence.gathering import gathered
from runbook.evidence.keys import PARTS, environments, page, page_keys
from runbook.facts import Evidence, Row
from runbook.incident import Incident, told
from runbook.judgement import keys

if TYPE_CHECKING:
    from runbook.wires.containers import ContainerFacts

ABSENT = "absent"


def deployment_store(incident: Incident) -> Evidence:
    """Do the containers run with what the deployment has stored for the next ones?

    The keys' variables always, of the others those that differ. What a container has from its image is not compared.
    """
    settings = incident.target.deploy
    question = "Do the containers run with what the deployment has stored?"
    by_hand = "compare the application's Environment page with: docker inspect CONTAINER, variable by variable"
    if settings.kind == "manual":
        return Evidence(question, "deployment", incident.as_of, by_hand=by_hand,
                        note="deploy.kind is manual: what is stored can be looked at by a person only")

    def read() -> list[Row]:
        try:
            return [row for app in settings.applications for row in compared(incident, app)]
        except (BadInput, Refused) as error:  # a token that is not set, or may not look
            raise CannotLook(str(error)) from None

    return gathered(incident, question, "deployment, containers", read, by_hand)


def compared(incident: Incident, app: str) -> Iterator[Row]:
    stored = incident.deployment.application(app).variables
    running = told(environments(incident).get(app) or CannotLook(f"the target names no container of {app}"))
    names = [name for role in PARTS[app] if (name := getattr(incident.target.deploy.variables, role))]
    for name in [*names, *sorted(stored.keys() - set(names))]:
        here, there = running.get(name), stored.get(name)
        if name in names or here != there:
            yield {"application": app, "variable": name, "in the container": shown(incident, here),
                   "stored": shown(incident, there), "same": "yes" if here == there else "no"}  # fmt: skip


def shown(incident: Incident, value: str | None) -> str:
    """A fingerprint; two that are alike but for quotes and white space are told apart in words."""
    if value is None:
        return ABSENT
    plain = keys.tidy(value)
    print_ = incident.fingerprint(plain)
    return print_ if plain == value else f"{print_}, with quotes or white space"


def running_with(incident: Incident, app: str) -> dict[str, str]:
    """The fingerprint of each variable of the application's newest container. For the web part's key that of the page
    counts, as it is what browsers get. Raises CannotLook while either is away."""
    found = told(environments(incident).get(app) or CannotLook(f"the target names no container of {app}"))
    prints = {name: shown(incident, value) for name, value in found.items()}
    if app == "web" and told(page(incident)):
        built = ", ".join(shown(incident, each) for each in page_keys(incident))
        prints[incident.target.deploy.variables.web_publishable_key] = built or ABSENT
    return prints


def newest_started(incident: Incident) -> str:
    """The service's newest container and when it was started. Raises CannotLook."""
    return started(incident.containers.configuration()[0])


def started(container: ContainerFacts) -> str:
    return f"{container.name} {container.started_at.isoformat() if container.started_at else 'never'}"
