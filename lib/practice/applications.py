"""The shop's two applications as their deployment runs them: the payments service (api) and the web shop (web)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from practice.premises import WorldError
from practice.traffic.history import LIFE_SECONDS
from practice.wires.containers import Process, Supervisor
from practice.wires.containers.definition import State
from practice.wires.containers.process import pause
from practice.wires.deploy import dotenv
from practice.wires.service import says
from practice.wires.service.records import FORMATS
from practice.wires.service.settings import VERSION, Settings, SettingsError
from practice.wires.web.build import build

NAMES = {"api": "shop-api", "web": "shop-web"}
RESTART_DELAY_SECONDS = 0.1  # what a Docker engine waits before it restarts a container for the first time
READY_SECONDS_MAX = 30.0
# From a container's creation to its first word, and from there to its end when it cannot go on.
START_SECONDS = 2.0
# Which variables of the environment people keep under which heading of its text.
HEADINGS = {"STRIPE": "Stripe", "NEXT_PUBLIC": "Built into the page", "SMTP": "Mail"}


@dataclass
class Application:
    """One of them: its container, and the environment that the deployment has stored for the next one."""

    process: Process
    stored: str = field(repr=False)
    containers: int = 1

    @property
    def running(self) -> dict[str, str]:
        """The environment of the container there is, which its creation fixed."""
        return dict(self.process.definition.environment)


class Applications:
    """Make, then `start`. `now` dates whatever happens; `fixed` says that it never moves."""

    def __init__(self, home: Path, now: Callable[[], float], log_format: str, fixed: bool) -> None:
        self.home, self.now, self.fixed = home, now, fixed
        self.render = FORMATS[log_format]
        self.supervisor = Supervisor(home / "containers", now, RESTART_DELAY_SECONDS)
        self.known: dict[str, Application] = {}
        self.life: Callable[[], dict[str, Any]] = dict

    @property
    def api(self) -> Process:
        return self.known["api"].process

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.known['web'].running['PORT']}/"

    def start(self, api: Mapping[str, str], web: Mapping[str, str], life: Callable[[], dict[str, Any]]) -> None:
        """Run both with these environments, as containers that are as old as the history. `life`: what the service
        must know in every life of its own."""
        self.life = life
        self._create("api", api, [sys.executable, "-m", "practice.wires.service"])
        self._create("web", web, [sys.executable, "-m", "practice.wires.web", str(self._page(web, 1))])
        self.api.opening_lines = [json.dumps(self.life() | {"started": True})]
        for one in self.known.values():
            one.process.start()
            one.process.state = dataclasses.replace(one.process.state, started_at=self.now() - LIFE_SECONDS)
        self.api.opening_lines = [json.dumps(self.life())]  # of a later start the log knows nothing yet

    def stop(self) -> None:
        self.supervisor.stop()
        for one in self.known.values():
            one.process.log.close()

    def reconfigure(self, values: Mapping[str, str | None], app: str, at: float, stored: bool) -> None:
        """The application's container becomes a new one, made `at`, with these variables changed (None: taken away)."""
        if app not in self.known:
            raise WorldError(f"There is no application `{app}`; there are: {', '.join(NAMES)}.")
        one = self.known[app]
        environment = one.running | {name: value for name, value in values.items() if value is not None}
        environment = {name: value for name, value in environment.items() if values.get(name, "") is not None}
        if stored:
            for name, value in values.items():
                one.stored = dotenv.changed(one.stored, name, value)
        self.rebuild(app, environment, at)
        self.wait_until_it_answers()

    def rebuild(
        self, app: str, environment: Mapping[str, str], at: float | None = None, bake: bool = True
    ) -> None:
        """A new container with this environment, made `at` (default: now, and then it says itself how it starts).
        Without `bake` the web part keeps the page it was built with."""
        one = self.known[app]
        one.containers += 1
        old = one.process.definition
        command = old.command
        if app == "web" and bake:
            command = (*command[:-1], str(self._page(environment, one.containers)))
        made = dataclasses.replace(old, command=command, environment=dict(environment), serial=one.containers - 1,
                                   created_at=self.now() if at is None else at)
        problem = refusal(environment) if app == "api" else ""
        laid = app == "api" and (at is not None or (self.fixed and bool(problem)))
        ends = (ends_of(made.created_at, self.now()) or [self.now()]) if problem and laid else []
        self.api.opening_lines = [json.dumps(self.life() | {"started": laid and not problem})]
        one.process.replace(made, crashes=len(ends), run=not (problem and self.fixed))
        if problem and self.fixed:
            one.process.stand_still(crash_loop(ends, one.process.state.lives))
        if laid:
            self._lay(made.created_at, problem, ends)
        self.api.opening_lines = [json.dumps(self.life())]

    def _lay(self, at: float, problem: str, ends: list[float]) -> None:
        """What a container that was made in the past has said since, or how often it came to its end."""
        if problem:
            self.api.log.extend(("stderr", problem, end) for end in ends)
            return
        record = says.started(min(at + START_SECONDS, self.now()), VERSION)
        self.api.log.append("stdout", self.render(record), record.at)
        if self.api.status == "running":
            self.api.state = dataclasses.replace(self.api.state, started_at=at, restart_count=0)

    def tell(self, order: dict[str, Any], in_every_life: bool = False) -> None:
        """One line on the service's private channel; returns when it took effect."""
        if in_every_life:
            self.api.opening_lines = [json.dumps(order)]
        ack = self.home / f"ack-{uuid.uuid4().hex}"
        self.api.send(json.dumps(order | {"ack": str(ack)}))
        until(ack.exists, f"the service did not obey {order}")
        ack.unlink()

    def page_key(self) -> str:
        """The publishable key that the web part was built with."""
        return self.known["web"].running.get("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "")

    def wait_until_it_answers(self) -> None:
        """Until the service says anything at all, well or unwell; one that cannot even start is not waited for."""
        if not refusal(self.known["api"].running):
            until(lambda: self.health() != 0, "the payments service did not begin to answer")

    def wait_until_healthy(self) -> None:
        until(self._is_healthy, "the payments service did not become healthy")

    def health(self) -> int:
        """The HTTP status of the service's health check; 0: no answer."""
        url = f"http://127.0.0.1:{self.known['api'].running['PORT']}/api/health"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=5, trust_env=False).status_code
        return 0

    def _is_healthy(self) -> bool:
        if self.api.status == "exited":
            raise WorldError(f"The payments service ended with code {self.api.exit_code}: {self._last_words()}")
        return self.health() == 200

    def _last_words(self) -> str:
        entries = self.api.log.entries()
        return entries[-1].log.strip() if entries else "it said nothing."

    def _create(self, app: str, environment: Mapping[str, str], command: list[str]) -> None:
        name = NAMES[app]
        process = self.supervisor.create(name, f"{name}:{VERSION}", command, environment,
                                         created_at=self.now() - LIFE_SECONDS)
        self.known[app] = Application(process, stored_text(name, environment))

    def _page(self, environment: Mapping[str, str], number: int) -> Path:
        return build(environment, self.home / "builds" / f"{number}.html")


def refusal(environment: Mapping[str, str]) -> str:
    """Why a service with this environment ends at once; empty when it does not."""
    try:
        Settings.from_environment(environment)
    except SettingsError as problem:
        return str(problem)
    return ""


def ends_of(at: float, now: float) -> list[float]:
    """When a container that cannot live, made `at`, has come to its end so far, by the engine's pauses."""
    ends = [at + START_SECONDS]
    while (following := ends[-1] + pause(RESTART_DELAY_SECONDS, len(ends) - 1) + START_SECONDS) < now:
        ends.append(following)
    return [end for end in ends if end < now]


def crash_loop(ends: list[float], lives: int) -> State:
    """The state of a container between two of its starts."""
    return State("restarting", exit_code=64, restart_count=len(ends) - 1, started_at=ends[-1] - START_SECONDS,
                 finished_at=ends[-1], lives=lives)


def stored_text(name: str, environment: Mapping[str, str]) -> str:
    """The environment as somebody once typed it into the deployment."""
    groups: dict[str, dict[str, str]] = {}
    for variable, value in environment.items():
        heading = next((title for start, title in HEADINGS.items() if variable.startswith(start)), "General")
        groups.setdefault(heading, {})[variable] = value
    return dotenv.written(f"{name}, production", groups)


def until(holds: Callable[[], bool], complaint: str) -> None:
    """Wait, but not for ever. Raises WorldError."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not holds():
        if time.monotonic() > deadline:
            raise WorldError(f"The world is not usable: {complaint} within {READY_SECONDS_MAX:.0f} s.")
        time.sleep(0.02)
