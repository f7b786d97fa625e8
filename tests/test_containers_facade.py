"""The official docker SDK against the façade: what it lists, reads and does is true of real processes."""

import datetime
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from docker.errors import NotFound
from engines import ENGINES, READER_COMMAND, containers_of, until
from practice.wires.containers import ContainerError, Facade, Process, Supervisor
from practice.wires.containers.log import ENTRY_BYTES_MAX, stamp

# What the child does with each line of its standard input.
CHILD = """
import os, sys
print("listening"); print("no cache\\n  at warm (cache.js:7)", file=sys.stderr)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "exit": os._exit(int(rest))
    if word == "spawn": import subprocess; print(subprocess.Popen(["sleep", "1000"]).pid)
    if word == "environment": print(open("/proc/self/environ", "rb").read())
    if word == "long": print("x" * int(rest))
    if word == "part": sys.stdout.write(rest); sys.stdout.flush()
    if word == "deaf": import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("deaf now")
    if word == "say": print(rest)
"""
COMMAND = [sys.executable, "-I", "-S", "-u", "-c", CHILD]
ENVIRONMENT = {"PORT": "8080", "STRIPE_SECRET_KEY": "sk with spaces = and €", "EMPTY": ""}


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "containers", restart_delay_seconds=0.3) as supervisor:
        yield supervisor


@pytest.fixture
def process(supervisor: Supervisor) -> Process:
    return supervisor.run("shop-api", "shop-api:2026.11.3", COMMAND, ENVIRONMENT, {"app": "shop", "tier": "1"})


@pytest.fixture
def client(supervisor: Supervisor) -> Iterator[docker.DockerClient]:
    facade = Facade(supervisor)
    client = docker.DockerClient(base_url=facade.start())
    yield client
    client.close()
    facade.stop()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    """For tests that only look: one process runs, one has ended, one has nothing but a past."""
    with Supervisor(tmp_path_factory.mktemp("shelf")) as supervisor:
        supervisor.run("shop-api", "shop-api:2026.11.3", COMMAND, ENVIRONMENT, {"app": "shop", "tier": "1"})
        supervisor.run("worker", "worker:1", ["/bin/true"], {}, {"tier": "2"}, restart="no").wait_for("exited")
        past = supervisor.create("past", "shop-api:1", ["/bin/true"], {}, created_at=1_000)
        # In the wrong order, as history is when it is appended to a log that is written already.
        past.log.append("stdout", "third", at=1_002.5)
        past.log.append("stderr", "second\n  of two lines", at=1_001)
        past.log.append("stdout", "first", at=1_000.000001)
        facade = Facade(supervisor)
        client = docker.DockerClient(base_url=facade.start())
        yield client
        client.close()
        facade.stop()


@pytest.fixture
def history(shelf: docker.DockerClient) -> Any:
    return shelf.containers.list(filters={"name": "past", "status": "created"})[0]


def base(client: docker.DockerClient) -> str:
    return str(client.api.base_url)


@pytest.fixture
def url(client: docker.DockerClient) -> str:
    return str(client.api.base_url)


def said(process: Process, text: str) -> None:
    until(lambda: any(text in entry.log for entry in process.log.entries()), text)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- the engine -------------------------------------------------------------------------------------------------------


def test_client_and_engine_agree_on_a_version(shelf: docker.DockerClient) -> None:
    assert shelf.ping()
    assert shelf.version()["ApiVersion"] == shelf.api._version == "1.51"
    assert shelf.info()["Swarm"]["LocalNodeState"] == "active"
    head = httpx.head(base(shelf) + "/_ping")
    assert (head.status_code, head.headers["api-version"], head.headers["ostype"]) == (200, "1.51", "linux")
    assert docker.DockerClient(base_url=base(shelf), version="1.41").ping()


@pytest.mark.parametrize(("version", "word"), [("1.99", "too new"), ("1.12", "too old"), ("2.0", "too new")])
def test_a_version_that_is_not_spoken_is_refused(shelf: docker.DockerClient, version: str, word: str) -> None:
    answer = httpx.get(f"{base(shelf)}/v{version}/containers/json")
    assert answer.status_code == 400
    assert word in answer.json()["message"]


def test_what_the_practice_engine_does_not_offer_is_told_apart_from_what_is_missing(shelf: docker.DockerClient) -> None:
    created = httpx.post(f"{base(shelf)}/v1.51/containers/create")
    message = "the practice engine does not offer POST /containers/create"
    assert (created.status_code, created.json()) == (501, {"message": message})
    elsewhere = httpx.get(f"{base(shelf)}/elsewhere")
    assert (elsewhere.status_code, elsewhere.json()) == (404, {"message": "page not found"})


# --- list and inspect -------------------------------------------------------------------------------------------------


def test_a_process_is_found_as_a_swarm_task(process: Process, client: docker.DockerClient) -> None:
    (found,) = client.containers.list(filters={"label": "com.docker.swarm.service.name=shop-api"})
    assert found.name == process.container_name
    assert found.name.startswith("shop-api.1.")
    assert len(found.name.removeprefix("shop-api.1.")) == 25
    assert found.labels["com.docker.swarm.task.id"] == found.name.rpartition(".")[2]
    assert found.image.tags == ["shop-api:2026.11.3"]


def test_inspect_shows_the_process_as_it_is(process: Process, client: docker.DockerClient) -> None:
    attrs = client.containers.get(process.container_name).attrs
    assert attrs["Config"]["Env"] == [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    assert attrs["Config"]["Cmd"] == COMMAND
    assert attrs["Config"]["Tty"] is False
    assert attrs["State"]["Status"] == "running"
    assert attrs["State"]["Pid"] == process.pid
    assert attrs["RestartCount"] == 0
    assert attrs["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert is_alive(attrs["State"]["Pid"])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_environment_in_inspect_is_that_of_the_child(process: Process, client: docker.DockerClient) -> None:
    process.send("environment")
    said(process, "PORT=")
    seen = next(entry.log for entry in process.log.entries() if "PORT=" in entry.log)
    expected = b"".join(f"{name}={value}\0".encode() for name, value in ENVIRONMENT.items())
    assert seen == f"{expected!r}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_secret_of_the_child_stands_in_a_command_line_or_in_the_guards_environment(process: Process) -> None:
    guard = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
    for seen in (f"{guard}/cmdline", f"{guard}/environ", f"{process.pid}/cmdline"):
        assert b"sk with spaces" not in Path(f"/proc/{seen}").read_bytes()


def test_the_same_container_by_id_prefix_and_name(process: Process, client: docker.DockerClient) -> None:
    for key in (process.id, process.id[:12], process.container_name, "/" + process.container_name):
        assert client.containers.get(key).id == process.id
    for key in ("shop-api", "nobody", process.id[:11] + "~"):
        with pytest.raises(NotFound, match=f"No such container: {key}"):
            client.containers.get(key)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 1), ({"status": "exited"}, 1), ({"status": ["running", "exited"]}, 2), ({"status": "created"}, 1),
        ({"name": "shop"}, 1), ({"name": "^/shop-api"}, 1), ({"name": "worker"}, 0), ({"label": "tier"}, 1),
        ({"label": "tier=2"}, 0),
        ({"label": ["tier=1", "app=shop"]}, 1), ({"label": ["tier=1", "app=x"]}, 0), ({"ancestor": "shop-api"}, 1),
        ({"exited": "0", "status": "exited"}, 1), ({"exited": "7", "status": "exited"}, 0),
    ],
)  # fmt: skip
def test_filters_choose(shelf: docker.DockerClient, filters: dict[str, Any], count: int) -> None:
    assert len(shelf.containers.list(filters=filters)) == count


def test_a_list_shows_the_running_ones_unless_all_are_asked_for(shelf: docker.DockerClient) -> None:
    def names(**asked: Any) -> list[str]:
        return [found.name.split(".")[0] for found in shelf.containers.list(**asked)]

    assert names() == ["shop-api"]
    assert names(all=True) == ["worker", "shop-api", "past"]  # the youngest first
    assert names(limit=2) == ["worker", "shop-api"]


@pytest.mark.parametrize("filters", ["nonsense", '{"colour": ["red"]}', '{"status": ["gone"]}', "[1]"])
def test_a_bad_filter_is_refused(shelf: docker.DockerClient, filters: str) -> None:
    answer = httpx.get(base(shelf) + "/containers/json", params={"filters": filters})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("invalid filter")


# --- logs -------------------------------------------------------------------------------------------------------------


def test_two_streams_are_kept_apart(process: Process, client: docker.DockerClient) -> None:
    said(process, "listening")
    said(process, "at warm")
    container = client.containers.get(process.id)
    assert container.logs(stderr=False) == b"listening\n"
    assert container.logs(stdout=False) == b"no cache\n  at warm (cache.js:7)\n"
    assert sorted(container.logs().splitlines()) == [b"  at warm (cache.js:7)", b"listening", b"no cache"]


def test_history_is_read_in_order_of_time(history: Any) -> None:
    assert history.logs().splitlines() == [b"first", b"second", b"  of two lines", b"third"]
    assert history.logs(timestamps=True, stderr=False).splitlines()[0] == b"1970-01-01T00:16:40.000001000Z first"
    assert history.status == "created"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"since": 1_001}, ["second", "  of two lines", "third"]),
        ({"since": 1_001.5}, ["third"]),
        ({"until": 1_001}, ["first", "second", "  of two lines"]),
        ({"since": datetime.datetime.fromtimestamp(1_001, datetime.UTC), "until": 1_002}, ["second", "  of two lines"]),
        ({"tail": 1}, ["third"]),
        ({"tail": 0}, []),
        ({"tail": 3, "until": 1_001}, ["second", "  of two lines"]),
        ({"tail": 2, "stderr": False}, ["third"]),
        ({"since": 2_000}, []),
    ],
)
def test_a_part_of_the_log(history: Any, asked: dict[str, Any], expected: list[str]) -> None:
    assert history.logs(**asked).decode().splitlines() == expected


def test_a_request_for_no_stream_or_a_bad_time_is_refused(shelf: docker.DockerClient, history: Any) -> None:
    url = f"{base(shelf)}/containers/{history.id}/logs"
    none = httpx.get(url)
    assert (none.status_code, none.json()["message"]) == (400, "Bad parameters: you must choose at least one stream")
    assert httpx.get(url + "?stdout=1&since=yesterday").status_code == 400


def test_following_shows_lines_as_they_come_and_ends_with_the_process(
    process: Process, client: docker.DockerClient
) -> None:
    said(process, "listening")
    stream = client.containers.get(process.id).logs(stream=True, follow=True, stderr=False)
    assert next(stream) == b"listening\n"
    process.send("say one")
    assert next(stream) == b"one\n"
    threading.Thread(target=process.restart).start()
    assert list(stream) == []  # a restart ends it, as it does with a real engine


def test_an_abandoned_follower_does_not_hold_up_the_end(supervisor: Supervisor, process: Process) -> None:
    facade = Facade(supervisor)
    client = docker.DockerClient(base_url=facade.start())
    said(process, "listening")
    stream = client.containers.get(process.id).logs(stream=True, follow=True)
    next(stream)
    facade.stop()
    with pytest.raises(docker.errors.DockerException):
        docker.DockerClient(base_url=client.api.base_url)


def test_a_long_line_is_cut_as_docker_cuts_and_reads_whole(process: Process, client: docker.DockerClient) -> None:
    process.send(f"long {3 * ENTRY_BYTES_MAX}")
    process.send("say end")
    said(process, "end")
    assert b"x" * 3 * ENTRY_BYTES_MAX + b"\nend\n" in client.containers.get(process.id).logs(stderr=False)
    assert max(len(entry.log) for entry in process.log.entries()) <= ENTRY_BYTES_MAX


def test_a_last_line_without_newline_is_kept(process: Process) -> None:
    process.send("part half a line")
    process.send("exit 0")
    process.wait_for("restarting")
    assert any(entry.log == "half a line" for entry in process.log.entries())


def test_a_stamp_keeps_its_order_as_text() -> None:
    times = [0.0, 0.000001, 1.5, 1_795_381_221.830378, 1_795_381_221.83, 1_795_381_222]
    assert sorted(map(stamp, times)) == [stamp(at) for at in sorted(times)]
    assert stamp(1_795_381_221.830378) == "2026-11-22T21:00:21.830378000Z"


# --- acting -----------------------------------------------------------------------------------------------------------


def test_stop_start_and_restart_act_on_the_process(process: Process, client: docker.DockerClient) -> None:
    container, first = client.containers.get(process.id), process.pid
    assert first is not None
    container.restart(timeout=5)
    second = process.pid
    assert second is not None
    assert second != first
    assert not is_alive(first)
    container.stop(timeout=5)
    container.reload()
    assert (container.status, container.attrs["State"]["ExitCode"]) == ("exited", 128 + signal.SIGTERM)
    assert not is_alive(second)
    assert client.containers.list() == []
    container.start()
    container.reload()
    assert container.status == "running"
    assert is_alive(container.attrs["State"]["Pid"])


def test_nothing_to_do_is_304(process: Process, url: str) -> None:
    one = f"{url}/v1.51/containers/{process.id}"
    assert httpx.post(one + "/start").status_code == 304
    assert httpx.post(one + "/stop").status_code == 204
    stopped = httpx.post(one + "/stop")
    assert (stopped.status_code, stopped.content) == (304, b"")
    killed = httpx.post(one + "/kill")
    assert killed.status_code == 409
    assert "is not running" in killed.json()["message"]
    assert httpx.post(one + "/restart").status_code == 204
    assert process.status == "running"


def test_bad_requests_name_what_is_wrong(process: Process, url: str) -> None:
    one = f"{url}/containers/{process.id}"
    assert httpx.post(f"{url}/containers/nobody/restart").json() == {"message": "No such container: nobody"}
    assert httpx.post(one + "/stop?t=soon").status_code == 400
    assert httpx.post(one + "/kill?signal=NONSENSE").json() == {"message": "invalid signal: NONSENSE"}
    assert process.status == "running"


def test_a_process_deaf_to_sigterm_is_killed_after_the_timeout(process: Process, client: docker.DockerClient) -> None:
    process.send("deaf")
    said(process, "deaf now")
    client.containers.get(process.id).stop(timeout=0)
    assert process.exit_code == 128 + signal.SIGKILL


def test_a_crash_is_restarted_and_counted(process: Process, client: docker.DockerClient) -> None:
    process.opening_lines = ["say hello again"]
    process.send("exit 3")
    process.wait_for("restarting")
    (container,) = client.containers.list()
    state = container.attrs["State"]
    assert (state["Restarting"], state["Running"], state["ExitCode"], state["Pid"]) == (True, True, 3, 0)
    process.wait_for("running")
    container.reload()
    assert container.attrs["RestartCount"] == 1
    said(process, "hello again")
    client.api.kill(process.id, signal="SIGKILL")
    until(lambda: process.restart_count == 2 and process.status == "running", "second restart")
    container.restart()
    container.reload()
    assert container.attrs["RestartCount"] == 0  # a start by hand counts anew


def test_a_stop_while_it_waits_for_its_restart_is_final(process: Process) -> None:
    process.send("exit 1")
    process.wait_for("restarting")
    assert process.stop()
    assert (process.status, process.exit_code) == ("exited", 1)
    assert process.stop() is False


@pytest.mark.parametrize(
    ("policy", "code", "status"),
    [("no", 1, "exited"), ("on-failure", 0, "exited"), ("on-failure", 1, "restarting"), ("always", 0, "restarting")],
)
def test_the_restart_policy_decides(supervisor: Supervisor, policy: Any, code: int, status: str) -> None:
    process = supervisor.run("job", "job:1", ["/bin/sh", "-c", f"exit {code}"], {}, restart=policy)
    assert process.wait_for("exited", "restarting") == status


def test_a_command_that_cannot_be_run_is_one_sentence(supervisor: Supervisor, url: str) -> None:
    with pytest.raises(ContainerError, match=r"`/no/such/program` could not be started: No such file or directory\."):
        supervisor.run("ghost", "ghost:1", ["/no/such/program"], {})
    ghost = supervisor.get("ghost")
    assert (ghost.status, ghost.exit_code) == ("exited", 127)
    answer = httpx.post(f"{url}/containers/{ghost.id}/start")
    assert answer.status_code == 400
    assert "/no/such/program" in answer.json()["message"]


def test_names_are_checked(supervisor: Supervisor, process: Process) -> None:
    with pytest.raises(ContainerError, match="already"):
        supervisor.create("shop-api", "x", ["x"], {})
    with pytest.raises(ContainerError, match="no name"):
        supervisor.create("../x", "x", ["x"], {})
    with pytest.raises(ContainerError, match="no process named `nobody`"):
        supervisor.get("nobody")


def test_a_stopped_process_can_be_told_nothing(process: Process) -> None:
    process.stop()
    with pytest.raises(ContainerError, match="is exited"):
        process.send("say hello")


# --- no survivors -----------------------------------------------------------------------------------------------------

OWNER = """
import os, sys, time
from pathlib import Path
from practice.wires.containers import Supervisor
process = Supervisor(Path(sys.argv[1])).run("shop-api", "shop-api:1", sys.argv[2:], {"A": "1"})
process.send("spawn")
while len([entry for entry in process.log.entries() if entry.log.strip().isdigit()]) < 1: time.sleep(0.01)
if not os.fork(): time.sleep(60)  # keeps every descriptor open, as a worker of multiprocessing does
print(process.pid, next(entry.log for entry in process.log.entries() if entry.log.strip().isdigit()), flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_owner_leaves_no_process_and_no_child_of_it(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, tmp_path, *COMMAND], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    child, grandchild = map(int, owner.stdout.readline().split())
    guard = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    assert is_alive(child)
    assert is_alive(grandchild)
    (fork,) = [int(pid) for pid in children_of(owner.pid) if int(pid) != guard]
    owner.kill()
    owner.wait()
    owner.stdout.close()
    for pid in (child, grandchild, guard):
        until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")
    os.kill(fork, signal.SIGKILL)


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_guard_takes_the_process_with_it(process: Process) -> None:
    child = process.pid
    assert child is not None
    os.kill(int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    process.wait_for("restarting")
    assert process.exit_code == 128 + signal.SIGKILL
    until(lambda: not is_alive(child), "the end of the child")
    process.wait_for("running")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reader_sees_the_same_at_both(engine: str, tmp_path: Path) -> None:
    with containers_of(engine, tmp_path) as client:
        (container,) = client.containers.list(filters={"label": "app=shop"})
        assert container.name.startswith("shop-api.1.")
        assert "SECRET=a b=c" in container.attrs["Config"]["Env"]
        assert container.attrs["Config"]["Cmd"] == READER_COMMAND
        until(lambda: container.logs().count(b"\n") == 3, "three lines")
        assert container.logs(stderr=False) == b"listening\n"
        assert container.logs(stdout=False) == b"no cache\n  at warm\n"
        assert container.logs(stdout=False, tail=1) == b"  at warm\n"
        time_text, _, line = container.logs(timestamps=True, stderr=False).decode().partition(" ")
        assert line == "listening\n"
        began = datetime.datetime.fromisoformat(time_text)
        assert container.logs(since=int(began.timestamp()) + 100) == b""
        pid = container.attrs["State"]["Pid"]
        container.restart(timeout=1)
        container.reload()
        assert (container.status, container.attrs["State"]["Running"]) == ("running", True)
        assert container.attrs["State"]["Pid"] != pid
        until(lambda: container.logs(stderr=False) == b"listening\n" * 2, "the second life")
        container.stop(timeout=1)
        container.reload()
        assert container.status == "exited"
        assert client.containers.list() == []
        with pytest.raises(NotFound):
            client.containers.get("nobody")
