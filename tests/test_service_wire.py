"""The service wire against small real servers that behave and misbehave."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from runbook.errors import BadInput, CannotLook, Refused
from runbook.target import Secret, Service
from runbook.wires import http
from runbook.wires.service import ServiceReader, ServiceWriter

Answer = Callable[[BaseHTTPRequestHandler], None]


class Shop:
    """A server whose routes are functions; remembers what it was sent."""

    def __init__(self) -> None:
        self.routes: dict[str, Answer] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                shop.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                shop.routes.get(self.path, says(404, "{}"))(self)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients here hang up on purpose
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def says(status: int, body: str, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def drips(dripped: list[int]) -> Answer:
    """A byte every tenth of a second, each well within any time-out for a single read, until nobody listens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for number in range(200):
            handler.wfile.write(b"x")
            dripped.append(number)
            time.sleep(0.1)

    return answer


def floods(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1_000):
        handler.wfile.write(b"x" * 65_536)


@pytest.fixture
def shop() -> Iterator[Shop]:
    started = Shop()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def settings(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("ADMIN", "let-me-in")
    return Service(
        base_url=shop.url,
        webhook_url=f"{shop.url}/hook",
        names=("shop-api",),
        admin_token=Secret("ADMIN"),
        timeout_seconds=1,
    )


def test_health_is_told_as_it_is(shop: Shop, settings: Service) -> None:
    shop.routes["/api/health"] = says(200, '{"status":"ok"}')
    health = ServiceReader(settings).health()
    assert (health.ok, health.status, health.detail) == (True, 200, '{"status":"ok"}')
    assert shop.seen[0][2]["authorization"] == "Bearer let-me-in"
    shop.routes["/api/health"] = says(503, '{"status":\n"degraded"}')
    assert ServiceReader(settings).health().ok is False
    assert ServiceReader(settings).health().detail == '{"status": "degraded"}'


def test_a_service_that_is_away_or_hangs_is_not_healthy_and_says_why(settings: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        silent = ServiceReader(msgspec.structs.replace(settings, base_url=f"http://127.0.0.1:{port}")).health()
    gone = ServiceReader(msgspec.structs.replace(settings, base_url=f"http://127.0.0.1:{port}")).health()
    assert (silent.ok, silent.status) == (gone.ok, gone.status) == (False, 0)
    assert f"The service at 127.0.0.1:{port} gave no whole answer within 1 s." in silent.detail
    assert f"The service at 127.0.0.1:{port} refused the connection." in gone.detail


@pytest.mark.parametrize(
    ("status", "refused"),
    [(400, True), (401, True), (403, True), (200, False), (204, False), (500, None), (404, None), (302, None)],
)
def test_a_webhook_route_refuses_what_stripe_did_not_sign(
    shop: Shop, settings: Service, status: int, refused: bool | None
) -> None:
    shop.routes["/hook"] = says(status, "", Location="http://169.254.169.254/")
    reader = ServiceReader(settings)
    assert reader.refuses_unsigned_event().refused is refused
    assert reader.refuses_wrong_signature().refused is refused
    unsigned, signed = (headers for _, _, headers, _ in shop.seen)
    assert "stripe-signature" not in unsigned
    assert signed["stripe-signature"].startswith("t=")
    assert "authorization" not in signed, "the admin token is not for the webhook route"
    assert json.loads(shop.seen[0][3])["id"] == "evt_runbook_probe"
    assert len(shop.seen) == 2, "a redirect is not followed"


def test_a_route_that_drips_or_floods_is_bounded(shop: Shop, settings: Service) -> None:
    dripped: list[int] = []
    shop.routes["/hook"] = drips(dripped)
    with pytest.raises(CannotLook, match="gave no whole answer within 1 s"):
        ServiceReader(settings).refuses_unsigned_event()
    assert len(dripped) < 200, "it hung up before the end"
    shop.routes["/hook"] = floods
    assert ServiceReader(settings).refuses_unsigned_event().refused is False
    reply = http.ask("GET", f"{shop.url}/hook", what="It", seconds=2)
    assert (len(reply.body), reply.cut) == (http.BYTES_MAX, True)


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "http://user:pw@host/", "gopher://x", "http://", "x"]
)
def test_only_plain_web_addresses_are_asked(settings: Service, url: str) -> None:
    with pytest.raises(BadInput, match="http"):
        ServiceReader(msgspec.structs.replace(settings, webhook_url=url)).refuses_unsigned_event()


def test_answers_that_are_not_http(settings: Service) -> None:
    def speak(server: socket.socket) -> None:
        near, _ = server.accept()
        near.recv(1000)
        near.sendall(b"220 mail.example ESMTP\r\n")
        near.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=speak, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(CannotLook, match="not HTTP"):
            http.ask("GET", url, what="The service", seconds=2)
    with pytest.raises(CannotLook, match="cannot be resolved"):
        http.ask("GET", "http://no-such-host.invalid/", what="The service", seconds=5)


def test_a_customer_and_an_intent_are_made(shop: Shop, settings: Service) -> None:
    shop.routes["/api/customers"] = says(201, '{"userId":"u1","stripeCustomerId":"cus_1"}')
    shop.routes["/api/payments/create-intent"] = says(201, '{"paymentIntentId":"pi_1"}')
    writer = ServiceWriter(settings)
    assert writer.create_customer("a@example.com", "Ann")["userId"] == "u1"
    assert writer.create_intent("u1", 500, "usd", "o-1")["paymentIntentId"] == "pi_1"
    assert json.loads(shop.seen[1][3]) == {"userId": "u1", "amount": 500, "currency": "usd", "orderId": "o-1"}


def test_a_service_that_says_no_or_has_trouble(shop: Shop, settings: Service) -> None:
    shop.routes["/api/customers"] = says(422, '{"error":"no such mail"}')
    with pytest.raises(Refused, match="refused `/api/customers` with 422"):
        ServiceWriter(settings).create_customer("a", "b")
    for answer in (says(500, "boom"), says(200, "<html>"), says(200, "[]"), says(302, "")):
        shop.routes["/api/customers"] = answer
        with pytest.raises(CannotLook, match="answered `/api/customers`"):
            ServiceWriter(settings).create_customer("a", "b")
