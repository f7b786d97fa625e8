"""Keys of the wrong mode are exchanged by one approved plan, on a running service; the orders are left to a person."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from random import Random

import pytest
from practice.traffic.people import card_in, person
from practice.world import World
from runbook import evidence, planning, repair
from runbook.errors import CannotLook
from runbook.facts import Evidence
from runbook.incident import open_incident
from runbook.judgement import test_mode
from runbook.judgement.remedies import test_key
from runbook.judgement.remedies.test_key import Case
from runbook.plan import Plan, Step
from runbook.planning.test_mode import plan_for_test_mode

from tests.sampled import sampled

CAUSE = "test_key_in_production"
SECONDS_MAX = 20
ORDER = {"intent_id": "pi_1", "amount_minor": 499, "currency": "usd", "user_id": "usr_1", "order_key": "ORD-1",
         "row_id": "row-1"}  # fmt: skip


def key(part, role, mode):
    return {"part": part, "role": role, "mode": mode}


def case(*modes, expected="live", webhook=True, **rest):
    roles = (("api", "secret key"), ("api", "publishable key"), ("web", "publishable key"), ("api", "webhook secret"))
    return Case(expected, [key(*role, mode) for role, mode in zip(roles, modes, strict=False)], webhook, **rest)


@pytest.mark.parametrize(
    ("modes", "expected", "roles"),
    [
        (("live", "live", "live", ""), "live", ()),
        (("test", "test", "test", ""), "live", ("secret_key", "publishable_key", "webhook_secret")),
        (("test", "live", "live", ""), "live", ("secret_key", "webhook_secret")),
        (("live", "live", "test", ""), "live", ("publishable_key", "webhook_secret")),
        (("live", "live", "live", ""), "test", ("secret_key", "publishable_key", "webhook_secret")),
        (("", "", "", ""), "live", ()),
    ],
)
def test_what_is_of_the_wrong_mode_is_replaced_and_the_webhook_secret_with_it(modes, expected, roles):
    assert test_key.roles_to_replace(case(*modes, expected=expected)) == roles


def test_without_another_webhook_secret_the_keys_are_exchanged_and_it_is_said():
    without = case("test", "live", "live", "", webhook=False)
    assert test_key.roles_to_replace(without) == ("secret_key",)
    step = Step("set_variable", "shop-api X", "Set X.", {}, {"role": "secret_key"}, no_undo="gone")
    made = test_key.with_orders(Plan("t", "i", "r", "n", (step,)), without)
    assert any("11_scenario_b_webhook_signature" in promise for promise in made.promises)


@pytest.mark.parametrize(("expected", "words"), [("live", ("honoured", "no money came", "ask usr_1 to pay for ORD-1")),
                                                 ("test", ("really charged", "refund ORD-1 in full"))])
def test_each_order_is_left_to_a_person_with_its_user_sum_and_a_proposal(expected, words):
    made = test_key.with_orders(Plan("t", "i", "r", "n", ()), case(expected=expected, orders=[ORDER]))
    (item,) = made.work_list
    assert (item.payment, item.amount_minor, item.currency) == ("pi_1", 499, "usd")
    assert all(word in f"{item.reason}; {item.proposal}" for word in words)
    assert made.steps == ()


def keys_of(*modes):
    names = ("STRIPE_SECRET_KEY", "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")
    rows = tuple({"variable": name, "mode": mode} for name, mode in zip(names, modes, strict=False))
    return Evidence("?", "containers", None, rows)


@pytest.mark.parametrize(
    ("modes", "answer"),
    [(("live", "live", ""), "holds"), (("test", "test", ""), "holds"), (("test", "live", ""), "does not hold"),
     (("live", "test", ""), "does not hold"), (("live", "", ""), "cannot tell")],
)  # fmt: skip
def test_a_mixed_pair_is_seen_by_its_modes(modes, answer):
    finding = test_mode.keys_are_one_pair(keys_of(*modes))
    assert finding.answer.value == answer
    assert finding.implicates == ((CAUSE,) if answer == "does not hold" else ())


@contextmanager
def broken(tmp_path, monkeypatch, variant, live):
    mode = "test" if variant == "live_key_in_staging" else "live"
    with World.open(tmp_path / "world", payments=300, users=60, live=live, mode=mode) as world:
        world.inject(CAUSE, variant, live=live)
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield world, open_incident("practice")


def planned(incident):
    incident.look_again()
    orders = evidence.honoured_orders(incident, evidence.other_mode_payments(incident))
    assert orders.readable, orders.unreadable
    return plan_for_test_mode(incident, orders), orders


def cured(world, incident):
    """Approve and apply; every step was applied, or had been done."""
    assert world.truths[0].still_broken(world)
    made, orders = planned(incident)
    assert made.steps, made.cannot_tell
    assert {item.payment for item in made.work_list} == {row["intent_id"] for row in orders.rows}
    said = json.dumps([entry.body for entry in incident.journal.entries()])
    assert not any(value in said for value in world.truths[0].hands_over.values())
    refused = repair.apply(incident, made.fingerprint)
    assert refused.count("withheld") == len(made.steps)
    assert world.truths[0].still_broken(world), "nothing is written without an approval"
    planning.approve(incident.journal, made.fingerprint, 30, incident.clock)
    done = repair.apply(incident, made.fingerprint)
    assert done.count("withheld") == 0, [outcome.detail for _, outcome in done.results]
    assert world.truths[0].still_broken(world) == ""
    again, _ = planned(incident)
    assert again.steps == ()
    return made


def pays_really(world):
    """Somebody new signs up, and their card is charged in the world's own mode, and recorded."""
    who = person(Random(5), 77_000, world.now())
    user = world.shopper.sign_up(who.email, who.name)
    intent, transaction = world.shopper.check_out(user, 1_900, "usd", "ORD-AFTER")
    world.shopper.confirm_with(intent, card_in(world.mode, who))
    assert world.gateway.engine.mode(world.mode).retrieve("payment_intent", intent)["status"] == "succeeded"
    until(lambda: world.shopper.http.get(f"/api/payments/{transaction}").json()["status"] == "COMPLETED")


def until(holds):
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_customers_who_keep_trying_pay_really_after_the_cure(tmp_path, monkeypatch):
    with broken(tmp_path, monkeypatch, "test_keys", live=True) as (world, incident):
        laid = {one.intent for one in world.truths[0].affected}
        assert any(one.live for one in world.truths[0].affected)
        made = cured(world, incident)
        assert laid <= {item.payment for item in made.work_list}
        assert {step.kind for step in made.steps} == {"set_variable", "redeploy"}
        apps = {(step.kind, step.new["app"]) for step in made.steps}
        assert apps >= {("redeploy", "api"), ("redeploy", "web"), ("set_variable", "web")}
        pays_really(world)
        live = world.gateway.engine.mode("live")
        begun = time.time()
        until(lambda: any(each["status"] == "succeeded" and each["created"] >= begun
                          for each in live.tables["payment_intent"]))  # fmt: skip
        verdict = world.referee().judge()
        assert (verdict.harm, verdict.broken, verdict.left) == ((), (), ())


SECRET, PUBLISHABLE, WEBHOOK = "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"
WEB = "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"


@pytest.mark.parametrize(
    ("variant", "variables"),
    sampled([
        ("test_secret_key", {SECRET}),
        ("test_webhook_secret", {SECRET, WEBHOOK}),
        ("insufficient_funds", {SECRET, PUBLISHABLE, WEBHOOK, WEB}),
        ("live_key_in_staging", {SECRET, PUBLISHABLE, WEBHOOK, WEB}),
    ], ["test_secret_key"]),
)  # fmt: skip
def test_what_is_wrong_is_cured_and_nothing_else(tmp_path, monkeypatch, variant, variables):
    with broken(tmp_path, monkeypatch, variant, live=False) as (world, incident):
        made = cured(world, incident)
        assert {step.new["variable"] for step in made.steps if step.kind == "set_variable"} == variables
        deployed = [step.new["app"] for step in made.steps if step.kind == "redeploy"]
        assert deployed == (["api", "web"] if WEB in variables else ["api"])
        pays_really(world)
        assert world.referee().judge().harm == ()


def away():
    raise CannotLook("The engine is away.")


def test_a_new_key_of_the_wrong_mode_makes_no_plan(tmp_path, monkeypatch):
    with broken(tmp_path, monkeypatch, "test_publishable_key", live=False) as (world, incident):
        monkeypatch.setenv("PRACTICE_NEW_PUBLISHABLE_KEY", world.gateway.keys["test"].publishable)
        made, orders = planned(incident)
        assert (made.steps, orders.rows) == ((), ())
        assert "expects live" in made.cannot_tell
        with monkeypatch.context() as patched:
            patched.setattr(incident.containers, "configuration", away)
            assert planned(incident)[0].cannot_tell == "The engine is away."
        monkeypatch.setenv("PRACTICE_NEW_PUBLISHABLE_KEY", world.gateway.keys["live"].publishable)
        made = cured(world, incident)
        assert [(step.kind, step.new["app"]) for step in made.steps] == [("set_variable", "web"), ("redeploy", "web")]
        pays_really(world)
