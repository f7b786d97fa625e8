"""What a process is asked to be, and what has become of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Restart = Literal["no", "always", "unless-stopped", "on-failure"]
Status = Literal["created", "running", "restarting", "exited"]

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class ContainerError(Exception):
    """The supervisor cannot do what was asked; the message is one sentence."""


@dataclass(frozen=True)
class Definition:
    """What was asked for, fixed at creation as in a container; `created_at` is in unix seconds."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    restart: Restart
    created_at: float
    serial: int = 0  # of the containers that a service had, one after the other

    @property
    def id(self) -> str:
        """64 hexadecimal digits, the same for the same definition of the same world."""
        serial = f"|{self.serial}" if self.serial else ""
        return hashlib.sha256(f"{self.name}|{self.image}|{self.created_at!r}{serial}".encode()).hexdigest()

    @property
    def task_id(self) -> str:
        """25 characters of base 36, as Swarm gives to a task."""
        number = int.from_bytes(hashlib.sha256(b"task" + self.id.encode()).digest())
        return "".join(BASE36[number // 36**place % 36] for place in range(25))


@dataclass(frozen=True)
class State:
    """A consistent view of a process at one moment. Times in unix seconds; None: never."""

    status: Status = "created"
    pid: int | None = None
    exit_code: int | None = None
    restart_count: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    error: str = ""
    lives: int = 0  # how often it was started, by whomever
