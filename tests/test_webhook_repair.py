"""Scenario B through to its verified cure: what refuses or misses events is set right, and what was missed is told."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from practice.faults.webhook_signature import CAUSE
from practice.world import World
from runbook import evidence, planning, repair, verify
from runbook.facts import Suspects
from runbook.incident import Incident, open_incident
from runbook.judgement import webhooks
from runbook.plan import Carried, Plan

from tests.sampled import sampled

Broken = Callable[..., Incident]


@pytest.fixture
def broken(drill_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """A function that really breaks the running world in one way and opens the incident on it."""

    def break_it(variant: str) -> Incident:
        drill_world.inject(CAUSE, variant, seed=11, live=True)
        for name, value in drill_world.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        return open_incident("practice")

    return break_it


def suspects_of(incident: Incident) -> Suspects:
    seen, log = evidence.deliveries(incident)
    endpoints = evidence.endpoints_in_detail(incident)
    return webhooks.suspects().given(
        webhooks.events_of_strangers_are_refused(evidence.probes(incident)),
        webhooks.url_is_registered(endpoints),
        webhooks.endpoint_is_enabled(endpoints),
        webhooks.event_is_subscribed(endpoints),
        webhooks.deliveries_verify(seen, log),
        webhooks.began_with_a_deployment(seen, log, evidence.newest_container(incident)),
        webhooks.secret_is_the_one_on_record(evidence.signing_secrets(incident)),
        webhooks.clocks_agree(evidence.clocks(incident, seen)),
    )


def make_plan(incident: Incident) -> Plan:
    missing = evidence.missing_payments(incident, complete=True)
    return planning.plan_for_deliveries(incident, suspects_of(incident), missing)


def carry_out(incident: Incident, plan: Plan) -> Carried:
    planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
    return repair.apply(incident, plan.fingerprint)


def words(carried: Carried) -> Counter:
    return Counter(outcome.word for _, outcome in carried.results)


def settings(incident: Incident, part: str, **values: object) -> None:
    """Change numbers of the target file for this incident."""
    changed = msgspec.structs.replace(getattr(incident.target, part), **values)
    incident.target = msgspec.structs.replace(incident.target, **{part: changed})


LEADS = {
    "wrong_secret": ["set_variable", "redeploy"],
    "rolled_secret": ["set_variable", "redeploy"],
    "secret_of_another_endpoint": ["set_variable", "redeploy"],
    "secret_of_another_mode": ["set_variable", "redeploy"],
    "endpoint_disabled": ["update_endpoint"],
    "wrong_url": ["update_endpoint"],
    "not_subscribed": ["update_endpoint"],
}


@pytest.mark.parametrize("variant", sampled(LEADS, ["wrong_secret", "endpoint_disabled"]))
def test_each_curable_variant_is_cured_in_one_plan_and_a_second_apply_changes_nothing(broken, drill_world, variant):
    incident = broken(variant)
    assert not verify.run(incident).findings[0].holds
    plan = make_plan(incident)
    lead = LEADS[variant]
    assert [step.kind for step in plan.steps[: len(lead)]] == lead
    assert {step.kind for step in plan.steps[len(lead) :]} == {"redeliver_event"}
    affected = drill_world.truth.affected
    assert {step.payment for step in plan.steps} - {""} == {one.intent for one in affected}
    assert set(words(repair.apply(incident, plan.fingerprint))) == {"withheld"}, "nobody has approved it"

    carried = carry_out(incident, plan)
    assert set(words(carried)) <= {"applied", "already done"}, [outcome for _, outcome in carried.results]
    if drill_world.truth.conclusion == CAUSE or variant == "wrong_url":
        assert any("own retry" in outcome.detail for _, outcome in carried.results)
    assert verify.run(incident).findings[0].holds
    verdict = drill_world.referee().judge()
    assert verdict.is_recovered, verdict

    mails = len(drill_world.mails.messages)
    assert set(words(repair.apply(incident, plan.fingerprint))) == {"already done"}
    assert len(drill_world.mails.messages) == mails


def test_a_new_secret_that_is_wrong_fails_its_canary_and_the_rest_is_withheld(broken, drill_world, monkeypatch):
    incident = broken("rolled_secret")
    monkeypatch.setenv("PRACTICE_NEW_WEBHOOK_SECRET", "_".join(("whsec", "of" * 8, "another" * 2)))
    settings(incident, "thresholds", delivery_wait_seconds=1)
    plan = make_plan(incident)
    carried = carry_out(incident, plan)
    outcomes = [(step.kind, outcome.word, outcome.detail) for step, outcome in carried.results]
    assert [word for _, word, _ in outcomes[:2]] == ["applied", "applied"]
    assert outcomes[2] == ("redeliver_event", "withheld", "delivered, but the service did not record it")
    rest = {detail for _, word, detail in outcomes[3:] if word == "withheld"}
    assert rest == {"its canary was not recorded, so nothing more was delivered"}
    assert len(outcomes) > 5
    verdict = drill_world.referee().judge()
    assert (verdict.repaired, verdict.harm) == (0, ())
    assert verdict.broken


def test_without_a_new_secret_a_person_is_asked_for_one_and_nothing_is_delivered(broken, monkeypatch):
    incident = broken("wrong_secret")
    monkeypatch.delenv("PRACTICE_NEW_WEBHOOK_SECRET")
    plan = make_plan(incident)
    assert not plan
    assert "PRACTICE_NEW_WEBHOOK_SECRET" in plan.work_list[0].reason
    assert "Dashboard" in plan.work_list[0].proposal


@pytest.mark.slow
def test_the_change_of_an_endpoint_can_be_taken_back_and_never_over_somebody_elses(broken, drill_world):
    incident = broken("not_subscribed")
    mine = drill_world.gateway.engine.mode("live")
    endpoint = drill_world.endpoint["id"]
    before = mine.retrieve("webhook_endpoint", endpoint)
    plan = make_plan(incident)
    carry_out(incident, plan)
    assert mine.retrieve("webhook_endpoint", endpoint)["enabled_events"] != before["enabled_events"]

    undo = planning.plan_undo(incident)
    assert [step.kind for step in undo.steps] == ["update_endpoint"]
    assert undo.steps[0].sentence.startswith(f"Take back the change of endpoint {endpoint}: set enabled_events back")
    assert words(carry_out(incident, undo)) == {"applied": 1}
    assert sorted(mine.retrieve("webhook_endpoint", endpoint)["enabled_events"]) == sorted(before["enabled_events"])

    again = planning.plan_for_deliveries(incident, suspects_of(incident), evidence.missing_payments(incident))
    mine.update_webhook_endpoint(endpoint, {"enabled_events": ["charge.refunded"]})
    carried = carry_out(incident, again)
    assert [(outcome.word, outcome.detail) for _, outcome in carried.results] == [
        ("withheld", "the endpoint moved: it is not any more what the plan saw")
    ]


@pytest.mark.parametrize(("variant", "patch"), sampled([
    ("parsed_body", "express.raw"), ("clock_ahead", "chronyc"), ("checks_off", "constructEvent"),
], ["checks_off"]))  # fmt: skip
def test_where_only_a_person_can_cure_the_plan_holds_the_patch_and_no_step(broken, drill_world, variant, patch):
    incident = broken(variant)
    found = suspects_of(incident)
    assert found.implicated[0] == variant
    plan = planning.plan_for_deliveries(incident, found, evidence.missing_payments(incident, complete=True))
    assert not plan
    assert patch in plan.work_list[0].proposal
    assert drill_world.referee().judge().broken
    if variant == "checks_off":
        assert found.for_["checks_off"][0].because.startswith("critical: ")
        assert found.for_["checks_off"][0].alert

    drill_world.ship(release="healthy", version="2026.11.6", ahead=0.0)  # what that person did
    incident.look_again()
    assert drill_world.referee().judge().broken == ()
    if variant != "checks_off":
        missing = evidence.missing_payments(incident, complete=True)
        told = planning.plan_for_deliveries(incident, webhooks.suspects(), missing)
        assert set(words(carry_out(incident, told))) <= {"applied", "already done"}
        assert drill_world.referee().judge().is_recovered
