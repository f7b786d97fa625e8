"""The Docker Engine API over a supervisor, on loopback: list, inspect, logs, start, stop, restart, kill."""

import asyncio
import os
import platform
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from practice.wires.containers import portrait
from practice.wires.containers.definition import ContainerError
from practice.wires.containers.process import STOP_SECONDS, Process
from practice.wires.containers.selection import LogQuery, Refusal, filtered, find, is_true
from practice.wires.containers.supervisor import Supervisor
from practice.wires.containers.version import ENGINE_VERSION, Versioned, version

HOST = "127.0.0.1"
# How often a follower looks for new lines; well below what a person notices.
FOLLOW_SECONDS = 0.05
T = TypeVar("T")
# What the real engine's paths begin with.
ENGINE_NOUNS = frozenset([
    "auth", "build", "commit", "configs", "containers", "distribution", "events", "exec", "images", "networks", "nodes",
    "plugins", "secrets", "services", "session", "swarm", "system", "tasks", "volumes",
])  # fmt: skip
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"


class Facade:
    """Serves the API of one supervisor; DOCKER_HOST is what `start` returns."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen on a free loopback port; returns tcp://127.0.0.1:PORT."""
        # With an explicit protocol number asyncio answers at once (TCP_NODELAY); without it each answer waits 40 ms for
        # the client's delayed acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind((HOST, 0))
        config = uvicorn.Config(
            self._app(), log_config=None, access_log=False, lifespan="off", ws="none", server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="docker-facade", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return f"tcp://{HOST}:{listener.getsockname()[1]}"

    def stop(self) -> None:
        """Stop answering; open log streams end. The processes go on."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def _app(self) -> Versioned:
        one = "/containers/{key:path}"
        routes = [
            Route("/_ping", self._ping, methods=["GET"]),
            Route("/version", lambda _: JSONResponse(version())),
            Route("/info", self._info),
            Route("/containers/json", self._list, methods=["GET"]),
            Route(f"{one}/json", self._inspect, methods=["GET"]),
            Route(f"{one}/logs", self._logs, methods=["GET"]),
            Route(f"{one}/start", self._start, methods=["POST"]),
            Route(f"{one}/stop", self._stop, methods=["POST"]),
            Route(f"{one}/restart", self._restart, methods=["POST"]),
            Route(f"{one}/kill", self._kill, methods=["POST"]),
            Route("/images/{name:path}/json", self._image, methods=["GET"]),
        ]
        return Versioned(Starlette(routes=routes, exception_handlers=HANDLERS))

    def _process(self, request: Request) -> Process:
        return find(self._supervisor.processes, request.path_params["key"])

    def _ping(self, request: Request) -> Response:
        return PlainTextResponse("OK", headers={"cache-control": "no-cache, no-store, must-revalidate"})

    def _info(self, request: Request) -> Response:
        statuses = [process.status for process in self._supervisor.processes]
        running = sum(status in ("running", "restarting") for status in statuses)
        return JSONResponse({
            "ID": "practice", "Name": platform.node(), "ServerVersion": ENGINE_VERSION,
            "Containers": len(statuses), "ContainersRunning": running, "ContainersPaused": 0,
            "ContainersStopped": len(statuses) - running,
            "Images": len({process.definition.image for process in self._supervisor.processes}),
            "OperatingSystem": "practice world", "OSType": "linux", "Architecture": platform.machine(),
            "KernelVersion": platform.release(), "NCPU": os.cpu_count(), "LoggingDriver": "json-file",
            "Driver": "overlay2", "Swarm": {"LocalNodeState": "active"},
        })  # fmt: skip

    def _list(self, request: Request) -> Response:
        query = request.query_params
        limit = query.get("limit", "")
        if limit and not limit.lstrip("-").isdigit():
            raise Refusal(400, f'strconv.Atoi: parsing "{limit}": invalid syntax')
        count = max(int(limit or 0), 0)
        everything = is_true(query.get("all")) or count > 0
        found = filtered(self._supervisor.processes, query.get("filters", ""), everything)
        found.sort(key=lambda process: process.definition.created_at, reverse=True)
        now = self._supervisor.clock()
        return JSONResponse([portrait.summary(process, now) for process in found[: count or None]])

    def _inspect(self, request: Request) -> Response:
        return JSONResponse(portrait.container(self._process(request)))

    def _image(self, request: Request) -> Response:
        name = request.path_params["name"]
        for process in self._supervisor.processes:
            digest = portrait.image_id(process.definition.image)
            if name in (process.definition.image, digest, digest.removeprefix("sha256:")):
                return JSONResponse(portrait.image(process.definition.image, process.definition.created_at))
        raise Refusal(404, f"No such image: {name}")

    def _logs(self, request: Request) -> Response:
        process, query = self._process(request), LogQuery.of(request.query_params)
        lives = process.state.lives if process.status == "running" else None
        entries, position = process.log.read_from(0)
        data = query.frames(query.first(entries))
        if not query.follow:
            return Response(data, media_type=MULTIPLEXED)
        return StreamingResponse(self._follow(process, query, data, position, lives), media_type=MULTIPLEXED)

    async def _follow(
        self, process: Process, query: LogQuery, data: bytes, position: int, lives: int | None
    ) -> AsyncIterator[bytes]:
        """What is there, then what comes, until the life that was being followed ends (a restart ends it too)."""
        if data:
            yield data
        server = self._server
        while server is not None and not server.should_exit:
            alive = lives is not None and process.status == "running" and process.state.lives == lives
            entries, position = process.log.read_from(position)
            if data := query.frames(query.chosen(entries)):
                yield data
            if not alive or query.is_over(self._supervisor.clock()):
                return
            await asyncio.sleep(FOLLOW_SECONDS)

    def _start(self, request: Request) -> Response:
        process = self._process(request)
        return _done(_acting(process.start))

    def _stop(self, request: Request) -> Response:
        process, timeout = self._process(request), _timeout(request)
        return _done(_acting(lambda: process.stop(timeout)))

    def _restart(self, request: Request) -> Response:
        process, timeout = self._process(request), _timeout(request)
        _acting(lambda: process.restart(timeout))
        return Response(status_code=204)

    def _kill(self, request: Request) -> Response:
        process, number = self._process(request), _signal(request.query_params.get("signal") or "SIGKILL")
        if not process.kill(number):
            name = process.container_name
            raise Refusal(409, f"cannot kill container: {name}: container {process.id} is not running")
        return Response(status_code=204)


def _acting(action: Callable[[], T]) -> T:
    try:
        return action()
    except ContainerError as error:
        raise Refusal(400, f"failed to create task for container: {error}") from error


def _done(changed: bool) -> Response:
    """204, or 304 when there was nothing to do."""
    return Response(status_code=204 if changed else 304)


def _timeout(request: Request) -> float | None:
    """Seconds between SIGTERM and SIGKILL; a negative number waits for ever."""
    text = request.query_params.get("t", "")
    try:
        seconds = int(text) if text else STOP_SECONDS
    except ValueError:
        raise Refusal(400, f'strconv.Atoi: parsing "{text}": invalid syntax') from None
    return None if seconds < 0 else seconds


def _signal(text: str) -> int:
    try:
        return int(text) if text.isdigit() else signal.Signals["SIG" + text.upper().removeprefix("SIG")]
    except KeyError:
        raise Refusal(400, f"invalid signal: {text}") from None


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return JSONResponse({"message": str(refusal)}, status_code=refusal.status)


async def _not_offered(request: Request, error: Exception) -> Response:
    """An answer that no tool takes for a missing container: 404 only where the real engine has no such path either."""
    path = request.scope["path"]
    if path.split("/")[1] in ENGINE_NOUNS:
        return JSONResponse({"message": f"the practice engine does not offer {request.method} {path}"}, status_code=501)
    return JSONResponse({"message": "page not found"}, status_code=404)


async def _fail(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, status_code=500)


HANDLERS: dict[Any, Any] = {Refusal: _refuse, 404: _not_offered, 405: _not_offered, 500: _fail}
