"""The practice Postgres: real, on loopback, gone with its owner, and no trace on the machine."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from practice.wires.ledger import Cluster, ClusterError, installation, template

from tests.sampled import sampled

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
LIB = Path(template.__file__).parents[3]

# A process that owns a cluster. Arguments: how to run, directory, template store. It waits until its stdin ends.
OWNER = """
import json, sys
from pathlib import Path
import psycopg
from practice.wires import guard
from practice.wires.ledger import Cluster, installation, template

mode, directory, template.STORE = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
if mode == "nobody":
    guard.namespaces_allowed = lambda: False
with Cluster.start(directory) as cluster:
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        connection.execute("create table if not exists paid (amount integer)")
        connection.execute("insert into paid values (4999)")
    print(json.dumps({"pid": cluster.pid, "dsn": cluster.dsn("postgres")}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def ask(dsn: str, question: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(question).fetchone()[0]


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)
    return value


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(postmaster: int) -> list[int]:
    """The guard, the postmaster and its children."""
    guard_pid = int(Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[1])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [guard_pid, postmaster, *map(int, children)]


# --- what it is -------------------------------------------------------------------------------------------------------


def test_it_is_postgres_18_on_loopback_with_a_password(cluster: Cluster) -> None:
    dsn = cluster.dsn("postgres")
    assert ask(dsn, "show server_version").startswith("18.")
    assert ask(dsn, "show listen_addresses") == "127.0.0.1"
    assert ask(dsn, "show unix_socket_directories") == ""
    assert ask(dsn, "show password_encryption") == "scram-sha-256"
    assert ask(dsn, "select rolpassword like 'SCRAM-SHA-256$%' from pg_authid where rolname = 'postgres'")
    for wrong in (cluster.dsn("postgres", password="wrong"), cluster.dsn("postgres", password="")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong)


def test_what_is_committed_stays(cluster: Cluster) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(cluster.dsn("postgres"), f"show {setting}") == "on"


def test_text_is_utf8_and_ordered_the_same_everywhere(cluster: Cluster) -> None:
    dsn = cluster.dsn("postgres")
    assert ask(dsn, "show server_encoding") == "UTF8"
    assert ask(dsn, "select datlocale from pg_database where datname = 'postgres'") == "C.UTF-8"
    assert ask(dsn, "select upper('zoë')") == "ZOË"
    assert ask(dsn, "show timezone") == "UTC"


def test_a_database_is_made_from_a_template_and_dropped_under_its_users(cluster: Cluster) -> None:
    cluster.create_database("seed")
    with psycopg.connect(cluster.dsn("seed")) as connection:
        connection.execute("create table t as select generate_series(1, 100) n")
    cluster.create_database("world-1", template="seed")
    assert ask(cluster.dsn("world-1"), "select count(*) from t") == 100
    with psycopg.connect(cluster.dsn("world-1")) as connection:
        cluster.drop_database("world-1")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    cluster.drop_database("world-1")
    cluster.drop_database("seed")


def test_a_database_that_cannot_be_made_is_one_sentence(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=r'^Database `postgres` could not be created: .*already exists\.$'):
        cluster.create_database("postgres")
    with pytest.raises(ClusterError, match='"no such" does not exist'):
        cluster.create_database("x", template="no such")


def test_a_dsn_quotes_what_it_holds(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        connection.execute("create role \"o'brien@shop\" login password 'p@ss/w:rd %'")
    dsn = cluster.dsn("postgres", user="o'brien@shop", password="p@ss/w:rd %")
    assert ask(dsn, "select current_user") == "o'brien@shop"
    assert cluster.password not in cluster.dsn("postgres", user="shop")


# --- stop and start ---------------------------------------------------------------------------------------------------


def test_data_and_password_survive_a_stop(cluster: Cluster, tmp_path: Path) -> None:
    with Cluster.start(tmp_path / "a") as first:
        first.create_database("shop")
        password, port = first.password, first.port
        assert password != cluster.password
        assert not (first.directory / "data" / template.PASSWORD_FILE).exists()
        assert password not in first.log.read_text()
    secrets = (tmp_path / "a" / "password", tmp_path / "a" / "data")
    assert [path.stat().st_mode & 0o077 for path in secrets] == [0, 0]
    # As if the first start had been killed between the change of the password and the removal of the template's.
    (tmp_path / "a" / "data" / template.PASSWORD_FILE).write_text("no longer valid")
    with Cluster.start(tmp_path / "a", port=port) as again:
        assert (again.password, again.port) == (password, port)
        assert ask(again.dsn("shop"), "select 1") == 1
        assert not (again.directory / "data" / template.PASSWORD_FILE).exists()
        again.stop()
        again.stop()
        with pytest.raises(ClusterError, match="is stopped"):
            _ = again.pid


# --- no survivors -----------------------------------------------------------------------------------------------------


def interpreter_for(uid: int) -> tuple[str, dict[str, str]] | None:
    """A Python with our packages that this user can run; the one of the venv may lie in somebody's closed home."""
    path = os.pathsep.join([str(LIB), sysconfig.get_path("purelib")])
    environment = {"PYTHONPATH": path, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        command = [python, "-c", "import psycopg, practice.wires.ledger"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, user=uid, group=uid, extra_groups=[], env=environment, cwd="/").returncode == 0:
                return python, environment
    return None


class Owner:
    """A process of its own that owns a cluster."""

    def __init__(self, mode: str, directory: Path, store: Path) -> None:
        command, extra = [sys.executable], {}
        if mode == "other user":
            found = interpreter_for(65534)
            if found is None:
                pytest.skip("no Python with these packages is open to uid 65534")
            command = [found[0]]
            extra = {"user": 65534, "group": 65534, "extra_groups": [], "env": found[1], "cwd": "/"}
        self.process = subprocess.Popen(
            [*command, "-c", OWNER, mode, directory, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **extra
        )
        assert self.process.stdout is not None
        facts = json.loads(self.process.stdout.readline())
        self.dsn: str = facts["dsn"]
        self.family = family(facts["pid"])
        self.workplace = Path(os.readlink(f"/proc/{facts['pid']}/cwd"))

    def end(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def machine(*places: Path) -> dict[str, Any]:
    """What a start must not change: accounts, and owner and permissions of every directory on the way."""
    facts: dict[str, Any] = {name: Path(name).read_text() for name in ("/etc/passwd", "/etc/group")}
    for place in (*places, LIB, Path(sysconfig.get_path("purelib")) / installation.PACKAGE, Path.home()):
        for path in (place, *place.parents):
            about = path.stat()
            facts[str(path)] = (oct(about.st_mode), about.st_uid, about.st_gid)
    return facts


def shared_memory_of(pids: list[int]) -> list[str]:
    """System V segments made by these processes; Postgres has one to see that nobody else works on its data."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line for line in lines if int(line.split()[4]) in pids]


@pytest.fixture(params=sampled(["as we are", "nobody", "other user"], ["as we are", "other user"]))
def mode(request: pytest.FixtureRequest) -> str:
    if request.param != "as we are" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    return str(request.param)


@pytest.fixture
def home(mode: str, tmp_path: Path) -> Iterator[Path]:
    """A directory for the cluster inside a closed one (mode 700), both of the user who will own it."""
    with tempfile.TemporaryDirectory(prefix="practice-test-", dir="/tmp") as closed:
        home = Path(closed) / "world"
        home.mkdir(mode=0o700)
        if mode == "other user":
            os.chown(closed, 65534, 65534)
            os.chown(home, 65534, 65534)
        yield home


@LINUX
def test_a_killed_owner_leaves_nothing_and_loses_nothing(mode: str, home: Path) -> None:
    before = machine(home, template.STORE.parent)
    owner = Owner(mode, home, template.STORE)
    assert ask(owner.dsn, "select count(*) from paid") == 1
    assert shared_memory_of(owner.family)
    owner.kill()
    for pid in owner.family:
        until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")
    assert machine(home, template.STORE.parent) == before
    assert shared_memory_of(owner.family) == []
    again = Owner(mode, home, template.STORE)
    assert ask(again.dsn, "select sum(amount) from paid") == 2 * 4999
    again.end()
    assert not any(map(is_alive, again.family))
    assert machine(home, template.STORE.parent) == before
    for place in (owner.workplace, again.workplace):
        assert place.exists() == (mode != "nobody")  # the copy that nobody worked on is gone, the data are at home
    assert (home / "data" / "PG_VERSION").is_file()


@LINUX
def test_what_is_committed_survives_a_killed_guard_and_a_killed_postgres(tmp_path: Path) -> None:
    with Cluster.start(tmp_path) as first:
        with psycopg.connect(first.dsn("postgres"), autocommit=True) as connection:
            connection.execute("create table paid as select 4999 amount")
        members = family(first.pid)
        os.kill(members[0], signal.SIGKILL)
        for pid in members:
            until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")
    with Cluster.start(tmp_path) as second:
        with psycopg.connect(second.dsn("postgres"), autocommit=True) as connection:
            connection.execute("insert into paid values (1)")
        os.kill(second.pid, signal.SIGKILL)
    with Cluster.start(tmp_path) as third:
        assert ask(third.dsn("postgres"), "select sum(amount) from paid") == 5000


# --- the template -----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of templates that does not exist yet."""
    store = tmp_path / ".run" / "ledger-template"
    monkeypatch.setattr(template, "STORE", store)
    return store


def templates(store: Path) -> list[Path]:
    return [path for path in store.iterdir() if path.name != "lock"]


def test_two_first_starts_at_once_share_one_template_which_may_be_moved(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What somebody began and was killed over is cleared away by the next who makes one.
    (store / ".making-dead").mkdir(parents=True)
    (store / ".making-dead" / "PG_VERSION").write_text("18")
    with ThreadPoolExecutor() as pool:
        owners = list(pool.map(lambda name: Owner("as we are", tmp_path / name, store), ["a", "b"]))
    assert owners[0].dsn != owners[1].dsn
    for owner in owners:
        owner.end()
    (made,) = templates(store)
    moved = store.parent.rename(tmp_path / "moved") / store.name
    inode = (moved / made.name).stat().st_ino
    monkeypatch.setattr(template, "STORE", moved)
    template.provide(tmp_path / "c", installation.quarters())
    assert (tmp_path / "c" / "PG_VERSION").read_text() == "18\n"
    assert [path.stat().st_ino for path in templates(moved)] == [inode]


@LINUX
def test_an_owner_killed_during_initdb_leaves_no_process_and_no_half_template(store: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, "as we are", tmp_path / "a", store]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    making = until(lambda: list(store.glob(".making-*/PG_VERSION")), "initdb")[0].parent
    owner.kill()
    owner.communicate()
    until(lambda: not commands_about(str(making)), "the end of initdb")
    with Cluster.start(tmp_path / "a") as cluster:
        assert ask(cluster.dsn("postgres"), "select 1") == 1
    assert len(templates(store)) == 1


def commands_about(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended while we looked
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if text in line]


# --- bad input --------------------------------------------------------------------------------------------------------


def test_an_occupied_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ClusterError, match=rf"^Port {port} of 127\.0\.0\.1 is taken by another program; choose"):
            Cluster.start(tmp_path, port=port)
    assert not (tmp_path / "data").exists()


def test_a_directory_in_use_is_named(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=rf"^Another practice Postgres works in `{cluster.directory}`; close"):
        Cluster.start(cluster.directory)
    assert ask(cluster.dsn("postgres"), "select 1") == 1


def test_missing_binaries_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installation, "PACKAGE", "no_such_pgserver")
    with pytest.raises(ClusterError, match=r"the package no-such-pgserver is missing or incomplete\. Remove \.venv"):
        Cluster.start(tmp_path)


def test_a_start_that_fails_tells_the_servers_own_reason(tmp_path: Path) -> None:
    Cluster.start(tmp_path).stop()
    with (tmp_path / "data" / "postgresql.conf").open("a") as handle:
        handle.write("shared_buffers = 'lots'\n")
    with pytest.raises(ClusterError, match=r"Postgres did not start in .*contains errors \(more in "):
        Cluster.start(tmp_path)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClusterError, match=r"`.*file/world` cannot be used: Not a directory\."):
        Cluster.start(tmp_path / "file" / "world")


def test_the_wheels_own_server_helper_is_never_imported() -> None:
    code = "import sys, practice.wires.ledger; from practice.wires.ledger import installation; installation.find(); "
    seen = subprocess.run(
        [sys.executable, "-c", code + "print(sorted(m for m in sys.modules if 'pgserver' in m))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert seen.stdout == "[]\n"
