"""Dokploy's HTTP API over a board, on loopback: REST over tRPC, one key in the header `x-api-key`."""

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from practice.wires.deploy.board import Board, Entry, Permission

HOST = "127.0.0.1"
ENVIRONMENT = ("env", "buildArgs", "buildSecrets")


class Refusal(Exception):
    """An answer other than 200, in tRPC's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Facade:
    """Serves one board; `start` returns the address that ends in /api."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        # With an explicit protocol number asyncio answers at once (TCP_NODELAY).
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind((HOST, 0))
        config = uvicorn.Config(self._app(), log_config=None, access_log=False, lifespan="off", ws="none",
                                server_header=False, timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, name="dokploy",
                                        daemon=True)
        self._thread.start()
        self.board.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return f"http://{HOST}:{listener.getsockname()[1]}/api"

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None
            self.board.stop()

    def _app(self) -> Starlette:
        calls: dict[str, tuple[str, Permission, Callable[[Entry, dict[str, Any]], Any]]] = {
            "application.one": ("GET", "read", lambda entry, _: entry.shown()),
            "deployment.all": ("GET", "read", lambda entry, _: entry.listed()),
            "application.saveEnvironment": ("POST", "envVars", self._save),
            "application.redeploy": ("POST", "deployment", self._redeploy),
            "application.reload": ("POST", "deployment", self._reload),
            "application.stop": ("POST", "deployment", self._stop),
            "application.start": ("POST", "deployment", self._start),
        }
        return Starlette(
            routes=[Route(f"/api/{name}", self._endpoint(*call), methods=[call[0]]) for name, call in calls.items()],
            exception_handlers={404: _not_found, 405: _not_found, Refusal: _refuse},
        )

    def _endpoint(self, method: str, permission: Permission, call: Callable[[Entry, dict[str, Any]], Any]) -> Any:
        async def endpoint(request: Request) -> Response:
            token = request.headers.get("x-api-key", "")
            if not self.board.knows(token):
                raise Refusal(401, "UNAUTHORIZED", "Authorization not provided")
            given = dict(request.query_params) if method == "GET" else await _body(request)
            id = _text(given, "applicationId")
            if id not in self.board.entries:
                raise Refusal(404, "NOT_FOUND", "Application not found")
            if not self.board.may(token, permission, id):
                raise Refusal(403, "FORBIDDEN", "You don't have access to this application")
            return JSONResponse(await run_in_threadpool(call, self.board.entries[id], given))

        return endpoint

    def _save(self, entry: Entry, given: dict[str, Any]) -> bool:
        """All five fields, or nothing: what is left out would be lost, and the real one refuses as well."""
        missing = [name for name in (*ENVIRONMENT, "createEnvFile") if name not in given]
        wrong = [name for name in ENVIRONMENT if not isinstance(given.get(name), str | None)]
        if missing or wrong or not isinstance(given["createEnvFile"], bool):
            raise Refusal(400, "BAD_REQUEST", "Input validation failed")
        self.board.save(entry, *(given[name] for name in ENVIRONMENT), given["createEnvFile"])
        return True

    def _redeploy(self, entry: Entry, given: dict[str, Any]) -> bool:
        self.board.redeploy(entry, str(given.get("title") or ""), str(given.get("description") or ""))
        return True

    def _reload(self, entry: Entry, given: dict[str, Any]) -> bool:
        _text(given, "appName")
        self.board.reload(entry)
        return True

    def _stop(self, entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
        entry.hosted.process.stop()
        entry.status = "idle"
        return entry.shown()

    def _start(self, entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
        entry.hosted.process.start()
        entry.status = "done"
        return entry.shown()


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal(400, "BAD_REQUEST", "Input validation failed")
    return given


def _text(given: dict[str, Any], name: str) -> str:
    if not isinstance(given.get(name), str) or not given[name]:
        raise Refusal(400, "BAD_REQUEST", "Input validation failed")
    return str(given[name])


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return JSONResponse({"message": str(refusal), "code": refusal.code}, status_code=refusal.status)


async def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": "Not found", "code": "NOT_FOUND"}, status_code=404)
