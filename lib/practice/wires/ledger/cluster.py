"""One Postgres cluster on loopback: started, guarded, stopped."""

import contextlib
import fcntl
import secrets
import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import IO, LiteralString, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from practice.wires import guard
from practice.wires.guard import Guarded
from practice.wires.ledger import template
from practice.wires.ledger.installation import ClusterError, Quarters, move_in, quarters

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# Recovery after a crash takes longest; a practice ledger recovers in well under a second on an idle machine.
READY_SECONDS_MAX = 60.0
# A predecessor whose owner was killed needs a moment to end; after its guard's patience it is certainly gone.
PREDECESSOR_SECONDS_MAX = 10.0
PORT_ATTEMPTS_MAX = 5


class Cluster:
    """A running Postgres, reached over TCP with a password. Dies with this process; `directory` keeps its data.

    Make one with `Cluster.start`; use it as a context manager or call `stop`.
    """

    def __init__(self, directory: Path, lock: IO[str]) -> None:
        self.directory = directory
        self.log = directory / "postgres.log"
        self.port = 0
        self.password = ""
        self._lock = lock
        self._process: Guarded | None = None

    @classmethod
    def start(cls, directory: Path, port: int = 0) -> Self:
        """Start Postgres in `directory` (made when missing), on `port` or a free one. Raises ClusterError."""
        directory = Path(directory).resolve()
        cluster = cls(directory, _claim(directory))
        try:
            cluster._start(port)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def stop(self) -> None:
        """End Postgres in good order; its data stays in the directory. Does nothing when it was stopped before."""
        if self._process is not None:
            self._process.end(signal.SIGINT)  # "fast": open transactions are rolled back, committed ones are kept
            self._process = None
        self._lock.close()

    @property
    def pid(self) -> int:
        """The pid of the postmaster. Raises ClusterError when it was stopped."""
        if self._process is None:
            raise ClusterError(f"The Postgres of `{self.directory}` is stopped; start it again with Cluster.start.")
        return self._process.pid

    def dsn(self, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        """A postgresql:// URL; the superuser's password is filled in."""
        if password is None and user == SUPERUSER:
            password = self.password
        credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{credentials}@{HOST}:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, a copy of `template` when given (nobody may be connected to it). Raises ClusterError."""
        source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        self._administer("created", name, "CREATE DATABASE {}", source)

    def drop_database(self, name: str) -> None:
        """Remove a database if it is there, ending the connections to it. Raises ClusterError."""
        self._administer("dropped", name, "DROP DATABASE IF EXISTS {}", sql.SQL(" WITH (FORCE)"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _administer(self, done: str, name: str, statement: LiteralString, rest: sql.Composable) -> None:
        try:
            with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
                connection.execute(sql.SQL(statement).format(sql.Identifier(name)) + rest)
        except psycopg.Error as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ClusterError(f"Database `{name}` could not be {done}: {reason}.") from error

    def _start(self, port: int) -> None:
        patience = time.monotonic() + PREDECESSOR_SECONDS_MAX
        attempts = 0
        if port and not _is_free(port):
            raise _taken(port)
        while self._process is None:
            attempts += 1
            self.port = port or _free_port()
            trouble = self._attempt()
            if "postmaster.pid" in trouble and time.monotonic() < patience:
                time.sleep(0.05)
            elif "in use" in trouble and port:
                raise _taken(port)
            elif trouble and ("in use" not in trouble or attempts >= PORT_ATTEMPTS_MAX):
                reason = trouble.rstrip(".")
                raise ClusterError(f"Postgres did not start in `{self.directory}`: {reason} (more in `{self.log}`).")

    def _attempt(self) -> str:
        """One try: the reason why it failed, or an empty text and a running server."""
        place = quarters()
        home = self.directory / "data"
        try:
            if not (home / "PG_VERSION").is_file():
                template.provide(home, place)
            data = move_in(home, place)
            process, trouble = self._launch(home, data, place)
            if process is not None:
                self._process = process
                self._settle_password(data)
            return trouble
        except guard.GuardError as error:
            raise ClusterError(f"Postgres did not start in `{self.directory}`: {error}") from error
        finally:
            if self._process is None:
                place.dispose()

    def _launch(self, home: Path, data: Path, place: Quarters) -> tuple[Guarded | None, str]:
        with self.log.open("ab") as log:
            said = log.tell()
            process = guard.spawn(
                [place.installation.program("postgres"), "-D", data, "-p", str(self.port)],
                environment={"LC_ALL": "C"}, directory=data, stdout=log, stderr=log, identity=place.identity,
                orphan_signal=signal.SIGQUIT,  # "immediate": what is committed is in the log and is recovered
                bring_home=[(data, home)] if data != home else [],
                remove=[place.temporary] if place.temporary else [],
            )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not _is_ready(data, process.pid):
            if process.wait(timeout=0.005) is not None:
                return None, _last_words(self.log, said)
            if time.monotonic() > deadline:
                process.end(signal.SIGQUIT)
                return None, f"it was not ready after {READY_SECONDS_MAX:.0f} s"
        return process, ""

    def _settle_password(self, data: Path) -> None:
        """Give this cluster a superuser's password of its own in place of the template's."""
        kept, inherited = self.directory / "password", data / template.PASSWORD_FILE
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(secrets.token_urlsafe(24))
        self.password = kept.read_text()
        if not inherited.exists():
            return
        with contextlib.suppress(psycopg.OperationalError):  # changed, then killed before the file was removed
            self._change_password(inherited.read_text())
        inherited.unlink()

    def _change_password(self, old: str) -> None:
        with psycopg.connect(self.dsn("postgres", password=old), autocommit=True) as connection:
            verifier = connection.pgconn.encrypt_password(self.password.encode(), SUPERUSER.encode())
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(change.format(sql.Identifier(SUPERUSER), verifier.decode()))


def _claim(directory: Path) -> IO[str]:
    """The lock that one owner of a directory holds; released by the system when that owner dies."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise ClusterError(f"The directory `{directory}` cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ClusterError(f"Another practice Postgres works in `{directory}`; close that world first.") from error
    return lock


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _taken(port: int) -> ClusterError:
    return ClusterError(f"Port {port} of {HOST} is taken by another program; choose another, or 0 for any.")


def _is_ready(data: Path, pid: int) -> bool:
    """As pg_ctl looks: the first line of postmaster.pid is the pid, the eighth its state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _last_words(log: Path, start: int) -> str:
    """The reason a server gave for its end: its first complaint about the port or the directory, else its last line."""
    with log.open("rb") as handle:
        handle.seek(start)
        lines = handle.read().decode(errors="replace").strip().splitlines()
    told = [line.partition(":  ")[2] or line for line in lines if "HINT:" not in line]
    telling = [line for line in told if "in use" in line or "postmaster.pid" in line]
    return (telling or told[-1:] or ["it said nothing"])[0]
