"""Steps that set a webhook endpoint at Stripe right: its URL, its list of events, whether it is enabled."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.errors import RunbookError
from runbook.judgement.endpoints import image
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.repair.context import Context


def update(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    return [update_one(context, step) for step in steps]


def update_one(context: Context, step: Step) -> Outcome:
    """Change the endpoint where it still is what the plan saw; look again whether it became what the plan says."""
    path = f"/v1/webhook_endpoints/{step.object_id}"
    try:
        found = context.incident.gateway.find(path)
        if found is None:
            return Withheld(step.key, "Stripe knows this endpoint no more")
        if image(found) == step.new:
            return AlreadyDone(step.key, "the endpoint is as it should be")
        if image(found) != step.old:
            return Withheld(step.key, "the endpoint moved: it is not any more what the plan saw")
        changes = {name: value for name, value in step.new.items() if value != step.old[name]}
        context.gateway.update_endpoint(step.object_id, changes)
        after = context.incident.gateway.find(path)
    except RunbookError as error:
        return Withheld(step.key, str(error))
    if after is None or image(after) != step.new:
        return Withheld(step.key, "Stripe took the change, and the endpoint is not as asked; look in the Dashboard")
    return Applied(step.key, f"changed: {', '.join(changes)}")
