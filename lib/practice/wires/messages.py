"""The far end of the messages wire: a mail server and an incoming-webhook endpoint that keep what they are sent."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
# A chat message is a few kilobytes; more than this is a mistake of the sender's and is refused unread.
CHAT_BYTES_MAX = 1_000_000


@dataclass(frozen=True)
class Mail:
    """One accepted mail: the envelope's addresses, and the message as parsed."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    message: EmailMessage
    received_at: float  # unix seconds


@dataclass(frozen=True)
class ChatMessage:
    """One accepted post: its text ("" when it has only blocks or attachments) and the whole body."""

    text: str
    body: dict[str, Any]
    received_at: float  # unix seconds


class MailSink:
    """An SMTP server on a free loopback port; `messages` holds what was accepted, oldest first."""

    def __init__(self) -> None:
        self.messages: list[Mail] = []
        self._controller: _OnSocket | None = None

    def start(self) -> tuple[str, int]:
        """Listen; returns (host, port)."""
        listener = socket.create_server((HOST, 0))
        self._controller = _OnSocket(self, listener)
        self._controller.start()
        port: int = listener.getsockname()[1]
        return HOST, port

    def stop(self) -> None:
        """Stop listening; the messages stay."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each mail; the name is its contract."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(("plain", "html"))
        mail = Mail(
            envelope.mail_from or "", tuple(envelope.rcpt_tos), str(message.get("subject", "")),
            body.get_content().replace("\r\n", "\n") if body else "", message, time.time(),
        )  # fmt: skip
        self.messages.append(mail)
        return "250 OK"


class _OnSocket(Controller):
    """aiosmtpd's controller on a socket that listens already, as it cannot report a port the system chose."""

    def __init__(self, handler: MailSink, listener: socket.socket) -> None:
        super().__init__(handler, hostname=HOST, port=listener.getsockname()[1])
        self._listener = listener

    def _create_server(self) -> Awaitable[Any]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


class ChatSink:
    """An incoming webhook that answers like Slack's; `messages` holds what was accepted, oldest first."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        # The path is the credential of an incoming webhook, so each world has its own.
        self.path = f"/services/T{_code(10)}/B{_code(10)}/{_code(24, upper=False)}"
        self._server: _ChatServer | None = None

    def start(self) -> str:
        """Listen on a free loopback port; returns the URL to post to."""
        self._server = _ChatServer(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="chat-sink", daemon=True).start()
        return f"http://{HOST}:{self._server.server_port}{self.path}"

    def stop(self) -> None:
        """Stop listening; the messages stay."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def accept(self, path: str, content_type: str, data: bytes) -> tuple[int, str]:
        """Status and body of the answer to one post; keeps the message when it is sound."""
        if path != self.path:
            known = path.startswith("/services/") and path.count("/") == 4
            return (403, "invalid_token") if known else (404, "no_service")
        body = _parse(content_type, data)
        if body is None:
            return 400, "invalid_payload"
        text = body.get("text", "")
        if not isinstance(text, str):
            return 400, "invalid_payload"
        if not text and not body.get("blocks") and not body.get("attachments"):
            return 400, "no_text"
        self.messages.append(ChatMessage(text, body, time.time()))
        return 200, "ok"


class _ChatServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, sink: ChatSink) -> None:
        super().__init__((HOST, 0), _ChatRequest)
        self.sink = sink


class _ChatRequest(BaseHTTPRequestHandler):
    server: _ChatServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > CHAT_BYTES_MAX:
            self.close_connection = True
            self._answer(413, "payload_too_large")
            return
        data = self.rfile.read(length)
        self._answer(*self.server.sink.accept(self.path, self.headers.get("content-type", ""), data))

    def do_GET(self) -> None:
        self._answer(405, "method_not_allowed")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to the terminal: the path is a secret."""


def _parse(content_type: str, data: bytes) -> dict[str, Any] | None:
    """The JSON object of a post, plain or in the form field `payload`; None when there is none."""
    try:
        text = data.decode()
        if content_type.startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text)["payload"][0]
        body = json.loads(text)
    except (ValueError, KeyError):
        return None
    return body if isinstance(body, dict) else None


def _code(length: int, upper: bool = True) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + ("" if upper else "abcdefghijklmnopqrstuvwxyz")
    return "".join(secrets.choice(letters) for _ in range(length))
