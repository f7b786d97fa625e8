"""Keys of the wrong mode: each variant leaves what its table says, is named by its keys, and its orders are found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from practice.faults import FAULTS
from practice.light import LightWorld, Quarters
from practice.light.variation import Variation
from runbook import evidence, response, target
from runbook.evidence import honoured
from runbook.facts import Answer
from runbook.incident import Incident, open_incident
from runbook.judgement import test_mode, triage

CAUSE = "test_key_in_production"
VARIANTS = FAULTS[CAUSE].variants
# The web part's key is seen by looking at the web part.
OF_THE_API = tuple(each for each in VARIANTS if each != "test_publishable_key")


@pytest.fixture(scope="module")
def quarters():
    with Quarters() as opened:
        yield opened


@pytest.fixture
def opened(quarters, tmp_path, monkeypatch):
    """A light world with this variant, and an incident in it."""
    worlds = []

    def lay(variant: str, seed: int = 7, **without: str) -> tuple[LightWorld, Incident]:
        mode = "test" if variant == "live_key_in_staging" else "live"
        world = LightWorld.open(quarters, seed, Variation(payments=400, users=80), mode=mode)
        worlds.append(world)
        if variant:
            world.inject(CAUSE, variant)
        name = world.target_file(tmp_path / "targets")
        monkeypatch.setattr(target.read, "TARGETS", tmp_path / "targets")
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        for variable, value in (world.environment | without).items():
            monkeypatch.setenv(variable, value)
        return world, open_incident(name)

    yield lay
    for world in worlds:
        world.close()


def laid(world: LightWorld) -> set[tuple[str, int, str]]:
    return {(one.intent, one.amount, one.currency) for one in world.truths[0].affected}


def found(orders) -> set[tuple[str, int, str]]:
    assert orders.readable, orders.unreadable
    return {(row["intent_id"], row["amount_minor"], row["currency"]) for row in orders.rows}


@pytest.mark.parametrize("variant", OF_THE_API)
def test_the_keys_name_the_cause(opened, variant):
    _, incident = opened(variant)
    finding = triage.keys_have_the_right_mode(evidence.configured_keys(incident), incident.target)
    assert finding.answer is Answer.DOES_NOT_HOLD
    assert finding.implicates == (CAUSE,)


@pytest.mark.parametrize("variant", VARIANTS)
def test_triage_names_this_cause_and_no_other(opened, variant):
    _, incident = opened(variant)
    assert response.triage(incident).causes == (CAUSE,)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_incident_opens_although_the_newest_rows_are_of_the_other_mode(opened, variant):
    _, incident = opened(variant)
    assert incident.same_environment.answer is not Answer.DOES_NOT_HOLD


@pytest.mark.parametrize("seed", [3, 7])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_orders_that_a_person_must_decide_are_exactly_those(opened, variant, seed):
    world, incident = opened(variant, seed)
    others = honoured.other_mode_payments(incident)
    orders = honoured.honoured_orders(incident, others)
    assert found(orders) == laid(world)
    finding = test_mode.orders_have_money(orders, incident.target)
    assert finding.holds == (not laid(world))
    sums = Counter()
    for one in world.truths[0].affected:
        sums[one.user_id, one.currency] += one.amount
    by_user = honoured.honoured_by_user(incident, orders)
    assert {(row["user_id"], row["currency"]): row["amount_minor"] for row in by_user.rows} == sums


@pytest.mark.parametrize(("variant", "some"), [("test_keys", True), ("live_key_in_staging", True),
                                               ("test_secret_key", False), ("insufficient_funds", False)])
def test_orders_are_honoured_where_the_table_says_so(opened, variant, some):
    world, _ = opened(variant)
    assert bool(laid(world)) == some


def test_without_a_key_of_the_other_mode_the_services_own_one_is_asked(opened):
    world, incident = opened("test_keys", PRACTICE_OTHER_MODE_READ_KEY="")
    others = honoured.other_mode_payments(incident)
    assert others.note == f"looked up with {honoured.SERVICES_KEY}"
    assert found(honoured.honoured_orders(incident, others)) == laid(world)
    assert world.gateway.keys["test"].secret not in repr(honoured.other_mode(incident))


def test_with_no_key_of_the_other_mode_stripes_refusal_still_tells_the_mode(opened, monkeypatch):
    world, incident = opened("test_keys", PRACTICE_OTHER_MODE_READ_KEY="")
    monkeypatch.setattr(incident.containers, "environment", lambda *_: {})
    others = honoured.other_mode_payments(incident)
    assert found(honoured.honoured_orders(incident, others)) == laid(world)
    assert {row["at Stripe"] for row in others.rows} == {"cannot tell"}
    assert "no key of test mode is at hand" in others.note


def test_what_was_charged_cannot_be_told_without_a_key_of_that_mode(opened, monkeypatch):
    _, incident = opened("live_key_in_staging", PRACTICE_OTHER_MODE_READ_KEY="")
    monkeypatch.setattr(incident.containers, "environment", lambda *_: {})
    orders = honoured.honoured_orders(incident, honoured.other_mode_payments(incident))
    assert not orders.readable
    assert test_mode.orders_have_money(orders, incident.target).answer is Answer.CANNOT_TELL


def test_stored_ids_of_the_other_mode_are_counted(opened):
    world, incident = opened("test_keys")
    others = honoured.other_mode_payments(incident)
    counts = {row["stored as"]: row["ids"] for row in honoured.stored_ids(incident, others).rows}
    stripe = world.gateway.engine.mode("test")
    assert counts == {"payment intents": len(stripe.tables["payment_intent"]),
                      "customers": len(stripe.tables["customer"])}  # fmt: skip
    assert counts["payment intents"] == len(others)


def test_customers_own_insufficient_funds_are_no_sign_of_test_mode(opened):
    _, incident = opened("")
    declines = honoured.funds_declines(incident, honoured.other_mode_payments(incident))
    assert [row["livemode"] for row in declines.rows] == ["yes"]
    finding = test_mode.insufficient_funds_is_the_customers_own(declines, incident.target)
    assert (finding.answer, finding.implicates) == (Answer.HOLDS, ())


def test_a_smoke_test_without_funds_is_told_apart_from_customers_without_funds(opened):
    world, incident = opened("insufficient_funds")
    declines = honoured.funds_declines(incident, honoured.other_mode_payments(incident))
    counts = {row["livemode"]: row["payments"] for row in declines.rows}
    modes = {mode: world.gateway.engine.mode(mode).tables["payment_intent"] for mode in ("live", "test")}
    code = "insufficient_funds"
    assert counts == {
        word: sum((each["last_payment_error"] or {}).get("decline_code") == code for each in modes[mode])
        for word, mode in (("yes", "live"), ("no", "test"))
    }
    finding = test_mode.insufficient_funds_is_the_customers_own(declines, incident.target)
    assert finding.answer is Answer.DOES_NOT_HOLD
    assert f"{counts['no']} livemode false" in finding.because


def test_a_refusal_for_the_mode_of_an_id_is_no_invalid_request(opened):
    _, incident = opened("test_keys")
    logs, log = evidence.log_summary(incident)
    assert triage.requests_are_valid(logs, log).holds
    finding = triage.objects_are_of_the_keys_mode(logs, log)
    assert finding.answer is Answer.DOES_NOT_HOLD
    assert CAUSE in finding.implicates


def test_a_healthy_shop_has_nothing_of_it(opened):
    _, incident = opened("")
    others = honoured.other_mode_payments(incident)
    assert (others.rows, others.readable, others.looked_at) == ((), True, 400)
    assert test_mode.orders_have_money(honoured.honoured_orders(incident, others), incident.target).holds
    logs, log = evidence.log_summary(incident)
    assert triage.objects_are_of_the_keys_mode(logs, log).holds


def test_a_variant_needs_a_world_of_its_mode(quarters):
    with (
        LightWorld.open(quarters, 1, Variation(payments=100, users=20)) as world,
        pytest.raises(ValueError, match="needs one of mode test"),
    ):
        world.inject(CAUSE, "live_key_in_staging")


def test_the_fault_can_be_drilled(tmp_path: Path):
    story = (Path(__file__).parent.parent / "parameters" / "drills" / f"{CAUSE}.yaml").read_text()
    assert "test" not in story.lower().replace("latest", "")
