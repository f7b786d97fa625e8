"""The containers that the payments service runs in: their state, their environment, their logs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar, get_args

import docker
import docker.errors
import requests

from runbook.clock import Window
from runbook.errors import BadInput, CannotLook
from runbook.target import Service
from runbook.wires.raw_line import RawLine, RawLines, Stream

SWARM, COMPOSE = "com.docker.swarm.service.name", "com.docker.compose.service"
LINE_BYTES_MAX = 64 * 1024  # a line longer than this is a dump; its beginning says what it is
# Logs are fetched newest first in growing pieces, because the engine can only return a piece as a whole: of a day the
# last four hours, then eight, then twelve.
FIRST_PIECE = 6

T = TypeVar("T")


@dataclass(frozen=True)
class ContainerFacts:
    name: str
    service: str  # the Swarm or Compose service, empty for a lone container
    image: str
    state: str  # running | exited | restarting | …
    started_at: datetime | None
    restart_count: int
    exit_code: int | None  # None while it runs
    out_of_memory: bool = False


class Environment(Mapping[str, str]):
    """Variables in memory only: printing them shows the names."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment of {len(self)} variables, values hidden: {', '.join(sorted(self))}"

    def __reduce__(self) -> str:
        raise TypeError("an environment holds secrets and is not stored")


class ContainerReader:
    """Questions to the Docker Engine. Failures raise CannotLook with one sentence."""

    def __init__(self, settings: Service) -> None:
        self._settings = settings
        self._client: docker.DockerClient | None = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def containers(self) -> list[ContainerFacts]:
        """Those of the service, running or not, newest start first. None at all is CannotLook, naming what there is."""
        return sorted(map(_facts, self._inspected()), key=lambda each: str(each.started_at), reverse=True)

    def environment(self, names: tuple[str, ...] | None = None) -> Environment:
        """Variables of the newest running container, all or the named ones that are set."""
        running = [each for each in self._inspected() if each["State"]["Running"]]
        if not running:
            raise CannotLook(
                "No container of the service runs, so that its environment cannot be read. Start it first."
            )
        newest = max(running, key=lambda each: each["State"]["StartedAt"])
        found = _variables(newest)
        return Environment({name: value for name, value in found.items() if names is None or name in names})

    def configuration(self) -> tuple[ContainerFacts, Environment]:
        """The newest container, running or not, and its variables: one that cannot start shows why in them."""
        newest = max(self._inspected(), key=lambda each: (each["State"]["Running"], each["Created"]))
        return _facts(newest), _variables(newest)

    def logs(self, window: Window, lines_max: int | None = None) -> RawLines:
        """Lines of both streams of all the service's containers, in order; the newest `lines_max` of the window."""
        lines_max = lines_max or self._settings.log_lines_max
        sources = [
            (each["Id"], each["Name"].lstrip("/"), stream)
            for each in self._inspected()
            for stream in get_args(Stream)
            if not (stream == "stderr" and each["Config"].get("Tty"))  # a terminal has one stream
        ]
        pieces: list[list[RawLine]] = []
        known, cut = 0, False
        for piece in _pieces(window):
            if known >= lines_max:
                cut = True
                break
            read = [self._asked(lambda s=source, p=piece: self._lines(*s, p)) for source in sources]
            pieces.append(sorted(itertools.chain.from_iterable(read), key=attrgetter("at")))
            known += len(pieces[-1])
        lines = list(itertools.chain.from_iterable(reversed(pieces)))
        return RawLines(lines[-lines_max:], cut or len(lines) > lines_max)

    def _lines(self, container_id: str, name: str, stream: Stream, window: Window) -> list[RawLine]:
        whole = self._engine().api.logs(
            container_id,
            stdout=stream == "stdout",
            stderr=stream == "stderr",
            timestamps=True,
            since=window.start.timestamp(),
            until=window.end.timestamp(),
        )
        lines = (_line(raw, name, stream) for raw in whole.split(b"\n") if raw)
        return [line for line in lines if line and line.at in window]

    def _inspected(self) -> list[dict[str, Any]]:
        """The service's containers as the engine describes them."""

        def ask() -> tuple[list[dict[str, Any]], list[str]]:
            api = self._engine().api
            listed = api.containers(all=True)
            ours = [each["Id"] for each in listed if self._is_ours(each)]
            return [found for each in ours if (found := _inspect(api, each))], _known(listed)

        ours, known = self._asked(ask)
        if not ours:
            wanted = ", ".join(f"`{name}`" for name in self._settings.names)
            there = ", ".join(f"`{name}`" for name in known) or "none"
            raise CannotLook(f"No container is called {wanted}. Correct `service.names`; there are: {there}.")
        return ours

    def _is_ours(self, listed: Mapping[str, Any]) -> bool:
        return bool(set(names_of(listed)) & set(self._settings.names))

    def _engine(self) -> docker.DockerClient:
        if self._client is None:
            host = self._settings.docker_host
            environment = dict(os.environ) | ({"DOCKER_HOST": host} if host else {})
            self._client = docker.from_env(
                environment=environment, timeout=self._settings.timeout_seconds, use_ssh_client=True
            )
        return self._client

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as error:
            sentence, bad = explain(error, self._settings)
        raise (BadInput if bad else CannotLook)(sentence)


def explain(error: Exception, settings: Service) -> tuple[str, bool]:
    """Cause and next move, and whether the target file is to blame."""
    where = settings.docker_host or os.environ.get("DOCKER_HOST", "") or "the local socket"
    text = str(error)
    if "paramiko" in text:
        return (
            "The docker SDK needs the package `paramiko` for ssh://. Forward the socket instead, with "
            "`ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, and set `docker_host: unix:///tmp/docker.sock`.",
            True,
        )
    if isinstance(error, docker.errors.APIError):
        status = error.response.status_code if error.response is not None else "an error"
        said = " ".join(str(error.explanation or "").split())[:200]
        return f"The container engine at {where} answered {status}: {said}. Look at the engine itself.", False
    if isinstance(error, requests.Timeout) or "timed out" in text.lower():
        return f"The container engine at {where} gave no answer in time. Check the network, then run again.", False
    if isinstance(error, ValueError) or "Invalid bind address" in text or "Unknown scheme" in text:
        return f"`service.docker_host` is `{where}`; it should look like unix://, tcp:// or ssh://user@host.", True
    return f"The container engine at {where} could not be reached. Check `service.docker_host`, and your login.", False


def _inspect(api: docker.APIClient, container_id: str) -> dict[str, Any] | None:
    try:
        return api.inspect_container(container_id)
    except docker.errors.NotFound:
        return None  # it was removed since it was listed


def _variables(inspected: Mapping[str, Any]) -> Environment:
    return Environment(dict(entry.partition("=")[::2] for entry in inspected["Config"]["Env"] or ()))


def names_of(listed: Mapping[str, Any]) -> list[str]:
    """Everything that a person may call this container: its own name, and its Swarm or Compose service."""
    labels = listed.get("Labels") or {}
    own = [name.lstrip("/") for name in listed.get("Names") or ()]
    return [name for name in (labels.get(SWARM), labels.get(COMPOSE), *own) if name]


def _known(listed: list[dict[str, Any]]) -> list[str]:
    return sorted({names_of(each)[0] for each in listed if names_of(each)})[:20]


def _facts(inspected: Mapping[str, Any]) -> ContainerFacts:
    state, labels = inspected["State"], inspected["Config"].get("Labels") or {}
    started = _time(state.get("StartedAt", ""))
    return ContainerFacts(
        name=inspected["Name"].lstrip("/"),
        service=labels.get(SWARM) or labels.get(COMPOSE) or "",
        image=inspected["Config"].get("Image") or "",
        state=state["Status"],
        started_at=started if started and started.year > 1 else None,  # the engine's "never" is the year 1
        restart_count=inspected.get("RestartCount", 0),
        exit_code=None if state["Running"] else state.get("ExitCode"),
        out_of_memory=bool(state.get("OOMKilled")),
    )


def _pieces(window: Window) -> Iterator[Window]:
    """The window in pieces, newest first, each twice as long as the one before."""
    length: timedelta = (window.end - window.start) / FIRST_PIECE
    end = window.end
    while end > window.start:
        start = max(window.start, end - length)
        yield Window(start, end)
        end, length = start, length * 2


def _line(raw: bytes, container: str, stream: Stream) -> RawLine | None:
    stamp, _, text = raw[:LINE_BYTES_MAX].partition(b" ")
    at = _time(stamp.decode("ascii", "replace"))
    return RawLine(at, stream, text.decode("utf-8", "replace"), container) if at else None


def _time(stamp: str) -> datetime | None:
    """RFC 3339 with nanoseconds, to microseconds."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
