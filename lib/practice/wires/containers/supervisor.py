"""The world's processes, by name."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from practice.wires.containers.definition import ContainerError, Definition, Restart
from practice.wires.containers.process import Process

# What Docker allows in a name; it is a directory of ours as well.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
# Swarm waits five seconds before it replaces a task; a drill has no time for that.
RESTART_DELAY_SECONDS = 1.0


class Supervisor:
    """Runs processes and keeps their logs under `directory`. `clock` gives unix seconds for every time it notes."""

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], float] = time.time,
        restart_delay_seconds: float = RESTART_DELAY_SECONDS,
    ) -> None:
        self.directory = Path(directory)
        self.clock = clock
        self._delay_seconds = restart_delay_seconds
        self._processes: dict[str, Process] = {}

    @property
    def processes(self) -> list[Process]:
        """All of them, oldest first, running or not."""
        return list(self._processes.values())

    def run(
        self,
        name: str,
        image: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
        restart: Restart = "always",
        opening_lines: Sequence[str] = (),
    ) -> Process:
        """Create a process and start it. Raises ContainerError."""
        process = self.create(name, image, command, environment, labels, restart)
        process.opening_lines = opening_lines
        process.start()
        return process

    def create(
        self,
        name: str,
        image: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
        restart: Restart = "always",
        created_at: float | None = None,
    ) -> Process:
        """Define a process without starting it, so that its log can be given a history. Raises ContainerError.

        The child gets exactly this environment, nothing of ours. Labels are added to those of a Swarm task.
        """
        if not NAME.fullmatch(name):
            raise ContainerError(f"`{name}` is no name for a process: letters, digits, `_`, `.` and `-` only.")
        if name in self._processes:
            raise ContainerError(f"There is a process named `{name}` already.")
        definition = Definition(
            name, image, tuple(map(str, command)), dict(environment), dict(labels or {}), restart,
            self.clock() if created_at is None else created_at,
        )  # fmt: skip
        directory = self.directory / name
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = Process(definition, directory, self.clock, self._delay_seconds)
        self._processes[name] = process
        return process

    def get(self, name: str) -> Process:
        """The process of that name. Raises ContainerError."""
        if name not in self._processes:
            raise ContainerError(f"There is no process named `{name}`; there are {sorted(self._processes) or 'none'}.")
        return self._processes[name]

    def stop(self) -> None:
        """Stop all of them, youngest first; their logs stay."""
        for process in reversed(self.processes):
            process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
