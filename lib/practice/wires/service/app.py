"""The HTTP face of the service: five routes, one access line for each request but health checks."""

import hmac
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, TextIO

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from practice.wires.service import says
from practice.wires.service.control import Control
from practice.wires.service.payments import Payments, Refused, StripeUnavailable
from practice.wires.service.records import FORMATS, Record
from practice.wires.service.settings import Settings
from practice.wires.service.webhooks import Webhooks

HEALTH = "/api/health"


class Log:
    """Writes whole records: two threads never share a line."""

    def __init__(self, log_format: str, streams: dict[str, TextIO] | None = None) -> None:
        self._render, self._lock = FORMATS[log_format], threading.Lock()
        self._streams = streams or {"stdout": sys.stdout, "stderr": sys.stderr}

    def __call__(self, record: Record) -> None:
        stream = self._streams[record.stream]
        with self._lock:
            stream.write(self._render(record) + "\n")
            stream.flush()


@dataclass(frozen=True, slots=True)
class Service:
    settings: Settings
    pool: ConnectionPool
    control: Control
    payments: Payments
    webhooks: Webhooks
    log: Log

    async def customers(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.payments.add_customer, await body_of(request)), 201)

    async def create_intent(self, request: Request) -> Response:
        made = await run_in_threadpool(self.payments.create_intent, await body_of(request))
        return JSONResponse(made, 201, background=BackgroundTask(self.payments.after_checkout))

    async def payment(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.payments.look_up, request.path_params["transaction"]))

    async def stripe_webhook(self, request: Request) -> Response:
        body, signature = await request.body(), request.headers.get("stripe-signature", "")
        answer = await run_in_threadpool(self.webhooks.receive, body, signature)
        after = BackgroundTask(answer.afterwards) if answer.afterwards else None
        return JSONResponse(answer.body, answer.status, background=after)

    async def health(self, request: Request) -> Response:
        """Anybody may ask whether it lives; how it lives is for the bearer of the admin token."""
        database = await run_in_threadpool(self._database)
        body: dict[str, Any] = {"status": "ok" if database == "up" else "degraded"}
        if hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.settings.admin_token}"):
            pool = self.pool.get_stats().get("pool_size", 0)
            body |= {"version": self.control.version, "database": database, "pool": pool}
        return JSONResponse(body, 200 if database == "up" else 503)

    def _database(self) -> str:
        try:
            with self.pool.connection(timeout=2) as conn:
                conn.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout):
            return "down"
        return "up"

    async def watch(self, request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        """Turn every failure into an answer, and every answer into an access line."""
        started = self.control.stopwatch()
        try:
            response = await call(request)
        except Refused as refusal:
            response = JSONResponse({"error": str(refusal)}, refusal.status)
        except StripeUnavailable:
            response = JSONResponse({"error": "payment provider unavailable"}, 502)
        except (psycopg.Error, PoolTimeout) as problem:
            self._log_failure(request, problem)
            response = JSONResponse({"error": "internal error"}, 500)
        ms = self.control.milliseconds_since(started)
        self.log(says.access(self.control.now(), request.method, request.url.path, response.status_code, ms))
        return response

    def _log_failure(self, request: Request, problem: Exception) -> None:
        code = getattr(problem, "sqlstate", None) or ""
        self.log(says.request_failed(
            self.control.now(), request.method, request.url.path, says.first_line(problem), code,
            says.stack_of(problem, code),
        ))

    def routes(self) -> list[Route]:
        def watched(call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
            return lambda request: self.watch(request, call)

        return [
            Route("/api/customers", as_endpoint(watched(self.customers)), methods=["POST"]),
            Route("/api/payments/create-intent", as_endpoint(watched(self.create_intent)), methods=["POST"]),
            Route("/api/payments/{transaction}", as_endpoint(watched(self.payment)), methods=["GET"]),
            Route("/api/webhooks/stripe", as_endpoint(watched(self.stripe_webhook)), methods=["POST"]),
            Route(HEALTH, self.health, methods=["GET"]),
        ]

    def app(self) -> ASGIApp:
        return dated(Starlette(routes=self.routes()), self.control.now)


def dated(app: ASGIApp, now: Callable[[], float]) -> ASGIApp:
    """Each answer says what time this service believes it is, as every HTTP server does."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"date", formatdate(now(), usegmt=True).encode())]
            await send(message)

        await app(scope, receive, send_dated)

    return answer


def as_endpoint(call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Starlette takes only what it can see to be a coroutine function."""

    async def endpoint(request: Request) -> Response:
        return await call(request)

    return endpoint


async def body_of(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refused(400, "the body must be JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "the body must be a JSON object")
    return body
