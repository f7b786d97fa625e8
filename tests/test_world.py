"""A practice world: opens, tells one story on every side, is the same for the same seed, and leaves nothing behind."""

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import docker
import psycopg
import pytest
import stripe
from practice import drill
from practice.fixture import open_fixture_world
from practice.referee import Verdict
from practice.traffic.people import PRICES, card_number, price
from practice.traffic.plan import DAY, JUST_NOW, Plan, plan
from practice.wires.gateway.cards import luhn_digit
from practice.world import World, WorldError

pytest_plugins = ["practice.pytest_plugin"]

CLOCK = datetime(2026, 1, 15, 12, tzinfo=UTC)
SMALL = {"payments": 150, "users": 30, "live": False}


@pytest.fixture(scope="module")
def day() -> Plan:
    return plan(7, CLOCK.timestamp(), 2000, 300)


def ledger(world: World) -> list[tuple]:
    with psycopg.connect(world.shop.read_dsn) as conn:
        return [row for table in ("User", "Transaction", "WebhookEvent")
                for row in conn.execute(f'SELECT * FROM "{table}" ORDER BY "id"')]


def said(world: World) -> list[tuple]:
    return [(entry.time, entry.stream, entry.log) for entry in world.process.log.entries()]


def told(world: World) -> list[dict]:
    """Everything Stripe holds, as its lists show it; the endpoint's port alone differs between two worlds."""
    live = world.gateway.engine.mode("live")
    return [live.shown(item) for kind, table in live.tables.items() if kind != "webhook_endpoint" for item in table]


def test_the_same_seed_and_clock_give_the_same_plan(day: Plan) -> None:
    assert plan(7, CLOCK.timestamp(), 2000, 300) == day
    assert plan(8, CLOCK.timestamp(), 2000, 300) != day


def test_a_day_holds_what_a_shop_sees(day: Plan) -> None:
    outcomes = Counter(made.outcome for made in day.purchases)
    assert len(day.purchases) == 2000
    assert outcomes["declined"] == 120
    assert outcomes["abandoned"] == 80
    assert outcomes["paid"] > 1700
    assert {"processing", "held", "needs_action", "canceled", "open", "late"} < set(outcomes)
    assert {made.currency for made in day.purchases} == {"usd", "eur", "gbp", "jpy"}
    refunds = [made for made in day.purchases if made.refunded_after]
    assert len(refunds) == 40
    assert {made.refund_amount == made.amount for made in refunds} == {True, False}
    assert sum(bool(made.disputed_after) for made in day.purchases) == 2


def test_everything_of_a_day_lies_within_it(day: Plan) -> None:
    clock = CLOCK.timestamp()
    for made in day.purchases:
        last = made.at + max(made.paid_after if made.outcome not in ("open", "needs_action") else 0,
                             made.refunded_after, made.disputed_after)
        assert clock - DAY - 600 < made.at
        assert last < clock - 5
    assert sum(made.at > clock - 180 for made in day.purchases) == len(JUST_NOW)


def test_days_have_busy_and_quiet_hours(day: Plan) -> None:
    by_hour = Counter(int(made.at % DAY // 3600) for made in day.purchases)
    assert by_hour[18] > 2 * by_hour[3]


def test_cards_pass_the_check_digit_and_prices_are_whole() -> None:
    for seed in range(50):
        number = card_number(random.Random(seed))
        assert len(number) == 16
        assert luhn_digit(number[:-1]) == number[-1]
    assert all(isinstance(price(random.Random(1), currency), int) for currency in PRICES)


def test_both_sides_tell_the_same_story_but_for_the_fault(fixture_world: World) -> None:
    live = fixture_world.gateway.engine.mode("live")
    with psycopg.connect(fixture_world.shop.read_dsn) as conn:
        rows = conn.execute("""SELECT "stripePaymentIntentId", "status", "amount", "currency", "id"::text
                               FROM "Transaction\"""").fetchall()
    intents = {intent["id"]: intent for intent in live.tables["payment_intent"]}
    assert fixture_world.truth
    lost = {one.intent for one in fixture_world.truth.affected}
    ownerless = {one.intent for one in fixture_world.truth.affected if one.cure == "work_list"}
    assert {row[0] for row in rows} | ownerless == set(intents)
    for intent_id, status, amount, currency, transaction in rows:
        intent = intents[intent_id]
        assert (intent["amount"], intent["currency"]) == (amount, currency)
        assert intent["metadata"]["transactionId"] == transaction
        if status in ("COMPLETED", "REFUNDED", "DISPUTED"):
            assert intent["status"] == "succeeded"
        if intent["status"] == "succeeded":
            assert status != "FAILED"
    late = [laid.intent for laid in fixture_world.history.laid if laid.purchase.outcome == "late"]
    unrecorded = [row[0] for row in rows if row[1] == "PENDING" and intents[row[0]]["status"] == "succeeded"]
    assert sorted([*late, *(lost - ownerless)]) == sorted(unrecorded)


def test_every_recorded_payment_has_its_lines(fixture_world: World) -> None:
    text = "".join(entry.log for entry in fixture_world.process.log.entries())
    for laid in fixture_world.history.laid:
        if laid.purchase.outcome == "paid":
            assert f"webhook {laid.event} payment_intent.succeeded received" in text
            assert f"webhook {laid.event} processed {laid.intent}" in text
            assert f"confirmation mail sent for {laid.intent}" in text


def test_nothing_in_a_world_is_later_than_its_clock(fixture_world: World) -> None:
    assert max(entry.time for entry in fixture_world.process.log.entries()) <= "2026-01-15T12:00:00.000000000Z"
    with psycopg.connect(fixture_world.shop.read_dsn) as conn:
        newest = conn.execute('SELECT max("updatedAt") FROM "Transaction"').fetchone()
    assert newest
    assert newest[0] <= CLOCK
    assert all(event["created"] <= CLOCK.timestamp() for event in fixture_world.gateway.engine.mode("live").events())


def test_the_wires_answer_to_the_real_clients(fixture_world: World) -> None:
    given = fixture_world.environment
    client = stripe.StripeClient(given["PRACTICE_GATEWAY_READ_KEY"],
                                 base_addresses={"api": given["PRACTICE_GATEWAY_URL"]})
    assert client.v1.payment_intents.list({"limit": 3}).data[0].livemode is True
    engine = docker.DockerClient(base_url=given["PRACTICE_DOCKER_HOST"])
    name = given["PRACTICE_CONTAINER"]
    [container] = engine.containers.list(filters={"label": f"com.docker.swarm.service.name={name}"})
    assert container.status == "running"
    assert "STRIPE_WEBHOOK_SECRET=" + given["PRACTICE_WEBHOOK_SECRET"] in container.attrs["Config"]["Env"]
    engine.close()


def test_world_env_is_whole_private_and_goes_with_the_world(tmp_path: Path) -> None:
    (tmp_path / "world-of-one-that-was-killed" / "ledger").mkdir(parents=True)
    (tmp_path / "world.env").write_text("PRACTICE_WORLD=long-gone\n")
    with World.open(tmp_path, **SMALL) as world:
        file = tmp_path / "world.env"
        assert file.stat().st_mode & 0o777 == 0o600
        assert dict(line.split("=", 1) for line in file.read_text().splitlines()) == world.environment
        assert len(list(tmp_path.glob("world-*/"))) == 1
        with pytest.raises(WorldError, match="is open in"):
            World.open(tmp_path, **SMALL)
        with World.open(tmp_path / "beside", log_format="logfmt", **SMALL) as other:
            assert other.service_url != world.service_url
            assert re.match(r"ts=\S+ level=info logger=Bootstrap", other.process.log.entries()[0].log)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["world.lock"]
    assert not list(tmp_path.glob("world-*"))


def test_the_same_seed_and_clock_give_the_same_world(fixture_world: World, tmp_path: Path) -> None:
    with open_fixture_world(tmp_path) as other:
        assert ledger(other) == ledger(fixture_world)
        logged = said(other)
        assert said(fixture_world)[: len(logged)] == logged, "what tests have sent to the shared one comes after"
        assert told(other) == told(fixture_world)
        assert other.truth == fixture_world.truth
        for name in ("PRACTICE_WEBHOOK_SECRET", "PRACTICE_GATEWAY_READ_KEY", "PRACTICE_TEST_PAYMENT_METHOD"):
            assert other.environment[name] == fixture_world.environment[name]


def test_people_go_on_paying(tmp_path: Path) -> None:
    with World.open(tmp_path, payments=150, users=30, log_format="nestjs") as world:
        deadline = time.monotonic() + 20
        while not any(world.has_logged(f"confirmation mail sent for {intent}") for intent in world.traffic.intents):
            assert time.monotonic() < deadline, "nobody's payment came through"
            time.sleep(0.1)
        late = [laid for laid in world.history.laid if laid.purchase.outcome == "late"]
        assert all(world.has_logged(f"webhook {laid.event} processed") for laid in late)
        assert any(entry.log.startswith("\x1b[32m[Nest] 7  - ") for entry in world.process.log.entries())
        with world.held():
            held = len(world.traffic.intents)
            time.sleep(1)
            assert len(world.traffic.intents) == held


@pytest.mark.parametrize(("wrong", "sentence"), [
    ({"seed": -1}, "A seed is 0 or more, not -1."),
    ({"log_format": "xml"}, "There is no log format `xml`; choose from: json, nestjs, logfmt."),
    ({"clock": datetime(2026, 1, 15)}, "has no time zone"),
])
def test_a_world_that_cannot_be_is_refused_in_one_sentence(tmp_path: Path, wrong: dict, sentence: str) -> None:
    with pytest.raises(WorldError, match=re.escape(sentence)):
        World.open(tmp_path / "never", **wrong)
    assert not (tmp_path / "never").exists()


def test_a_killed_world_leaves_no_process(tmp_path: Path) -> None:
    story = ("import time, pathlib, sys; sys.modules['rfc3987_syntax'] = None; from practice.world import World\n"
             "w = World.open(pathlib.Path(sys.argv[1]), payments=20, users=5, live=False)\n"
             "print(w.process.pid, w.cluster.pid, flush=True); time.sleep(60)")
    child = subprocess.Popen([sys.executable, "-c", story, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    pids = [int(pid) for pid in child.stdout.readline().split()]
    child.kill()
    child.wait()
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "a child of the world survived it"
        time.sleep(0.05)


@pytest.mark.parametrize(("arguments", "code", "sentence"), [
    (["drill", "nonsense"], 64, "There is no drill of `nonsense`; choose from: database_rollback, "),
    (["drill", "gateway_outage"], 64, "There is no drill of `gateway_outage`; choose from: "),
    (["drill", "--seed", "-3"], 64, "a seed is a whole number from 0 on, not `-3`"),
    (["drill", "--sed", "3"], 64, "--sed"),
    (["refresh", "no_such_notebook"], 64, "There is no notebook `no_such_notebook`"),
])
def test_bad_usage_is_one_sentence(arguments: list[str], code: int, sentence: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "practice", *arguments], capture_output=True, text=True)
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_drill_ends_in_a_few_lines_that_say_everything() -> None:
    holds = {"statement": "Every payment is recorded.", "answer": "holds"}
    record = {
        "diagnosis": {"causes": ["database_rollback"]}, "verdict": "recovered",
        "impact": {"payments": 3, "users": 2, "amounts_minor": {"jpy": 31_590, "eur": 113_710}},
        "outcomes": {"applied": 1, "already_done": 0, "withheld": 1},
        "withheld": [{"key": "k", "reason": "the row moved"}], "work_list": [{"reason": "no owner"}] * 2,
        "checks": {"before": [holds | {"answer": "does not hold"}], "after": [holds]},
        "timings_seconds": {"total": 12.34},
    }
    said = drill.summary(record, Verdict(1, 1, (), 0, 2, ()), "inc-1")
    assert said[:-2] == [
        "diagnosis   database_rollback; verdict recovered",
        "impact      3 payments of 2 users: 1,137.10 EUR, 31,590 JPY",
        "repaired    1 applied, 0 already done, 1 withheld",
        "            withheld 1: the row moved",
        "            for a person 2: no owner",
        "checks      Every payment is recorded: does not hold -> holds",
        "time        12.3 s of machine time; the target is 20 minutes",
    ]
    assert said[-2].endswith("inc-1/report.html")
    assert said[-1] == ("referee     1 of 1 curable payments are right again, 2 belong to a person; no harm done.")


def test_a_directory_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorldError, match="could not be opened: "):
        World.open(tmp_path / "file" / "below", **SMALL)


def test_every_fault_that_can_be_drilled_has_a_brief_that_does_not_name_it() -> None:
    for cause in (name for name in drill.FAULTS if (drill.BRIEFS / f"{name}.yaml").exists()):
        story = drill.brief(cause)
        assert cause not in story
        assert not re.search(r"rollback|constraint|deadlock|database|release|webhook", story, re.IGNORECASE)


def test_the_fixture_world_is_in_the_environment(fixture_world: World) -> None:
    assert os.environ["PRACTICE_CLOCK"] == "2026-01-15T12:00:00Z"
    assert os.environ["PRACTICE_GATEWAY_URL"] == fixture_world.gateway.url
    assert fixture_world.truth is not None
