"""Light worlds: other names, words and units, the same day; broken like a full world, and diagnosed like one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from practice.faults.fault import SEVERITIES, Face
from practice.light import LightWorld, Quarters, Variation, lay_noise
from practice.light.face import together
from practice.light.variation import MIXES, NAMES, STATES, WORDS
from practice.premises import WorldError
from practice.traffic.history import WEBHOOK
from practice.traffic.noise import COUNTS, KINDS
from practice.wires.service.settle import EFFECTS
from runbook import target
from runbook.wires.containers import ContainerReader
from runbook.wires.ledger import LedgerReader
from triaged import triage_of

USUAL = Variation(payments=120, users=30)
FOREIGN = Variation(
    names=NAMES[4], words=WORDS[2], schema="billing", times="bigint", amount_unit="major", currency_upper=True,
    currencies=MIXES[3], log_format="logfmt", service="backend_payments-api", clock_offset_seconds=4.1, payments=150,
    users=30, events_mapped=False, reasons_mapped=False,
)
RAILS = Variation(names=NAMES[1], words=WORDS[4], times="timestamp", currencies=MIXES[1], log_format="nestjs",
                  log_format_told=False, clock_offset_seconds=-6.0, payments=260, users=50)
KNOWN = pytest.mark.parametrize("variation", [USUAL, FOREIGN, RAILS], ids=["usual", "foreign", "rails"])


@pytest.fixture(scope="module")
def quarters() -> Iterator[Quarters]:
    with Quarters() as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The target of a world, as a responder loads it."""

    def load(world: LightWorld) -> target.Target:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        return target.load(world.target_file(tmp_path), tmp_path)

    return load


@KNOWN
def test_the_ledger_reads_alike_under_any_names(quarters: Quarters, settings, variation: Variation) -> None:
    with LightWorld.open(quarters, 7, variation) as world:
        settled = settings(world)
        reader = LedgerReader(settled.ledger)
        reader.check_mapping()
        assert reader.unknown_status_words() == []
        rows = reader.ask("SELECT intent_id, amount_minor, currency, status, created FROM {ledger} AS ledger")
        reader.close()
    words = {word: status for status, known in settled.ledger.status.items() for word in known}
    read = {row["intent_id"]: (row["amount_minor"], row["currency"], words[row["status"]].upper()) for row in rows}
    laid = {row.intent: (row.amount, row.currency, row.status) for row in world.history.rows}
    assert read == laid
    ahead = {row["intent_id"]: row["created"].timestamp() for row in rows}
    assert all(abs(ahead[row.intent] - row.created_at - variation.clock_offset_seconds) < 0.002
               for row in world.history.rows)  # fmt: skip


@KNOWN
def test_a_container_that_never_ran_is_described_as_running(
    quarters: Quarters, settings, variation: Variation
) -> None:
    with LightWorld.open(quarters, 7, variation) as world:
        reader = ContainerReader(settings(world).service)
        [container] = reader.containers()
        assert (container.service, container.state) == (variation.service, "running")
        assert reader.environment()["STRIPE_SECRET_KEY"] == world.keys.secret
        world.reconfigure({"STRIPE_SECRET_KEY": "another"}, at=world.now() - 60)
        assert reader.environment()["STRIPE_SECRET_KEY"] == "another"
        started = reader.containers()[0].started_at
        assert started is not None
        assert started.timestamp() == world.now() - 60
        world.reconfigure({"STRIPE_SECRET_KEY": None}, at=world.now() - 60)
        assert "STRIPE_SECRET_KEY" not in reader.environment()
        assert reader.containers()[0].state == "restarting"
        reader.close()


@KNOWN
def test_a_lost_payment_is_diagnosed_as_in_a_full_world(
    quarters: Quarters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variation: Variation
) -> None:
    with LightWorld.open(quarters, 11, variation) as world:
        lay_noise(world, "heavy", 11)
        truth = world.inject("database_rollback")
        found = triage_of(world, tmp_path, monkeypatch)
    assert found["diagnosis"].causes == ("database_rollback",)
    assert {row["intent_id"] for row in found["missing"].rows} == {one.intent for one in truth.affected}


@KNOWN
def test_a_good_day_is_told_from_a_bad_one(
    quarters: Quarters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variation: Variation
) -> None:
    with LightWorld.open(quarters, 12, variation) as world:
        assert world.expected == {"none"}
        assert triage_of(world, tmp_path, monkeypatch)["diagnosis"].causes == ("none",)


def test_the_same_seed_is_the_same_world(quarters: Quarters) -> None:
    told = []
    for _ in range(2):
        with LightWorld.open(quarters, 3, USUAL) as world:
            lay_noise(world, "heavy", 3)
            world.inject("database_rollback")
            told.append((world.now(), world.truths, world.keys, world.process.log.path.read_bytes()))
    assert told[0] == told[1]
    with LightWorld.open(quarters, 4, USUAL) as world:
        assert world.process.log.path.read_bytes() != told[0][3]


def test_worlds_are_drawn_from_everything_that_shops_differ_in() -> None:
    drawn = [Variation.drawn(seed) for seed in range(300)]
    assert drawn == [Variation.drawn(seed) for seed in range(300)]
    for name in Variation.__dataclass_fields__:
        assert len({getattr(each, name) for each in drawn}) > 1, name
    assert all(200 <= each.payments <= 600 for each in drawn)
    assert max(Variation.drawn(seed, payments_max=3000).payments for seed in range(300)) > 1500


def test_a_severity_says_how_much_is_broken(quarters: Quarters) -> None:
    counts = []
    for severity in SEVERITIES.values():
        with LightWorld.open(quarters, 5, USUAL, severity) as world:
            counts.append(len(world.inject("database_rollback", "unique_violation").affected))
    assert counts == sorted(counts)
    assert counts[0] < counts[2] / 3


def test_quarters_have_one_world_at_a_time_and_are_left_as_they_were(quarters: Quarters) -> None:
    with LightWorld.open(quarters, 5, FOREIGN) as world, pytest.raises(WorldError, match="close it first"):
        LightWorld.open(quarters, 6, USUAL)
    world.close()
    schemas = quarters.conn.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'billing'").fetchall()
    quarters.conn.rollback()
    assert schemas == []
    assert httpx.get(quarters.docker_host.replace("tcp", "http") + "/containers/json").json() == []
    with LightWorld.open(quarters, 5, USUAL) as world:
        world.inject("nothing_wrong")
        with pytest.raises(WorldError, match="has the fault"):
            world.inject("nothing_wrong")


def test_the_stub_of_the_service_shows_the_faults_face(quarters: Quarters) -> None:
    with LightWorld.open(quarters, 5, USUAL) as world:
        assert answers(world) == (200, 400, 400)
        assert world.keys.publishable in httpx.get(f"{world.service_url}/shop").text
        world.inject("database_unavailable")
        assert answers(world) == (503, 400, 400)
    assert together([Face(), Face(unsigned=200), Face(health=0)]) == Face(0, 200, 400)


def answers(world: LightWorld) -> tuple[int, int, int]:
    hook = world.service_url + WEBHOOK
    return (
        httpx.get(f"{world.service_url}/api/health").status_code,
        httpx.post(hook, content=b"{}").status_code,
        httpx.post(hook, content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"}).status_code,
    )


def test_noise_is_old_and_leaves_nothing_unrecorded(quarters: Quarters) -> None:
    with LightWorld.open(quarters, 9, Variation(payments=300, users=40)) as world:
        before = {entry.log for entry in world.process.log.entries()}
        assert lay_noise(world, "heavy", 9) == tuple(sorted(KINDS))
        heard = [entry for entry in world.process.log.entries() if entry.log not in before]
        assert heard
        assert len({*COUNTS.values()}) == 3
        live = world.gateway.engine.mode("live")
        paid = Counter(each["status"] for each in live.tables["payment_intent"])["succeeded"]
        table, schema = world.variation.names.table, world.variation.schema
        query = f'SELECT count(*) FROM {schema}."{table}" WHERE status = ANY (%s)'
        [[recorded]] = world.quarters.conn.execute(query, ([STATES[1], STATES[3], STATES[4]],)).fetchall()
        under_way = sum(made.outcome == "late" for made in world.plan.purchases)
        assert paid - under_way == recorded
        assert set(EFFECTS) == set(world.endpoint["enabled_events"])
