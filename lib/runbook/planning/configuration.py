"""Plans that change how the service is configured, or start it anew. New values are proven before they are offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from runbook.errors import BadInput, CannotLook, Refused
from runbook.evidence import deployment, keys, newest_started, undelivered_events
from runbook.facts import Evidence
from runbook.incident import Incident, told
from runbook.judgement import keys as judged
from runbook.judgement.remedies import configuration, restart
from runbook.judgement.remedies.configuration import Change
from runbook.plan import Plan
from runbook.planning.sealing import no_plan, require_same_environment, seal

KEYS = "10_scenario_a_api_key"
VERIFICATION = "30_verification"  # where a restart is carried out: it cures no cause, and is looked at by the checks
# Where each kind of value stands: (application, the role of its variable there).
PLACES = {
    "secret_key": (("api", "secret_key"),),
    "publishable_key": (("api", "publishable_key"), ("web", "web_publishable_key")),
    "webhook_secret": (("api", "webhook_secret"),),
}
# Only a delivery proves a webhook secret, so one that stands there is never taken for good.
UNPROVEN = "nothing proves it but a delivery"


def plan_new_keys(incident: Incident, settings: Evidence, tried: Evidence) -> Plan:
    """Scenario A's plan: new values for the keys that Stripe does not take, and for no others."""
    if not (settings.readable and tried.readable):
        why = settings.unreadable or tried.unreadable
        return no_plan(incident, judged.CAUSE, KEYS, why)
    return plan_new_value(incident, judged.roles_to_replace(tried), judged.CAUSE, KEYS)


def plan_new_value(
    incident: Incident, roles: Sequence[str], remedy: str = configuration.NAME, notebook: str = KEYS
) -> Plan:
    """Set each of `roles` (of PLACES) wherever it stands, then deploy; sealed. Empty where all is as it should be, and
    with the reason where a value is missing or is not one that Stripe takes."""
    return sealed(incident, remedy, notebook, lambda: [each for role in roles for each in changes(incident, role)])


def sealed(incident: Incident, remedy: str, notebook: str, wanted: Callable[[], Iterable[Change]]) -> Plan:
    """The plan of what is wanted, or an empty one that says why there is none."""
    manual = incident.target.deploy.kind == "manual"
    try:
        require_same_environment(incident)
        made = configuration.plan(list(wanted()), manual, incident.target.name, incident.identity, remedy, notebook)
    except (CannotLook, BadInput) as error:
        return no_plan(incident, remedy, notebook, str(error))
    except Refused as error:
        if not incident.same_environment.holds:
            raise
        return no_plan(incident, remedy, notebook, str(error))
    return seal(incident, made)


def changes(incident: Incident, role: str) -> Iterator[Change]:
    """One for each place. What is stored already, and good, is kept and only has to be deployed."""
    for app, there in PLACES[role]:
        name = getattr(incident.target.deploy.variables, there)
        if not name or (app == "web" and not incident.target.service.web_names):
            continue
        stored, running = environment(incident, app)
        now = running_now(incident, app, name, running)
        old = stored.get(name)
        wrong = "there is none" if old is None else objection(incident, role, old)
        value, source = (old, "") if not wrong and old else new_value(incident, role)
        yield Change(
            app, service_of(incident, app), name, deployment.shown(incident, old), now,
            deployment.shown(incident, value), about(value, role), role, source, kept=kept(old, wrong),
        )  # fmt: skip


def new_value(incident: Incident, role: str) -> tuple[str, str]:
    """The value that was given for this role, and where it came from, once Stripe has proven it. Raises CannotLook."""
    secret = getattr(incident.target.deploy.new_values, role)
    name = judged.ROLES[role]
    if not secret:
        raise CannotLook(f"A new {name} is needed, and the target names no variable for it in `deploy.new_values`.")
    value = secret.given()
    if not value:
        raise CannotLook(f"A new {name} is needed: make one in Stripe's Dashboard, put it into the variable "
                         f"{secret.name}, and run this again.")  # fmt: skip
    if why := objection(incident, role, value):
        raise CannotLook(f"The new {name} in {secret.name} is not one to deploy: {why}.")
    return value, secret.name


def objection(incident: Incident, role: str, value: str) -> str:
    """Why this value must not stand in the place `role`; empty where Stripe takes it for what it should be."""
    seen = judged.described(value, role)
    if seen["problem"]:
        return str(seen["problem"])
    expected = incident.target.gateway.expected_mode
    if seen["mode"] and seen["mode"] != expected:
        return f"it is a {seen['mode']} key, and this target expects {expected}"
    if role == "webhook_secret":
        return UNPROVEN if value != getattr(incident.target.deploy.new_values, role).given() else ""
    tried = ([keys.publishable_key_tried(incident, value)] if role == "publishable_key"
             else list(keys.secret_key_tried(incident, value)))  # fmt: skip
    return "; ".join(f"{row['question']} {row['answer']}: {row['because']}" for row in tried if row["answer"] != "yes")


def environment(incident: Incident, app: str) -> tuple[dict[str, str], dict[str, str]]:
    """What is stored for the application, and what it runs with; where a person deploys, only the latter is known."""
    running = dict(told(keys.environments(incident).get(app) or CannotLook(f"The target names no container of {app}.")))
    if incident.target.deploy.kind == "manual":
        return running, running
    if app not in incident.target.deploy.applications:
        raise CannotLook(f"The target names no application `{app}`; add it to `deploy.applications`.")
    return dict(incident.deployment.application(app).variables), running


def running_now(incident: Incident, app: str, name: str, running: dict[str, str]) -> str:
    """What the application runs with; of the web part, what its page was built with."""
    if app == "web":
        return deployment.running_with(incident, app).get(name, deployment.ABSENT)
    return deployment.shown(incident, running.get(name))


def about(value: str, role: str) -> str:
    seen = judged.described(value, role)
    return f"the {seen['mode']} {judged.ROLES[role]}".replace("  ", " ")


def kept(old: str | None, wrong: str) -> str:
    """Why the old value cannot come back."""
    if old is None:
        return "there was no value before"
    if wrong and wrong != UNPROVEN:
        return "its old value is not kept, and need not be: it is not one that works"
    return "its old value is not kept; whoever made it at Stripe may have it"


def service_of(incident: Incident, app: str) -> str:
    """As people call it."""
    known = incident.target.deploy.applications.get(app)  # type: ignore[call-overload]
    names = incident.target.service.web_names if app == "web" else incident.target.service.names
    return (known.service if known else "") or names[0]


def plan_restart(incident: Incident, notebook: str = VERIFICATION) -> Plan:
    """Start the service anew: the first level of the escalation; sealed."""
    try:
        require_same_environment(incident)
        waiting = sum(row["events"] for row in islice(undelivered_events(incident).rows, 100))
        store = deployment.deployment_store(incident)
        differs = tuple(row["variable"] for row in store.rows if row["same"] == "no" and row["application"] == "api")
        made = restart.plan(
            service_of(incident, "api"), newest_started(incident), waiting, incident.target.ledger.events is not None,
            differs, incident.target.name, incident.identity, notebook,
        )  # fmt: skip
    except CannotLook as error:
        return no_plan(incident, restart.NAME, notebook, str(error))
    return seal(incident, made)
