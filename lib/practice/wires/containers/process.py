"""One supervised process: what Docker would call a container."""

import contextlib
import dataclasses
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from practice.wires import guard
from practice.wires.containers.definition import ContainerError, Definition, State, Status
from practice.wires.containers.log import LineReader, Log
from practice.wires.guard import Guarded

# A process that was told to stop and hands its streams to a stranger keeps them open; it is not waited for longer.
DRAIN_SECONDS_MAX = 1.0
STOP_SECONDS = 10.0
# Docker doubles its pause after each crash, up to a minute, and begins anew once a container has lived for a while.
PAUSE_SECONDS_MAX = 60.0
LIVED_SECONDS = 10.0


class Process:
    """A child of this world, run by `Supervisor.create`; dies with the world. Methods may be called from any thread."""

    def __init__(
        self, definition: Definition, directory: Path, clock: Callable[[], float], restart_delay_seconds: float
    ) -> None:
        self.definition = definition
        self.directory = directory
        self.log = Log(directory / "log.jsonl", clock)
        # Sent to the child's standard input at each start, also after a crash: what it must know in every life.
        self.opening_lines: Sequence[str] = ()
        self.state = State()
        self._clock = clock
        self._delay_seconds = restart_delay_seconds
        self._control = threading.Lock()  # one start, stop or restart at a time
        self._lock = threading.Lock()  # guards the four below and state
        self._stopping = threading.Event()
        self._child: Guarded | None = None
        self._stdin = -1
        self._keeper: threading.Thread | None = None
        self._crashes = 0  # in a row

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def container_name(self) -> str:
        """As Swarm names the container of a service's task."""
        return f"{self.name}.1.{self.definition.task_id}"

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def pid(self) -> int | None:
        return self.state.pid

    @property
    def exit_code(self) -> int | None:
        return self.state.exit_code

    @property
    def restart_count(self) -> int:
        """Restarts after a crash since the last start by hand, as Docker counts."""
        return self.state.restart_count

    def start(self) -> bool:
        """Start it; False when it runs already. Raises ContainerError when the command cannot be run."""
        with self._control:
            return self._start()

    def stop(self, timeout: float | None = STOP_SECONDS) -> bool:
        """SIGTERM, then SIGKILL after `timeout` seconds (None: never); False when it does not run."""
        with self._control:
            return self._stop(timeout)

    def restart(self, timeout: float | None = STOP_SECONDS) -> None:
        """Stop it if it runs, then start it. Raises ContainerError when the command cannot be run."""
        with self._control:
            self._stop(timeout)
            self._start()

    def replace(self, definition: Definition, crashes: int = 0, run: bool = True) -> None:
        """Become another container: the old one is stopped, and the new one started if the old one ran. The log goes
        on, as that of a service does. `crashes`: how often the new one has come to its end already; `run` False: it is
        not really started."""
        with self._control:
            ran = self._stop(STOP_SECONDS)
            self.definition, self.state = definition, State(lives=self.state.lives)
            if ran and run:
                self._start(crashes)

    def stand_still(self, state: State) -> None:
        """Be in this state and run nothing, for a world in which no time passes."""
        with self._control:
            self._stop(STOP_SECONDS)
            self.state = state

    def kill(self, number: int = signal.SIGKILL) -> bool:
        """Send a signal to the running child; False when it does not run. The restart policy applies afterwards."""
        with self._lock:
            if self._child is None:
                return False
            self._child.send_signal(number)
            return True

    def send(self, line: str) -> None:
        """Write one line to the child's standard input. Raises ContainerError when it cannot take it."""
        with self._lock:
            self._write(line)

    def wait_for(self, *statuses: Status, timeout: float = 30.0) -> Status:
        """Wait until the status is one of these, and return it. Raises ContainerError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.status not in statuses:
            if time.monotonic() > deadline:
                raise ContainerError(f"`{self.name}` is {self.status}, not {' or '.join(statuses)}, for {timeout:g} s.")
            time.sleep(0.01)
        return self.status

    def _start(self, crashes: int = 0) -> bool:
        if self._keeper is not None and self._keeper.is_alive() and not self._stopping.is_set():
            if self.status in ("running", "restarting"):
                return False
            self._keeper.join()  # it has just seen the end of a child that is not to be restarted
        self._stopping.clear()
        self._crashes = crashes
        with self._lock:
            streams = self._spawn(restart_count=crashes)
        self._keeper = threading.Thread(target=self._keep, args=streams, name=f"keeper of {self.name}", daemon=True)
        self._keeper.start()
        return True

    def _stop(self, timeout: float | None) -> bool:
        if self.status not in ("running", "restarting") or self._keeper is None:
            return False
        with self._lock:
            self._stopping.set()
            if self._child is not None:
                self._child.send_signal(signal.SIGTERM)
        self._keeper.join(timeout)
        if self._keeper.is_alive():
            self.kill(signal.SIGKILL)
            self._keeper.join()
        return True

    def _spawn(self, restart_count: int) -> tuple[int, int]:
        """Start the child (lock held); returns the reading ends of its stdout and stderr."""
        (in_read, in_write), (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe(), os.pipe()
        try:
            child = guard.spawn(
                self.definition.command, environment=self.definition.environment, directory=self.directory,
                stdin=in_read, stdout=out_write, stderr=err_write,
            )  # fmt: skip
        except guard.GuardError as error:
            for descriptor in (in_write, out_read, err_read):
                os.close(descriptor)
            self._change(status="exited", pid=None, exit_code=127, error=str(error), finished_at=self._clock())
            raise ContainerError(str(error)) from error
        finally:
            for descriptor in (in_read, out_write, err_write):
                os.close(descriptor)
        os.set_blocking(in_write, False)
        self._child, self._stdin = child, in_write
        self._change(
            status="running", pid=child.pid, exit_code=None, restart_count=restart_count, started_at=self._clock(),
            error="", lives=self.state.lives + 1,
        )  # fmt: skip
        with contextlib.suppress(ContainerError):  # a child that ended at once; its state and its log tell
            for line in self.opening_lines:
                self._write(line)
        return out_read, err_read

    def _keep(self, out: int, err: int) -> None:
        """Read the child until it ends, again and again while it is to be restarted."""
        while True:
            begun = time.monotonic()
            code = self._read_to_the_end(out, err)
            self._crashes = 0 if time.monotonic() - begun > LIVED_SECONDS else self._crashes
            again = self._is_wanted(code)
            with self._lock:
                os.close(self._stdin)
                self._child, self._stdin = None, -1
                self._change(
                    status="restarting" if again else "exited", pid=None, exit_code=code, finished_at=self._clock()
                )
            if not again:
                return
            self._stopping.wait(pause(self._delay_seconds, self._crashes))
            self._crashes += 1
            with self._lock:
                if self._stopping.is_set():
                    self._change(status="exited")
                    return
                try:
                    out, err = self._spawn(self.state.restart_count + 1)
                except ContainerError:
                    return  # told by the state

    def _is_wanted(self, code: int) -> bool:
        policy = self.definition.restart
        return not self._stopping.is_set() and (
            policy in ("always", "unless-stopped") or (policy == "on-failure" and code != 0)
        )

    def _read_to_the_end(self, out: int, err: int) -> int:
        """Log what the child says until it has ended and its streams are dry; returns its exit code."""
        child = self._child
        assert child is not None
        deadline: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ, LineReader(self.log, "stdout"))
            selector.register(err, selectors.EVENT_READ, LineReader(self.log, "stderr"))
            selector.register(child, selectors.EVENT_READ)
            while selector.get_map() and (deadline is None or time.monotonic() < deadline):
                for key, _ in selector.select(None if deadline is None else 0.1):
                    if key.fileobj is child:
                        selector.unregister(child)
                        deadline = time.monotonic() + DRAIN_SECONDS_MAX
                    elif data := os.read(key.fd, 65536):
                        key.data.feed(data)
                    else:
                        selector.unregister(key.fd)
                        key.data.finish()
        os.close(out)
        os.close(err)
        code = child.wait()
        assert code is not None
        return code

    def _write(self, line: str) -> None:
        if self._stdin < 0:
            raise ContainerError(f"`{self.name}` is {self.status} and can be told nothing.")
        try:
            os.write(self._stdin, line.removesuffix("\n").encode() + b"\n")
        except (BrokenPipeError, BlockingIOError) as error:
            raise ContainerError(f"`{self.name}` does not read its standard input.") from error

    def _change(self, **changes: object) -> None:
        self.state = dataclasses.replace(self.state, **changes)


def pause(first_seconds: float, crashes: int) -> float:
    """How long the engine waits before it starts a container again that has crashed so often before."""
    return min(first_seconds * 2.0 ** min(crashes, 30), PAUSE_SECONDS_MAX)
