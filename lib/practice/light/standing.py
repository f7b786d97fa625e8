"""The shop's two applications as nobody ever started them: containers that are said to run, with a log and a past."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from practice.applications import Application, Applications
from practice.traffic.history import LIFE_SECONDS
from practice.wires.containers.definition import State
from practice.wires.service.settings import VERSION

# What would run, if somebody pressed start all the same.
NOTHING = [sys.executable, "-c", "pass"]


class Standing(Applications):
    """`service` is the name of the api's container; the web part's is told from it."""

    def __init__(self, home: Path, now: Callable[[], float], log_format: str, service: str) -> None:
        super().__init__(home, now, log_format, fixed=True)
        self.names = {"api": service, "web": f"{service}-web"}

    def define(self, api: Mapping[str, str], web: Mapping[str, str]) -> None:
        """Both are as old as the history."""
        for app, variables in (("api", api), ("web", web)):
            made = self.now() - LIFE_SECONDS
            process = self.supervisor.create(self.names[app], f"shop-{app}:{VERSION}", NOTHING, variables,
                                             created_at=made)
            process.state = State("running", pid=1, started_at=made, lives=1)
            self.known[app] = Application(process, "")

    def rebuild(self, app: str, environment: Mapping[str, str], at: float | None = None, bake: bool = True) -> None:
        made = self.now() if at is None else at
        super().rebuild(app, environment, made, bake=False)
        process = self.known[app].process
        if process.status == "created":
            process.state = replace(process.state, status="running", pid=1, started_at=made)

    def page(self) -> str:
        """The web part's page, built of the environment that its container has."""
        return self._page(self.known["web"].running, 0).read_text()

    def wait_until_it_answers(self) -> None:
        """Nobody will."""
