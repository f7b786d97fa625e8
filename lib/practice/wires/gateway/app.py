"""The wire: an ASGI application that answers as Stripe's API does, and nothing more."""

import asyncio
import base64
import binascii
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import blake2b
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from . import errors, form, params, routing
from .bodies import Bodies
from .engine import Engine
from .engine import Request as Answering
from .errors import ApiError
from .expand import check as check_expand
from .expand import expand
from .faults import LINE, Fault, Faults
from .idempotency import Idempotency
from .keys import KeyBook
from .status import SHELL, Status

# All of them reach us: what Stripe does not serve it answers with its own 404.
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
# Enough for a drill's whole traffic; the referee counts requests in it.
REQUESTS_KEPT = 100_000


@dataclass(frozen=True)
class Seen:
    """One request as the world remembers it: no key, no body."""

    at: float
    mode: str
    method: str
    path: str
    status: int
    request_id: str


@dataclass
class Work:
    """A request on its way through the gateway."""

    method: str
    path: str
    text: str
    headers: dict[str, str]
    request_id: str
    mode: str = ""
    key: str = ""


class Api:
    """Answers requests out of an engine. `validate` holds every good answer against the schema."""

    def __init__(self, engine: Engine, keys: KeyBook, faults: Faults, status: Status, validate: bool) -> None:
        self.engine, self.keys, self.faults, self.status = engine, keys, faults, status
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.violations: list[str] = []
        self._bodies = Bodies(engine.schema) if validate else None
        self._idempotency = Idempotency()
        self.app = Starlette(routes=[Path("/status/{rest:path}", self._status_page, methods=["GET"]),
                                     Path("/{rest:path}", self._answer, methods=METHODS)])

    async def _answer(self, request: Request) -> Response:
        text = request.url.query if request.method != "POST" else (await request.body()).decode(errors="replace")
        work = Work(request.method, request.url.path, text, dict(request.headers), self.engine.new_request_id())
        with self.faults.in_progress(work.method):
            response = await self._guarded(request, work)
        response.headers["Date"] = formatdate(self.engine.wall, usegmt=True)
        response.headers["Request-Id"] = work.request_id
        response.headers["Stripe-Version"] = self.engine.schema.api_version
        self.requests.append(Seen(self.engine.wall, work.mode, work.method, work.path, response.status_code,
                                  work.request_id))
        return response

    async def _guarded(self, request: Request, work: Work) -> Response:
        """Any refusal becomes an answer; faults of the line strike before or after the work, as ordered."""
        if self.faults.latency_seconds:
            await asyncio.sleep(self.faults.latency_seconds)
        fault = self.faults.strike(work.method, work.path, LINE)
        if fault is not None and not fault.executes:
            await asyncio.sleep(fault.seconds)
            return self._break(request, fault)
        try:
            response = await self._serve(work, fault.seconds if fault is not None else 0.0)
        except ApiError as refusal:
            response = _refused(refusal)
        return response if fault is None or fault.kind == "slow" else self._break(request, fault)

    async def _serve(self, work: Work, seconds: float) -> Response:
        """Stripe's order of questions: who is it, too often, what is it, is it allowed, is it well formed."""
        key = self.keys.authenticate(_presented(work.headers.get("authorization", "")))
        work.mode = key.mode
        limit = self.faults.strike(work.method, work.path, ("rate_limit",))
        if limit is not None:
            raise limit.error()
        found = routing.find(work.method, work.path)
        if found is None:
            raise errors.invalid(f"Unrecognized request URL ({work.method}: {work.path}). Please see "
                                 "https://stripe.com/docs or we can help at https://support.stripe.com/.", status=404)
        route, id = found
        if not (key.kind == "publishable" and route.key == routing.BROWSER and "client_secret=" in work.text):
            self.keys.authorize(key, route.permission)
        elif key.foreign:
            raise errors.missing_object("payment_intent", id, param="intent")
        version = work.headers.get("stripe-version", self.engine.schema.api_version)
        if version != self.engine.schema.api_version:
            raise errors.invalid(f"Invalid Stripe API version: {version}")
        typed = params.coerce(self.engine.schema, route.params, form.decode(work.text))
        foreign = sorted(set(typed) - route.models) if route.models is not None else []
        if foreign:
            raise errors.not_modelled(foreign)
        check_expand(self.engine.schema, route.returns, typed.get("expand", []))
        work.key = work.headers.get("idempotency-key", "") if work.method == "POST" else ""
        if work.key:
            return await self._once(work, route, id, typed, seconds)
        await asyncio.sleep(seconds)
        return _json(*self._carry_out(work, route, id, typed))

    async def _once(self, work: Work, route: routing.Route, id: str, typed: dict[str, Any], seconds: float) -> Response:
        """Carry a POST out, or give the answer that its idempotency key got before."""
        print_ = blake2b(f"{work.method} {work.path}\n{work.text}".encode()).digest()
        kept = self._idempotency.begin(work.mode, work.key, print_, work.request_id, self.engine.wall)
        headers = {"Idempotency-Key": work.key, "Original-Request": kept.request_id if kept else work.request_id}
        if kept is not None:
            return _json(kept.status, kept.body or b"", headers | {"Idempotent-Replayed": "true"})
        await asyncio.sleep(seconds)
        status, body, extra = self._carry_out(work, route, id, typed)
        self._idempotency.finish(work.mode, work.key, status, body)
        return _json(status, body, headers | extra)

    def _carry_out(self, work: Work, route: routing.Route, id: str,
                   typed: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers. From here on refusals are answers too, and kept under an idempotency key."""
        fault = self.faults.strike(work.method, work.path, ("error",))
        mode = self.engine.mode(work.mode)
        try:
            if fault is not None and not fault.executes:
                raise fault.error()
            paths = typed.pop("expand", [])
            with self.engine.answering(Answering(work.request_id, work.key or None)):
                body = expand(mode, route.call(mode, id, typed), paths)
            if fault is not None:
                raise fault.error()
            self._check(route, body)
            return 200, msgspec.json.encode(body), {}
        except ApiError as refusal:
            return refusal.status, msgspec.json.encode(refusal.body), refusal.headers

    def _check(self, route: routing.Route, body: dict[str, Any]) -> None:
        found = self._bodies.faults(route.returns, body) if self._bodies else []
        if found:
            self.violations += found
            raise errors.gateway_error(500)

    def _break(self, request: Request, fault: Fault) -> Response:
        """The line misbehaves: nonsense, somebody else's error, or a closed socket."""
        if fault.kind == "garbage":
            return Response(fault.body, fault.status, media_type="text/html")
        if fault.kind == "edge":
            return _refused(fault.error())
        request.state.transport.abort()
        return Response(status_code=499)

    async def _status_page(self, request: Request) -> Response:
        page = self.status.page(request.url.path, self.engine.wall, str(request.base_url).rstrip("/"))
        if self.status.shell or page is None:
            return Response(SHELL, 200 if self.status.shell else 404, media_type="text/html")
        return _json(200, msgspec.json.encode(page), {})


def _refused(refusal: ApiError) -> Response:
    return _json(refusal.status, msgspec.json.encode(refusal.body), refusal.headers)


def _json(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, status, headers, media_type="application/json")


def _presented(authorization: str) -> str:
    """The key of a Bearer header, or the user name of a Basic one as curl's `-u key:` sends it."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return rest.strip() if scheme.lower() == "bearer" else ""
