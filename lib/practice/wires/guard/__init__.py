"""Guarded processes: none of them outlives the process that started it, `kill -9` included.

Between us and each child stands a guard (`watchman.py`), a small interpreter of its own session that holds the
reading end of a pipe. Whatever ends us closes the pipe, and the guard then ends the child and sweeps up. The guard is
also the only one who reaps the child, so a signal can never reach a stranger that was given the same pid.
"""

import functools
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

__all__ = ["GuardError", "Guarded", "Identity", "namespaces_allowed", "spawn"]

WATCHMAN = Path(__file__).with_name("watchman.py")


class GuardError(Exception):
    """The child could not be started; the message is one sentence."""


@dataclass(frozen=True)
class Identity:
    """As whom the child runs.

    namespace: inside a new user namespace, where root is seen as uid 1000 (Linux only).
    uid, gid: change to these ids instead (root only). Neither: as we are.
    """

    namespace: bool = False
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class _Order:
    """What the watchman is told, over its pipe: an environment in argv would be readable by every user."""

    owner: int
    command: list[str]
    environment: dict[str, str]
    directory: str
    identity: Identity
    orphan_signal: int
    orphan_patience_seconds: float
    remove: list[str]
    bring_home: list[tuple[str, str]]


@dataclass
class Guarded:
    """A running child. `pid` is the child's own; `exit_code` is 128 + n after signal n, None while it runs."""

    pid: int
    exit_code: int | None
    _guard: subprocess.Popen[bytes]
    _lifeline: int
    _report: IO[bytes]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send_signal(self, number: int) -> None:
        """Send a signal to the child; nothing happens when it has ended already."""
        with self._lock:
            if self._lifeline >= 0:
                _write(self._lifeline, b"%d\n" % number)

    def fileno(self) -> int:
        """A descriptor that becomes readable when the child has ended, for selectors; valid until wait() says so."""
        return self._report.fileno()

    def wait(self, timeout: float | None = None) -> int | None:
        """Exit code of the child, or None when it still runs after `timeout` seconds. For one thread only."""
        if self.exit_code is not None:
            return self.exit_code
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            if not selector.select(timeout):
                return None
        with self._lock:
            self.exit_code = _exit_code(self._report.readline())
            self._close()
        self._guard.wait()
        return self.exit_code

    def end(self, number: int = signal.SIGTERM, timeout: float = 10.0) -> int:
        """Ask with signal `number`, insist with SIGKILL after `timeout` seconds; returns the exit code."""
        self.send_signal(number)
        code = self.wait(timeout)
        if code is None:
            self.send_signal(signal.SIGKILL)
            code = self.wait()
        assert code is not None
        return code

    def _close(self) -> None:
        os.close(self._lifeline)
        self._lifeline = -1
        self._report.close()


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    directory: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    identity: Identity = Identity(),
    orphan_signal: int = signal.SIGKILL,
    orphan_patience_seconds: float = 5.0,
    remove: Sequence[Path] = (),
    bring_home: Sequence[tuple[Path, Path]] = (),
) -> Guarded:
    """Start `command` under a guard, in exactly this environment, and return once it really runs.

    orphan_signal: what the child gets when we die; SIGKILL follows after `orphan_patience_seconds`.
    bring_home: (from, to) directories copied when the child has ended; remove: paths deleted after that. Both are done
    by the guard, so also when we were killed. Raises GuardError when the command cannot be run.
    """
    order = _Order(
        os.getpid(), [str(part) for part in command], dict(environment), str(directory), identity, int(orphan_signal),
        orphan_patience_seconds, [str(path) for path in remove], [(str(a), str(b)) for a, b in bring_home],
    )  # fmt: skip
    lifeline_read, lifeline_write = os.pipe()
    report_read, report_write = os.pipe()
    report = os.fdopen(report_read, "rb")
    try:
        guard = subprocess.Popen(
            _watchman(str(lifeline_read), str(report_write)),
            stdin=stdin, stdout=stdout, stderr=stderr, env={}, pass_fds=(lifeline_read, report_write),
            start_new_session=True,
        )  # fmt: skip
    except BaseException:
        os.close(lifeline_write)
        report.close()
        raise
    finally:
        os.close(lifeline_read)
        os.close(report_write)
    _write(lifeline_write, json.dumps(asdict(order)).encode() + b"\n")
    answer = json.loads(report.readline() or b'{"error": "its guard ended early"}')
    if "error" in answer:
        os.close(lifeline_write)
        report.close()
        guard.wait()
        raise GuardError(f"`{order.command[0]}` could not be started: {answer['error']}.")
    return Guarded(answer["pid"], None, guard, lifeline_write, report)


@functools.cache
def namespaces_allowed() -> bool:
    """May we make a user namespace here? Many container engines forbid it to root inside a container."""
    if sys.platform != "linux":
        return False
    probe = subprocess.run(_watchman("probe"), env={}, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return probe.returncode == 0


def _watchman(*arguments: str) -> list[str]:
    # -I -S: no site-packages, which halves the guard's start and keeps foreign .pth files out of it.
    return [sys.executable, "-I", "-S", str(WATCHMAN), *arguments]


def _write(descriptor: int, data: bytes) -> None:
    try:
        os.write(descriptor, data)
    except BrokenPipeError:
        return  # the guard has ended, hence the child too; wait() tells how


def _exit_code(line: bytes) -> int:
    # Without a word from the guard it was killed itself, and took the child with it.
    return int(json.loads(line)["exit"]) if line else 128 + signal.SIGKILL
