"""Steps that change how the service is configured and run, through its deployment.

A value never comes out of the plan: it is taken again from where the plan says, and must have the plan's fingerprint.
What was done before a crash is seen by looking: at what is stored, at what the containers run with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runbook import evidence
from runbook.errors import BadInput, CannotLook, Refused
from runbook.incident import readable
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.redact import one_line
from runbook.repair.context import Context
from runbook.repair.saved_logs import save_logs
from runbook.target import NewValues

FAILURES = (CannotLook, Refused, BadInput)


def set_variables(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    return [set_one(context, step) for step in steps]


def set_one(context: Context, step: Step) -> Outcome:
    """Change what is stored for the next container, if it is still what the plan saw, and nothing else of it."""
    app, name = step.new["app"], step.new["variable"]
    try:
        if is_manual(context):
            return by_hand(context, step, {name: wanted(step)})
        value = value_of(context, step)
        seen = context.incident.deployment.application(app)
        now = evidence.shown(context.incident, seen.variables.get(name))
        if seen.variables.get(name) == value:
            return AlreadyDone(step.key, f"{name} of {seen.name} is stored already")
        if now != step.old["stored"]:
            return Withheld(step.key, f"{name} of {seen.name} is not what the plan saw: somebody has changed it since")
        after = context.deploy.set_variable(app, seen, name, value)
    except FAILURES as error:
        return Withheld(step.key, one_line(str(error)).rstrip("."))
    others = len(after.variables) - 1
    return Applied(step.key, f"{name} of {seen.name}: {now} → {wanted(step)}; {others} other variables as they were")


def value_of(context: Context, step: Step) -> str:
    """The plain value of a setting, or a secret from where the plan says. Raises Refused for another one."""
    if "value" in step.new:
        return str(step.new["value"])
    source, role = step.new["source"], step.new["role"]
    values: NewValues = context.incident.target.deploy.new_values
    value = getattr(values, role).given()
    if not value:
        raise Refused(f"The new value is not set in {source}; set it there and apply the plan again.")
    if context.incident.fingerprint(value) != step.new["fingerprint"]:
        raise Refused(f"The value in {source} is not the one that the plan was made for; make the plan again.")
    return str(value)


def wanted(step: Step) -> str:
    """The fingerprint of the new value; a setting that is no secret stands beside its own."""
    return str(step.new.get("fingerprint") or step.new["stored"])


def redeploy(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    return [redeploy_one(context, step) for step in steps]


def redeploy_one(context: Context, step: Step) -> Outcome:
    """Build and start anew with what is stored, wait for the deployment and then for the service's health."""
    app, prints = step.new["app"], step.new["running"]
    try:
        if is_manual(context):
            return by_hand(context, step, prints)
        if runs_with(context, app, prints):
            return AlreadyDone(step.key, f"{app} runs with it already") if healthy(context, app) else unhealthy(step)
        if trouble := deployed(context, app):
            return Withheld(step.key, trouble)
        if not context.wait_until(lambda: runs_with(context, app, prints), wait_seconds(context)):
            return Withheld(step.key, f"the deployment is done, and {app} still runs with another value")
    except FAILURES as error:
        return Withheld(step.key, one_line(str(error)).rstrip("."))
    if not context.wait_until(lambda: healthy(context, app), wait_seconds(context)):
        return unhealthy(step)
    return Applied(step.key, f"{app} was built anew, runs with the stored values" + healthy_too(app))


def deployed(context: Context, app: str) -> str:
    """Have a deployment of ours run to its end, going on with one that was begun; why it failed, empty when it did
    not. The title finds it again, as the deployment gives no id away."""
    title = f"runbook {context.plan} {app}"
    ours = [each for each in context.incident.deployment.deployments(app) if each.title.startswith(title)]
    if not ours or ours[0].status != "running":
        title = f"{title} {len(ours) + 1}"
        context.deploy.redeploy(app, title, f"incident {context.incident.id}")
    else:
        title = ours[0].title

    def found() -> list[str]:
        listed = context.incident.deployment.deployments(app)
        return next(([each.status, each.error] for each in listed if each.title == title), ["", ""])

    if not context.wait_until(lambda: found()[0] not in ("running", ""), wait_seconds(context)):
        return f"the deployment of {app} has not ended; apply the plan again to go on waiting for it"
    status, error = found()
    return "" if status == "done" else f"the deployment of {app} ended as {status}: {error or 'no reason given'}"


def restart(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    return [restart_one(context, step) for step in steps]


def restart_one(context: Context, step: Step) -> Outcome:
    """Keep what the service has said so far, then have a new container of the same build started."""
    app = step.new["app"]
    try:
        if started_at(context) != step.old["started_at"]:
            return AlreadyDone(step.key, "it was started anew since the plan was made") if healthy(
                context, app) else unhealthy(step)
        kept = save_logs(context.incident)
        if is_manual(context):
            return Withheld(step.key, f"a person does this: {step.sentence} Its logs are kept in {kept}")
        context.deploy.restart(app, context.incident.deployment.application(app))
        if not context.wait_until(lambda: started_at(context) != step.old["started_at"], wait_seconds(context)):
            return Withheld(step.key, f"it was asked to, and has not started anew; its logs are kept in {kept}")
    except FAILURES as error:
        return Withheld(step.key, one_line(str(error)).rstrip("."))
    if not context.wait_until(lambda: healthy(context, app), wait_seconds(context)):
        return unhealthy(step)
    return Applied(step.key, f"started anew and healthy; what it had said before is kept in {kept}")


def started_at(context: Context) -> str:
    """When the service's newest container was started, in the words of the plan."""
    return evidence.newest_started(context.incident)


def is_manual(context: Context) -> bool:
    return context.incident.target.deploy.kind == "manual"


def by_hand(context: Context, step: Step, prints: Mapping[str, str]) -> Outcome:
    """What a person does is seen when it is done."""
    if runs_with(context, step.new["app"], prints):
        return AlreadyDone(step.key, "it runs with it already")
    return Withheld(step.key, f"a person does this: {step.sentence}".rstrip("."))


def runs_with(context: Context, app: str, prints: Mapping[str, str]) -> bool:
    """Whether the newest container, and the page that was built, hold these values; looked at anew."""
    context.incident.look_again()
    found = readable(lambda: evidence.running_with(context.incident, app))
    return not isinstance(found, CannotLook) and all(found.get(name) == print_ for name, print_ in prints.items())


def healthy(context: Context, app: str) -> bool:
    """The web part has no health check that the target knows of; its page was looked at."""
    return app != "api" or context.incident.service.health().ok


def healthy_too(app: str) -> str:
    return " and is healthy" if app == "api" else ""


def unhealthy(step: Step) -> Withheld:
    return Withheld(step.key, f"{step.new['app']} was started anew and is not healthy; look at its log")


def wait_seconds(context: Context) -> int:
    return int(context.incident.target.deploy.wait_seconds)
