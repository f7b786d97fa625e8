"""Scenario D's plan: the settings of the service's queue before Stripe, computed from what its logs show."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from runbook.errors import CannotLook
from runbook.evidence.deployment import shown
from runbook.evidence.request_rate import containers_running
from runbook.facts import Answer, Evidence, Finding, Suspects
from runbook.incident import Incident, readable
from runbook.judgement.rates import Rates
from runbook.judgement.remedies import rate_limited
from runbook.judgement.remedies.rate_limited import Case
from runbook.judgement.request_rate import mechanism
from runbook.plan import Plan
from runbook.planning.sealing import no_plan, note_work_list, require_same_environment, seal

WHY = {
    "interval_ms": "calls begin evenly and not in heaps; without a cap an interval would limit nothing",
    "interval_cap": "so many in each interval; in any one second at most {most} of the {limit} that Stripe allows",
    "concurrency": "Little's law: {rate:.1f} a second × {took:.2f} s each (95th percentile), and one to spare",
    "retry_max": "a call that is refused all the same is tried again, under its own idempotency key",
    "retry_jitter": "after a random part of 0.5, 1, 2 and 4 s, so that those refused together do not come together",
}
PATCH = """\
// The queue before Stripe: every call of the service goes through callStripe.
import PQueue from 'p-queue';

const setting = (name, otherwise) => Number(process.env[name] || otherwise);
const queue = new PQueue({{
  interval: setting('{names[interval_ms]}', {queue.interval_ms}),
  intervalCap: setting('{names[interval_cap]}', {queue.interval_cap}),  // without it the interval limits nothing
  concurrency: setting('{names[concurrency]}', {queue.concurrency}),
}});
const retries = setting('{names[retry_max]}', {queue.retry_max});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function callStripe(call) {{
  const idempotencyKey = crypto.randomUUID();  // one for all attempts, so that Stripe carries out one at the most
  for (let attempt = 0; ; attempt += 1) {{
    try {{
      return await queue.add(() => call({{ idempotencyKey }}));
    }} catch (error) {{
      if (error.statusCode !== 429 || attempt >= retries) throw error;
      await pause(Math.random() * Math.min(8000, 500 * 2 ** attempt));
    }}
  }}
}}

// stripe.paymentIntents.create(params)  becomes
// callStripe((options) => stripe.paymentIntents.create(params, options))
"""
USUAL_NAMES = {
    "interval_ms": "STRIPE_QUEUE_INTERVAL_MS",
    "interval_cap": "STRIPE_QUEUE_INTERVAL_CAP",
    "concurrency": "STRIPE_QUEUE_CONCURRENCY",
    "retry_max": "STRIPE_RETRY_MAX",
    "retry_jitter": "STRIPE_RETRY_JITTER",
}


def computed_queue(incident: Incident, rates: Rates, suspects: Suspects) -> Evidence:
    """Which settings would keep the service below Stripe's limits? Each with how it was come by."""
    question = "Which settings of the queue would keep us below Stripe's limits?"
    case = readable(lambda: case_of(incident, rates, suspects))
    if isinstance(case, CannotLook):
        return Evidence(question, "computed", incident.as_of, unreadable=str(case))
    if case.mechanism not in rate_limited.CURABLE:
        note = f"{case.mechanism or 'no mechanism'}: no queue would end it"
        return Evidence(question, "computed", incident.as_of, note=note)
    queue = rate_limited.queue_for(case)
    limits = case.limits
    words = {
        "most": queue.most_in_a_second * case.containers,
        "limit": min(limits.account_per_second, limits.endpoint_per_second),
        "rate": queue.per_second,
        "took": rate_limited.slow_call_seconds(case),
    }
    names = names_of(case)
    rows = tuple(
        {
            "variable": names[setting],
            "now": case.current.get(names[setting], "") or "not set",
            "becomes": value,
            "because": why(setting, case).format(**words),
        }
        for setting, value in queue.values().items()
    )
    each = f"each of {case.containers:,} containers" if case.containers > 1 else "the one container"
    note = f"for {each}; {case.headroom_percent} % of the limit stay free"
    return Evidence(question, "computed", incident.as_of, rows, note=note)


def why(setting: str, case: Case) -> str:
    if setting == "concurrency" and case.mechanism == "concurrency":
        return "below the number in progress at which Stripe refused calls"
    return WHY[setting]


def queue_patch(incident: Incident, rates: Rates, suspects: Suspects) -> str:
    """The queue as code for a service that has none yet, and its settings as lines of an environment file."""
    case = readable(lambda: case_of(incident, rates, suspects))
    if isinstance(case, CannotLook):
        return f"No patch: {case}"
    if case.mechanism not in rate_limited.CURABLE:
        return "No patch: no queue would end this."
    queue, names = rate_limited.queue_for(case), names_of(case)
    lines = "\n".join(f"{names[setting]}={value}" for setting, value in queue.values().items())
    return f"{PATCH.format(queue=queue, names=names)}\n# the environment of each container\n{lines}"


def plan_queue(incident: Incident, rates: Rates, suspects: Suspects) -> Plan:
    """The settings that differ and one redeployment, sealed; empty where nothing should be set, or nobody can say."""
    try:
        require_same_environment(incident)
        case = case_of(incident, rates, suspects)
        made = rate_limited.plan(case, incident.target.name, incident.identity)
    except CannotLook as error:
        return no_plan(incident, rate_limited.NAME, rate_limited.NOTEBOOK, str(error))
    note_work_list(incident, made)
    return seal(incident, made)


def left_to_do(incident: Incident, made: Plan) -> Evidence:
    """What no setting of ours can do, each with why and a proposal."""
    rows = tuple({"what": item.payment, "why no setting": item.reason, "proposal": item.proposal}
                 for item in made.work_list)  # fmt: skip
    return Evidence("What is left to a person?", "plan", incident.as_of, rows, unreadable=made.cannot_tell)


def case_of(incident: Incident, rates: Rates, suspects: Suspects) -> Case:
    """Raises CannotLook where the mechanism is not known, or the container cannot be read."""
    settings = incident.target
    named = {name: variable for name, variable in msgspec.structs.asdict(settings.deploy.queue).items() if variable}
    found = mechanism(suspects)
    if not found and any(each.answer is Answer.DOES_NOT_HOLD for each in findings(suspects)):
        left = ", ".join(suspects.implicated) or "none is shown"
        raise CannotLook(f"It is not settled what makes Stripe refuse calls ({left}), so no setting is computed")
    names = tuple(named.values())
    current = dict(incident.containers.environment(names))
    return Case(
        found, rates, settings.gateway.limits, settings.thresholds.queue_headroom_percent,
        containers_running(incident), named, current, stored_settings(incident, names, current),
        lambda value: shown(incident, value),
    )  # fmt: skip


def stored_settings(incident: Incident, names: tuple[str, ...], current: Mapping[str, str]) -> dict[str, str]:
    """What the next container will run with; where a person deploys by hand, what this one does."""
    if incident.target.deploy.kind == "manual":
        return dict(current)
    stored = incident.deployment.application("api").variables
    return {name: stored[name] for name in names if name in stored}


def findings(suspects: Suspects) -> list[Finding]:
    return [each for found in (*suspects.for_.values(), *suspects.against.values()) for each in found]


def names_of(case: Case) -> dict[str, str]:
    return USUAL_NAMES | dict(case.variables)
