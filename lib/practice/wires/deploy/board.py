"""What a Dokploy instance holds: applications with their stored environments, deployments, and who may do what."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, Protocol

from practice.wires.containers import Process
from practice.wires.deploy import dotenv

# How long a build takes: minutes in life, and long enough here that whoever does not wait for it is found out.
BUILD_SECONDS = 0.25
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

Permission = Literal["read", "envVars", "deployment"]
Status = Literal["running", "done", "error"]


class Hosted(Protocol):
    """An application: its container, and the environment stored for the next one, as dotenv text."""

    process: Process
    stored: str


class Runner(Protocol):
    """Gives an application a new container. `bake`: built anew, so that the page holds the environment as well."""

    def __call__(self, app: str, environment: Mapping[str, str], *, bake: bool) -> None: ...


@dataclass
class Deployment:
    """One run of a build; times in RFC 3339, None while they have not come. A queued one is running already."""

    deploymentId: str
    applicationId: str
    title: str
    description: str
    status: Status
    createdAt: str
    startedAt: str | None = None
    finishedAt: str | None = None
    errorMessage: str | None = None
    logPath: str = ""


@dataclass
class Entry:
    """An application as the instance keeps it."""

    id: str
    name: str
    hosted: Hosted
    status: str = "done"
    build_args: str | None = None
    build_secrets: str | None = None
    create_env_file: bool = True
    deployments: list[Deployment] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """The body of application.one."""
        return {
            "applicationId": self.id, "name": self.name, "appName": self.hosted.process.name, "description": None,
            "env": self.hosted.stored, "buildArgs": self.build_args, "buildSecrets": self.build_secrets,
            "createEnvFile": self.create_env_file, "applicationStatus": self.status, "sourceType": "git",
            "buildType": "dockerfile", "deployments": self.listed(),
        }  # fmt: skip

    def listed(self) -> list[dict[str, Any]]:
        """The body of deployment.all, newest first."""
        return [asdict(each) for each in reversed(self.deployments)]


class Board:
    """`hosted` by the applications' names; `rebuild` gives one a new container. One build runs at a time."""

    def __init__(self, hosted: Mapping[str, Hosted], rebuild: Runner, clock: Callable[[], float], seed: int) -> None:
        self._random, self._clock, self._rebuild = Random(f"deploy {seed}"), clock, rebuild
        self.entries = {self._id(): Entry("", name, one) for name, one in hosted.items()}
        for id, entry in self.entries.items():
            entry.id = id
        self._grants: dict[str, dict[str, frozenset[Permission]]] = {}
        self._fail: dict[str, str] = {}
        self._lock = threading.RLock()
        self._queue: queue.Queue[tuple[Entry, Deployment] | None] = queue.Queue()
        self._worker = threading.Thread(target=self._work, name="deployments", daemon=True)

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        """End after the build that runs."""
        self._queue.put(None)
        self._worker.join(timeout=15)

    def id_of(self, app: str) -> str:
        return next(entry.id for entry in self.entries.values() if entry.name == app)

    def grant(self, token: str, *permissions: Permission, app: str = "") -> None:
        """Let a token do exactly this with one application; without `app` with each."""
        for entry in self.entries.values():
            if app in ("", entry.name):
                self._grants.setdefault(token, {})[entry.id] = frozenset(permissions)

    def knows(self, token: str) -> bool:
        return token in self._grants

    def may(self, token: str, permission: Permission, id: str) -> bool:
        return permission in self._grants[token].get(id, frozenset())

    def fail_next(self, app: str, message: str) -> None:
        """Have the application's next build fail with this message."""
        self._fail[app] = message

    def save(self, entry: Entry, env: str | None, args: str | None, secrets: str | None, file: bool) -> None:
        """Replace the whole environment; nobody is asked whether it is still what they read."""
        with self._lock:
            entry.hosted.stored = env or ""
            entry.build_args, entry.build_secrets, entry.create_env_file = args, secrets, file

    def redeploy(self, entry: Entry, title: str, description: str) -> None:
        """Queue a build of the last checkout with the environment that is stored when its turn comes."""
        with self._lock:
            made = Deployment(self._id(), entry.id, title or "Rebuild deployment", description, "running", self._now())
            made.logPath = f"/etc/dokploy/logs/{entry.hosted.process.name}/{made.deploymentId}.log"
            entry.deployments.append(made)
            entry.status = "running"
        self._queue.put((entry, made))

    def reload(self, entry: Entry) -> None:
        """A new container of the old build, with the stored environment."""
        self._rebuild(entry.name, dotenv.parse(entry.hosted.stored), bake=False)
        entry.status = "done"

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            entry, made = item
            made.startedAt = self._now()
            time.sleep(BUILD_SECONDS)
            made.errorMessage = self._build(entry)
            made.finishedAt = self._now()
            made.status = entry.status = "error" if made.errorMessage else "done"  # type: ignore[assignment]

    def _build(self, entry: Entry) -> str | None:
        """What went wrong, if anything; then the old container runs on."""
        if message := self._fail.pop(entry.name, ""):
            return message
        try:
            self._rebuild(entry.name, dotenv.parse(entry.hosted.stored), bake=True)
        except (OSError, RuntimeError) as problem:
            return str(problem)
        return None

    def _now(self) -> str:
        return datetime.fromtimestamp(round(self._clock(), 3), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"

    def _id(self) -> str:
        """As nanoid makes them: 21 letters."""
        return "".join(self._random.choices(LETTERS, k=21))
