"""What many light worlds share, one after the other: a Postgres, two ports, a container engine, and a folder."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psycopg
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from practice.wires.containers import Facade, Process, Supervisor
from practice.wires.gateway.server import START_SECONDS_MAX, Line
from practice.wires.ledger import Cluster
from practice.wires.service.provision import DATABASE, Shop, provision

if TYPE_CHECKING:
    from practice.light.world import LightWorld

NOBODY: ASGIApp = PlainTextResponse("no world is open here", 503)


class Port:
    """A loopback port whose application is exchanged from world to world."""

    def __init__(self) -> None:
        self.app = NOBODY
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._answer, interface="asgi3", http=Line, ws="none", lifespan="off", log_config=None, access_log=False,
            loop="asyncio", timeout_graceful_shutdown=1, server_header=False,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="port", daemon=True)
        self._thread.start()
        ends = time.monotonic() + START_SECONDS_MAX
        while not self._server.started:
            if time.monotonic() > ends or not self._thread.is_alive():
                raise RuntimeError(f"nothing came up on {self.url} within {START_SECONDS_MAX:.0f} s")
            time.sleep(0.005)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=START_SECONDS_MAX)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A client that gave up waiting for a hanging answer, as responders do, is no error of ours.
        with contextlib.suppress(asyncio.CancelledError):
            await self.app(scope, receive, send)


@dataclass
class Shelf:
    """The one container of the world that is open, as the engine's façade asks for it."""

    supervisor: Supervisor | None = None

    @property
    def processes(self) -> list[Process]:
        return self.supervisor.processes if self.supervisor else []

    def clock(self) -> float:
        return self.supervisor.clock() if self.supervisor else time.time()


class Quarters:
    """Open once, then `LightWorld.open(quarters, …)` again and again, one world at a time. Use it as a context
    manager. Raises ClusterError where no Postgres can be had."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()
        self.directory = Path(tempfile.mkdtemp(prefix="light-"))
        self._closing.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.world: LightWorld | None = None
        self.shelf = Shelf()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.cluster = Cluster.start(self.directory / "ledger")
        self._closing.callback(self.cluster.stop)
        self.shop: Shop = provision(self.cluster)
        self.conn = psycopg.connect(self.cluster.dsn(DATABASE))
        self._closing.callback(self.conn.close)
        # Nothing here outlives a crash anyway, and waiting for the disk is most of what a small world costs.
        self.conn.execute("SET synchronous_commit = off")
        self.conn.execute("SET client_min_messages = warning")
        self.conn.commit()
        self.gateway, self.service = Port(), Port()
        self._closing.callback(self.service.close)
        self._closing.callback(self.gateway.close)
        facade = Facade(self.shelf)
        self.docker_host = facade.start()
        self._closing.callback(facade.stop)

    def close(self) -> None:
        """End everything; a second call does nothing."""
        if self.world is not None:
            self.world.close()
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
