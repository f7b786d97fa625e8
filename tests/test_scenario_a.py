"""Scenario A from evidence to cure, in process: every way in which a key can be wrong, and every way in which the cure
can be held up."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from keyed_world import as_it_was
from practice.faults import invalid_api_key
from practice.faults.fault import Truth
from practice.faults.invalid_api_key import VARIANTS
from practice.wires.deploy import dotenv
from practice.world import World
from runbook import evidence, planning, repair
from runbook.facts import Answer, Evidence
from runbook.incident import Incident, open_incident
from runbook.judgement import keys
from runbook.plan import Carried, Plan
from runbook.repair import deployment as steps

from tests.sampled import sampled

SEEDS = dict(zip(VARIANTS, range(100), strict=False))
DEPLOYS = {"mismatched_pair": ["set", "set", "redeploy", "redeploy"], "web_not_rebuilt": ["redeploy"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("run"), seed=12, payments=200, users=30, live=False) as opened:
        yield opened


@pytest.fixture
def broken(world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
           tmp_path: Path) -> Iterator[tuple[World, Truth, Incident]]:
    """The world with the variant that the test asks for (revoked where it asks for none), and an incident in it."""
    variant = getattr(request, "param", "revoked")
    with as_it_was(world):
        again = sum(truth.variant == variant for truth in getattr(world, "seen", ()))
        truth = world.inject("invalid_api_key", variant, seed=SEEDS[variant] + 1000 * again, live=False)
        world.seen = (*getattr(world, "seen", ()), truth)
        for name, value in (world.environment | truth.hands_over).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path))
        yield world, truth, open_incident("practice")


def looked(incident: Incident) -> tuple[Evidence, Evidence]:
    incident.look_again()
    return evidence.key_settings(incident), evidence.keys_tried(incident)


def planned(incident: Incident) -> Plan:
    return planning.plan_new_keys(incident, *looked(incident))


def carried(incident: Incident, plan: Plan) -> Carried:
    planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
    return repair.apply(incident, plan.fingerprint)


def words(done: Carried) -> list[str]:
    return [outcome.word for _, outcome in done.results]


def said(done: Carried) -> str:
    return " | ".join(outcome.detail for _, outcome in done.results)


def no_key_in(directory: Path, world: World) -> bool:
    kept = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    texts = [*world.gateway._book._keys, world.endpoint["secret"], *world.deploy_tokens.values()]
    return not any(text.encode() in kept for text in texts)


@pytest.mark.parametrize("broken", sampled(VARIANTS, ["revoked", "malformed_quotes", "web_not_rebuilt"]), indirect=True)
def test_each_variant_is_named_by_the_key_itself_and_cured_by_an_approved_plan(broken) -> None:
    world, truth, incident = broken
    settings, tried = looked(incident)
    before = keys.service_key_is_accepted(settings, tried), keys.pair_belongs_together(settings, tried)
    assert [cause for each in before for cause in each.implicates] == ["invalid_api_key"]
    plan = planning.plan_new_keys(incident, settings, tried)
    stored = {app: dotenv.parse(one.stored) for app, one in world.applications.known.items()}

    refused = repair.apply(incident, plan.fingerprint)
    assert set(words(refused)) == {"withheld"}
    assert stored == {app: dotenv.parse(one.stored) for app, one in world.applications.known.items()}
    assert truth.still_broken(world)

    done = carried(incident, plan)
    assert set(words(done)) == {"applied"}, said(done)
    kinds = [step.kind.removesuffix("_variable") for step in plan.steps]
    assert kinds == DEPLOYS.get(truth.variant, ["set", "redeploy"])
    assert truth.still_broken(world) == ""
    settings, tried = looked(incident)
    assert keys.service_key_is_accepted(settings, tried).holds
    assert keys.pair_belongs_together(settings, tried).clears == ("invalid_api_key",)
    assert keys.store_equals_container(evidence.deployment_store(incident)).holds
    assert not planning.plan_new_keys(incident, settings, tried)
    assert set(words(repair.apply(incident, plan.fingerprint))) == {"already done"}
    assert no_key_in(incident.directory, world)


def test_everything_else_of_the_stored_text_stays_to_the_byte(broken) -> None:
    world, truth, incident = broken
    hosted = world.applications.known["api"]
    hosted.stored += "\n# by hand, do not touch\nexport NOTE='a  b'   # really\nTWO=\"lines\nof it\"\n"
    before = hosted.stored
    plan = planned(incident)
    carried(incident, plan)
    new = truth.hands_over["PRACTICE_NEW_SECRET_KEY"]
    assert hosted.stored == before.replace(world.gateway.keys["live"].secret, new)


def test_what_somebody_changed_since_the_plan_is_left_alone(broken) -> None:
    world, _, incident = broken
    plan = planned(incident)
    hosted = world.applications.known["api"]
    hosted.stored = dotenv.changed(hosted.stored, invalid_api_key.SECRET, "somebody-elses")
    done = carried(incident, plan)
    assert words(done) == ["withheld", "withheld"]
    assert "somebody has changed it since | an earlier step was not carried out" in said(done)
    assert dotenv.parse(hosted.stored)[invalid_api_key.SECRET] == "somebody-elses"


def test_another_value_than_the_planned_one_is_not_taken(broken, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _, incident = broken
    plan = planned(incident)
    monkeypatch.setenv("PRACTICE_NEW_SECRET_KEY", world.gateway.issue_key("live"))
    assert "is not the one that the plan was made for" in said(carried(incident, plan))
    monkeypatch.delenv("PRACTICE_NEW_SECRET_KEY")
    assert "is not set in PRACTICE_NEW_SECRET_KEY" in said(repair.apply(incident, plan.fingerprint))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "A new secret key is needed: make one in Stripe's Dashboard"),
        ("quoted", "it has quotes around it"),
        ("test", "it is a test key, and this target expects live"),
        ("publishable", "a publishable key stands where a secret key belongs"),
        ("restricted", "May it write payment intents? no"),
        ("revoked", "Does Stripe accept it? no"),
    ],
)
def test_a_new_value_is_proven_before_it_is_planned(
    world: World, broken, monkeypatch: pytest.MonkeyPatch, given: str, sentence: str
) -> None:
    _, _, incident = broken
    values = {
        "": "", "quoted": f"'{world.gateway.issue_key('live')}'", "test": world.gateway.keys["test"].secret,
        "publishable": world.gateway.keys["live"].publishable, "restricted": world.gateway.keys["live"].read_only,
        "revoked": world.gateway.keys["live"].secret,
    }
    monkeypatch.setenv("PRACTICE_NEW_SECRET_KEY", values[given])
    plan = planned(incident)
    assert not plan
    assert sentence in plan.cannot_tell
    assert not given or values[given] not in plan.cannot_tell


def test_a_token_that_may_not_deploy_holds_up_that_step_alone(broken) -> None:
    world, truth, incident = broken
    world.board.grant(world.deploy_tokens["write"], "read", "envVars")
    plan = planned(incident)
    done = carried(incident, plan)
    assert words(done) == ["applied", "withheld"]
    assert "may not do `application.redeploy` (403)" in said(done)
    assert truth.still_broken(world)
    world.board.grant(world.deploy_tokens["write"], "read", "envVars", "deployment")
    assert words(repair.apply(incident, plan.fingerprint)) == ["already done", "applied"]


def test_a_token_that_may_not_write_holds_up_everything_after(broken) -> None:
    world, _, incident = broken
    world.board.grant(world.deploy_tokens["write"], "read", "deployment")
    done = carried(incident, planned(incident))
    assert words(done) == ["withheld", "withheld"]
    assert "an earlier step was not carried out" in said(done)


def test_a_deployment_that_fails_is_told_and_can_be_tried_again(broken) -> None:
    world, _, incident = broken
    secret = world.gateway.keys["live"].secret
    world.board.fail_next("api", f"no space left, STRIPE_SECRET_KEY={secret}")
    plan = planned(incident)
    done = carried(incident, plan)
    assert words(done) == ["applied", "withheld"]
    assert "the deployment of api ended as error: no space left" in said(done)
    assert secret not in said(done)
    assert words(repair.apply(incident, plan.fingerprint)) == ["already done", "applied"]


def test_a_repair_that_died_while_it_waited_goes_on_with_the_same_deployment(
    broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, truth, incident = broken
    plan = planned(incident)
    before = len(world.board.entries[world.board.id_of("api")].deployments)

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(steps, "wait_seconds", die)
        with pytest.raises(KeyboardInterrupt):
            carried(incident, plan)
    assert words(repair.apply(incident, plan.fingerprint))[0] == "already done"
    assert len(world.board.entries[world.board.id_of("api")].deployments) == before + 1
    assert truth.still_broken(world) == ""


def test_where_a_person_deploys_the_plan_tells_the_steps(broken) -> None:
    world, truth, incident = broken
    incident.target = msgspec.structs.replace(
        incident.target, deploy=msgspec.structs.replace(incident.target.deploy, kind="manual"))
    assert evidence.deployment_store(incident).note
    plan = planned(incident)
    done = carried(incident, plan)
    assert words(done) == ["withheld", "withheld"]
    assert said(done).count("a person does this: ") == 2
    assert "Deploy shop-api anew" in said(done)
    world.reconfigure({invalid_api_key.SECRET: truth.hands_over["PRACTICE_NEW_SECRET_KEY"]})
    assert words(repair.apply(incident, plan.fingerprint)) == ["already done", "already done"]


def test_a_restart_keeps_the_logs_first_and_happens_once(world: World, broken) -> None:
    _, _, incident = broken
    world.process.log.append("stderr", f"header value: 'Bearer {world.gateway.keys['live'].secret}'")
    plan = planning.plan_restart(incident)
    assert any("Requests that are under way are cut off" in promise for promise in plan.promises)
    lives = world.process.state.lives
    done = carried(incident, plan)
    assert words(done) == ["applied"], said(done)
    assert world.process.state.lives == lives + 1
    kept = incident.directory / "logs-before-restart.txt"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "stripe POST /v1/payment_intents 401" in kept.read_text()
    assert no_key_in(incident.directory, world)
    assert words(repair.apply(incident, plan.fingerprint)) == ["already done"]
    assert world.process.state.lives == lives + 1


def test_with_the_containers_away_nothing_is_concluded(broken, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, incident = broken
    incident.target = msgspec.structs.replace(
        incident.target, service=msgspec.structs.replace(incident.target.service, docker_host="tcp://127.0.0.1:9"))
    settings, tried = looked(incident)
    assert keys.service_key_is_accepted(settings, tried).answer is Answer.CANNOT_TELL
    assert planning.plan_new_keys(incident, settings, tried).cannot_tell
    assert planning.plan_restart(incident).cannot_tell


def test_fingerprints_belong_to_one_incident(broken) -> None:
    _, _, incident = broken
    other = open_incident("practice")
    assert incident.fingerprint("a") == incident.fingerprint("a") != incident.fingerprint("b")
    assert incident.fingerprint("a") != other.fingerprint("a")
    assert (incident.directory / "fingerprint.key").stat().st_mode & 0o777 == 0o600
    assert open_incident("practice", incident.id).fingerprint("a") == incident.fingerprint("a")
