"""Scenario D through to its verified cure: crowds are refused, a queue is planned, approved and set, and all get in."""

from collections import Counter
from pathlib import Path

import pytest
from practice.faults import rate_limited_live
from practice.faults.rate_limited import CAUSE, STORM
from practice.traffic.crowd import Crowd
from practice.wires.service.queue import QueueSettings
from practice.world import World
from runbook import evidence, planning, repair
from runbook.facts import Suspects
from runbook.incident import Incident, open_incident
from runbook.judgement import request_rate
from runbook.plan import Plan

from tests.sampled import sampled


@pytest.fixture
def incident(drill_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str) -> Incident:
    """An incident of a world in which this variant is really in force, and whose crowds come when a test says so."""
    drill_world.inject(CAUSE, variant, seed=11, live=True)
    rate_limited_live.CROWDS.pop(drill_world).stop()
    for name, value in drill_world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    return open_incident("practice")


def crowd(world: World, size: int) -> Counter[str]:
    """What became of so many customers who came at once."""
    coming = Crowd(world.shopper, world.plan.people, world.history.wallets, size, size, 0)
    coming.come()
    return coming.answers


def suspects_of(incident: Incident) -> Suspects:
    rates, log = evidence.call_rates(incident)
    return request_rate.all_mechanisms().given(
        request_rate.no_call_is_refused(rates, log),
        request_rate.each_visit_calls_once(rates, log),
        request_rate.our_calls_reach_the_limit(rates, log, incident.target.gateway.limits),
        request_rate.few_calls_are_in_progress(rates, log),
    )


def make_plan(incident: Incident) -> Plan:
    return planning.plan_queue(incident, evidence.call_rates(incident)[0], suspects_of(incident))


def carry_out(incident: Incident, plan: Plan) -> Counter[str]:
    planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
    return Counter(outcome.word for _, outcome in repair.apply(incident, plan.fingerprint).results)


def running(world: World) -> QueueSettings:
    return QueueSettings.from_environment(world.process.definition.environment)


@pytest.mark.parametrize(("variant", "size", "before"), sampled([
    ("traffic_burst", 44, QueueSettings()),
    ("retry_storm", 40, QueueSettings(retry_max=int(STORM["STRIPE_RETRY_MAX"]))),
], ["traffic_burst"]))  # fmt: skip
def test_a_queue_ends_the_refusals_without_losing_a_payment_and_can_be_taken_back(
    incident: Incident, drill_world: World, variant: str, size: int, before: QueueSettings
):
    assert drill_world.truth
    assert crowd(drill_world, size)["refused"] > 0
    assert drill_world.truth.still_broken(drill_world)

    plan = make_plan(incident)
    assert request_rate.mechanism(suspects_of(incident)) == variant
    assert [step.kind for step in plan.steps] == ["set_setting"] * 5 + ["redeploy"]
    withheld = repair.apply(incident, plan.fingerprint)
    assert withheld.count("withheld") == len(plan.steps), "nothing is written without an approval"
    assert running(drill_world) == before

    assert carry_out(incident, plan) == {"applied": 6}
    assert crowd(drill_world, size) == {"paid": size}
    assert crowd(drill_world, 20) == {"paid": 20}
    assert drill_world.truth.still_broken(drill_world) == ""
    since, log = evidence.calls_since_repair(incident)
    assert request_rate.no_call_is_refused(since, log).holds
    assert len(since.visits) == size + 20
    assert not make_plan(incident).steps, "what is set right gets no second plan"

    back = planning.plan_undo(incident)
    assert [step.kind for step in back.steps] == ["set_setting"] * 5 + ["redeploy"]
    assert carry_out(incident, back) == {"applied": 6}
    assert running(drill_world) == before
    assert drill_world.truth.still_broken(drill_world)


@pytest.mark.parametrize("variant", ["concurrency"])
@pytest.mark.slow
def test_slow_calls_get_fewer_places(incident: Incident, drill_world: World, variant: str):
    assert drill_world.truth
    assert crowd(drill_world, 16)["refused"] > 0
    assert carry_out(incident, make_plan(incident)) == {"applied": 6}
    assert crowd(drill_world, 16) == {"paid": 16}
    assert drill_world.truth.still_broken(drill_world) == ""


@pytest.mark.parametrize("variant", ["endpoint_limit"])
def test_a_setting_that_somebody_changed_since_is_withheld_and_nothing_is_deployed(
    incident: Incident, drill_world: World, variant: str
):
    plan = make_plan(incident)
    drill_world.reconfigure({"STRIPE_QUEUE_INTERVAL_MS": "500"})
    assert carry_out(incident, plan) == {"withheld": 6}
    assert running(drill_world) == QueueSettings(interval_ms=500)


@pytest.mark.parametrize("variant", ["other_job"])
@pytest.mark.slow
def test_somebody_else_s_job_leaves_work_and_patience(incident: Incident, drill_world: World, variant: str):
    assert drill_world.truth
    plan = make_plan(incident)
    assert [item.payment for item in plan.work_list] == ["the other program on this account"]
    assert carry_out(incident, plan) == {"applied": 6}
    assert crowd(drill_world, 12)["paid"] >= 10
    assert drill_world.truth.still_broken(drill_world) == ""
