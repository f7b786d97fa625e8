"""Scenario D: settings of the service's queue before Stripe that end the refusals, and what a person must do besides.

| mechanism      | what a machine sets                              | what is left to a person                     |
|----------------|--------------------------------------------------|----------------------------------------------|
| traffic_burst  | rate, concurrency, retry with jitter             | —                                            |
| endpoint_limit | the same                                         | —                                            |
| retry_storm    | the same; the retry without a pause goes         | —                                            |
| concurrency    | the same; concurrency below what Stripe refused  | —                                            |
| other_job      | the same, so that most customers get through     | find the job, give it a key of its own       |
| lock_timeout   | nothing: fewer calls would not help              | one call about an object at a time           |

All calls go through one queue, so the smaller of Stripe's limits holds for all of them. An interval without a cap would
limit nothing, and a cap counts by fixed intervals: within any second those at both its edges count in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runbook.judgement.rates import Rates, percentile
from runbook.plan import Plan, Step, WorkItem
from runbook.target import Limits

NAME = "rate_limited"
NOTEBOOK = "13_scenario_d_rate_limit"
CURABLE = ("traffic_burst", "retry_storm", "other_job", "endpoint_limit", "concurrency")
# Timers of Node and of most runtimes are good to some milliseconds; a shorter interval would be mostly error.
INTERVAL_MS_MIN = 50
# Pauses of 0.5, 1, 2 and 4 s at the most: a customer waits a few seconds, and Stripe's budget fills every second.
RETRIES = 4
# What was observed at this share of the refusals is taken for chance.
CHANCE_PERCENT = 10


@dataclass(frozen=True)
class Queue:
    """Settings with p-queue's meaning, for each container."""

    interval_ms: int
    interval_cap: int
    concurrency: int
    retry_max: int = RETRIES
    retry_jitter: str = "full"

    @property
    def most_in_a_second(self) -> int:
        """How many calls may begin within any one second: each interval that it touches, filled."""
        return self.interval_cap * (-(-1000 // self.interval_ms) + 1)

    @property
    def per_second(self) -> float:
        return self.interval_cap * 1000 / self.interval_ms

    def values(self) -> dict[str, str]:
        return {
            "interval_ms": str(self.interval_ms),
            "interval_cap": str(self.interval_cap),
            "concurrency": str(self.concurrency),
            "retry_max": str(self.retry_max),
            "retry_jitter": self.retry_jitter,
        }


@dataclass(frozen=True)
class Case:
    """What the settings are computed from. `variables`: setting → what the service calls it, for those it has;
    `current`: variable → its value in the container now; `stored`: the same for the next container; both without those
    that are not set. `show` says a value as repair will see it."""

    mechanism: str
    rates: Rates
    limits: Limits
    headroom_percent: int
    containers: int
    variables: Mapping[str, str]
    current: Mapping[str, str]
    stored: Mapping[str, str]
    show: Callable[[str | None], str]


def budget(case: Case) -> int:
    """Calls that may begin in any second, of all containers: the smallest limit less the headroom. What Stripe really
    let through while it refused others counts where that was less."""
    limit = min(case.limits.account_per_second, case.limits.endpoint_per_second)
    if case.mechanism in ("traffic_burst", "endpoint_limit"):
        limit = min(limit, max(1, int(percentile(case.rates.accepted_at_refusals, CHANCE_PERCENT))))
    return limit * (100 - case.headroom_percent) // 100


def queue_for(case: Case) -> Queue:
    """The fastest queue that stays within each container's share of the budget, starting as few at once as timers let
    it, and as many in progress as Little's law asks for."""
    share = max(2, budget(case) // case.containers)
    interval_ms, cap = pace(share)
    return Queue(interval_ms, cap, concurrency(case, cap * 1000 / interval_ms))


def pace(share: int) -> tuple[int, int]:
    """Interval and cap with cap · (intervals that a second touches) ≤ share; two is the least that this can say."""
    for cap in range(1, share // 2 + 1):
        interval_ms = -(-1000 // (share // cap - 1))
        if interval_ms >= INTERVAL_MS_MIN:
            return interval_ms, cap
    return 1000, max(1, share // 2)


def concurrency(case: Case, per_second: float) -> int:
    """L = λ · W with the slow end of W, and one to spare; below what Stripe refused where it counts those."""
    needed = int(per_second * slow_call_seconds(case)) + 2
    if case.mechanism != "concurrency":
        return needed
    allowed = int(percentile(case.rates.held_at_refusals, 50))
    return max(1, min(needed, allowed * (100 - case.headroom_percent) // 100 // case.containers))


def slow_call_seconds(case: Case) -> float:
    return percentile(case.rates.durations, 95)


def plan(case: Case, target: str, identity: str) -> Plan:
    """One step for each setting that differs, then one redeployment; empty where no queue would help."""
    work = tuple(work_list(case))
    if case.mechanism not in CURABLE:
        return Plan(target, identity, NAME, NOTEBOOK, (), work)
    queue = queue_for(case)
    wanted = queue.values().items()
    steps = tuple(set_setting(case, name, value) for name, value in wanted if changes(case, name, value))
    if steps:
        steps = (*steps, redeploy(case, steps))
    return Plan(target, identity, NAME, NOTEBOOK, steps, work, promises(case, queue) if steps else ())


def changes(case: Case, setting: str, value: str) -> bool:
    """Whether either the running container or the next one would have another value."""
    variable = case.variables.get(setting, "")
    return bool(variable) and not case.current.get(variable, "") == case.stored.get(variable, "") == value


def promises(case: Case, queue: Queue) -> tuple[str, ...]:
    smallest = min(case.limits.account_per_second, case.limits.endpoint_per_second)
    all_of_them = queue.most_in_a_second * case.containers
    return (
        f"At most {all_of_them:,} calls begin within any second ({case.containers:,} × {queue.most_in_a_second:,}); "
        f"Stripe allows {smallest:,} at the least of its limits.",
        "A customer who comes in a crowd waits some seconds instead of being refused.",
        "A retry repeats the call under its own idempotency key, so that nobody is charged twice for it.",
    )


def set_setting(case: Case, setting: str, value: str) -> Step:
    """None of these values is secret, so they stand in the plan as they are."""
    variable = case.variables[setting]
    before = case.stored.get(variable)
    told = f"from {before} to {value}" if before else f"to {value}, where it is not set"
    return Step(
        kind="set_setting",
        object_id=variable,
        sentence=f"Set {variable} of the api application {told}; everything else of its environment stays.",
        old={"app": "api", "variable": variable, "value": before or "", "stored": case.show(before)},
        new={"app": "api", "variable": variable, "value": value, "stored": case.show(value)},
        undo=f"set {variable} back to {before}" if before else f"empty {variable}, which counts as not set",
        required=True,
    )


def redeploy(case: Case, steps: tuple[Step, ...]) -> Step:
    """The container learns of a changed environment by being made anew."""
    before = {step.object_id: case.show(str(step.old["value"])) for step in steps}
    after = {step.object_id: str(step.new["stored"]) for step in steps}
    return Step(
        kind="redeploy",
        object_id="api",
        sentence=f"Redeploy the api application, so that its container runs with {', '.join(after)}; checkouts fail "
        "for the seconds in which it starts.",
        old={"app": "api", "running": before},
        new={"app": "api", "running": after},
        undo="redeploy once more, after the settings are back",
        required=True,
    )


def work_list(case: Case) -> list[WorkItem]:
    """What no setting of ours can do."""
    items = []
    if case.mechanism == "other_job":
        items.append(item(
            "the other program on this account",
            f"Stripe refuses calls while ours are few ({case.rates.usual_per_second:,} in our busiest calm second)",
            "find it in the Dashboard's request log, stop it, and give it a restricted key and a slower pace",
        ))  # fmt: skip
    if case.mechanism == "lock_timeout":
        items.append(item(
            "the service's code",
            "two calls about one object at once make the second wait until Stripe gives up; a queue would not end that",
            "developers: one call at a time for each customer, and a retry with a pause on code lock_timeout",
        ))  # fmt: skip
    if case.mechanism in CURABLE and not all(case.variables.get(name) for name in SETTINGS):
        items.append(item(
            "the service's code",
            "the target names no variables of a queue before Stripe, so that no setting can be changed",
            "developers: build the queue as shown here, then name its variables under deploy.queue",
        ))  # fmt: skip
    if case.mechanism in CURABLE and budget(case) // case.containers < 2:
        items.append(item(
            "the number of containers",
            f"{case.containers:,} containers share {budget(case):,} calls a second, which is less than two for each",
            "run fewer containers, let them share one queue, or ask Stripe for a higher limit",
        ))  # fmt: skip
    return items


SETTINGS = tuple(Queue(1, 1, 1).values())


def item(what: str, why: str, proposal: str) -> WorkItem:
    return WorkItem(what, why, proposal, 0, "")
