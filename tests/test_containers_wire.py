"""The containers wire: the official docker SDK against the practice world's engine."""

from __future__ import annotations

import json
import pickle
import re
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from engines import ENGINES, containers_of
from practice.wires.containers import Facade, Process, Supervisor
from runbook.clock import Window
from runbook.errors import BadInput, CannotLook
from runbook.target import Service
from runbook.wires.containers import ContainerReader, names_of

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
COMMAND = [sys.executable, "-I", "-S", "-u", "-c", "import sys; sys.stdin.read()"]
ENVIRONMENT = {"STRIPE_SECRET_KEY": "hunter2=and more", "PORT": "3000"}
TASK = re.compile(r"shop-api\.1\.[a-z0-9]{25}")


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with Supervisor(tmp_path_factory.mktemp("containers")) as started:
        process = started.run("shop-api", "shop-api:2026.11.3", COMMAND, ENVIRONMENT)
        started.run("worker", "worker:1", COMMAND, {})
        fill(process)
        yield started


def fill(process: Process) -> None:
    """A line a minute on stdout, every tenth of them one on stderr half a second later."""
    for minute in range(24 * 60 + 10):
        at = DAY.start.timestamp() - 300 + 60 * minute
        process.log.append("stdout", json.dumps({"level": "info", "msg": f"minute {minute}"}), at=at)
        if minute % 10 == 0:
            process.log.append("stderr", f"ERROR minute {minute} é", at=at + 0.5)


@pytest.fixture(scope="module")
def engine(supervisor: Supervisor) -> Iterator[str]:
    facade = Facade(supervisor)
    yield facade.start()
    facade.stop()


def settings(engine: str, *names: str) -> Service:
    return Service(base_url="http://x", webhook_url="http://x", names=names, docker_host=engine, timeout_seconds=2)


@pytest.fixture
def reader(engine: str) -> Iterator[ContainerReader]:
    made = ContainerReader(settings(engine, "shop-api"))
    yield made
    made.close()


def test_found_by_service_or_by_name(reader: ContainerReader, engine: str) -> None:
    (facts,) = reader.containers()
    assert TASK.fullmatch(facts.name)
    assert (facts.service, facts.image, facts.state) == ("shop-api", "shop-api:2026.11.3", "running")
    assert (facts.exit_code, facts.restart_count, facts.out_of_memory) == (None, 0, False)
    assert facts.started_at is not None
    assert facts.started_at.tzinfo is not None
    assert ContainerReader(settings(engine, facts.name)).containers() == [facts]
    assert len(ContainerReader(settings(engine, "shop-api", "worker")).containers()) == 2


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        ({"com.docker.swarm.service.name": "api"}, ["api", "x"]),
        ({"com.docker.compose.service": "api", "com.docker.compose.project": "shop"}, ["api", "x"]),
        ({}, ["x"]),
        (None, ["x"]),
    ],
)
def test_what_a_container_may_be_called(labels: dict[str, str] | None, known: list[str]) -> None:
    assert names_of({"Names": ["/x"], "Labels": labels}) == known


def test_a_name_that_nobody_has_is_told_with_those_that_are(engine: str) -> None:
    with pytest.raises(CannotLook) as raised:
        ContainerReader(settings(engine, "shop_api")).containers()
    assert str(raised.value) == (
        "No container is called `shop_api`. Correct `service.names`; there are: `shop-api`, `worker`."
    )


def test_the_environment_is_read_and_not_shown(reader: ContainerReader) -> None:
    found = reader.environment()
    assert found["STRIPE_SECRET_KEY"] == "hunter2=and more"
    assert "hunter2" not in repr(found) + str(found) + f"{found!r:>10}"
    assert "STRIPE_SECRET_KEY" in repr(found)
    with pytest.raises(TypeError):
        pickle.dumps(found)
    assert dict(reader.environment(("PORT", "NOT_SET"))) == {"PORT": "3000"}


def test_logs_of_both_streams_in_order_and_within_the_window(reader: ContainerReader) -> None:
    lines = reader.logs(DAY)
    assert len(lines) == 24 * 60 + 24 * 6
    assert not lines.cut
    times = [line.at for line in lines]
    assert times == sorted(times)
    assert all(time in DAY for time in times)
    assert {line.stream for line in lines} == {"stdout", "stderr"}
    assert all(line.text.startswith("{") == (line.stream == "stdout") for line in lines)
    assert all(TASK.fullmatch(line.container) for line in lines)
    assert next(line.text for line in lines if line.stream == "stderr").endswith("é")


def test_the_newest_lines_are_kept(reader: ContainerReader) -> None:
    lines = reader.logs(DAY, 100)
    assert (len(lines), lines.cut) == (100, True)
    assert list(lines) == list(reader.logs(DAY))[-100:]
    hour = Window(NOW - timedelta(hours=1), NOW)
    assert (len(reader.logs(hour)), reader.logs(hour).cut) == (66, False)
    assert len(reader.logs(Window(NOW + timedelta(days=1), NOW + timedelta(days=2)))) == 0


def test_a_container_that_stopped_still_tells(supervisor: Supervisor, engine: str) -> None:
    process = supervisor.run("once", "once:1", [sys.executable, "-c", "raise SystemExit(3)"], {}, {}, restart="no")
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while process.exit_code is None and datetime.now(UTC) < deadline:
        pass
    reader = ContainerReader(settings(engine, "once"))
    (facts,) = reader.containers()
    assert (facts.state, facts.exit_code) == ("exited", 3)
    with pytest.raises(CannotLook, match="No container of the service runs"):
        reader.environment()
    process.log.append("stderr", "last words", at=NOW.timestamp() - 5)
    assert [line.text for line in reader.logs(DAY)] == ["last words"]


@pytest.mark.parametrize(
    ("host", "error", "words"),
    [
        ("tcp://127.0.0.1:{closed}", CannotLook, "could not be reached"),
        ("unix:///nowhere/docker.sock", CannotLook, "could not be reached"),
        ("tcp://127.0.0.1:{silent}", CannotLook, "gave no answer in time"),
        ("carrier-pigeon://roof", BadInput, "should look like unix://, tcp:// or ssh://"),
    ],
)
def test_an_engine_that_cannot_be_asked(host: str, error: type[Exception], words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with socket.create_server(("127.0.0.1", 0)) as closing:
            closed = closing.getsockname()[1]
        where = host.format(closed=closed, silent=silent.getsockname()[1])
        quick = msgspec.structs.replace(settings(where, "shop-api"), timeout_seconds=1)
        with pytest.raises(error, match=words):
            ContainerReader(quick).containers()


def test_the_environment_may_name_the_engine(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    assert ContainerReader(settings("", "shop-api")).containers()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_reader_finds_the_same_at_the_facade_and_at_a_real_engine(engine, tmp_path):
    began = datetime.now(UTC)
    with containers_of(engine, tmp_path) as client:
        (container,) = client.containers.list()
        reader = ContainerReader(settings(client.api.base_url.replace("http", "tcp"), container.name))
        (found,) = reader.containers()
        assert (found.state, found.restart_count, found.exit_code) == ("running", 0, None)
        assert found.image.endswith("shop-api:1")  # podman says localhost/ before it
        assert found.started_at - began < timedelta(minutes=1)
        assert reader.environment(("SECRET",)) == {"SECRET": "a b=c"}
        window = Window(began - timedelta(minutes=1), began + timedelta(minutes=5))
        for _ in range(100):
            if len(lines := list(reader.logs(window))) == 3:
                break
            time.sleep(0.1)
        assert {(line.stream, line.text) for line in lines} == {
            ("stdout", "listening"), ("stderr", "no cache"), ("stderr", "  at warm")
        }  # fmt: skip
        reader.close()
