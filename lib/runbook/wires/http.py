"""One bounded HTTP request: total time and size are limited, redirects are not followed.

The usual clients limit each read, not the whole: an endpoint that sends a byte a second holds them for ever. And a
redirect would take a probe to an address that nobody wrote into the target file.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from runbook.errors import BadInput, CannotLook

BYTES_MAX = 256 * 1024  # a health body or a status page has a few kilobytes; more is not what we asked for


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    milliseconds: int
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # the body was longer than BYTES_MAX

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")


def ask(
    method: str,
    url: str,
    *,
    what: str,
    seconds: float,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send one request and read at most BYTES_MAX of the answer within `seconds` in total.

    `what` names the other side in the error sentence. Raises BadInput for an address that is none, and CannotLook
    when no answer came; any answer with a status, 500 included, is an answer.
    """
    address = _address(url, what)
    connection, target = _connection(address, seconds)
    expired = threading.Event()
    opened: list[socket.socket] = []  # the connection forgets its socket while the answer is still being read
    timer = threading.Timer(seconds, _cut_off, (opened, expired))
    timer.daemon = True
    began = time.monotonic()
    timer.start()
    try:
        connection.connect()
        opened.append(connection.sock)
        connection.request(method, target, body=body or None, headers={"User-Agent": "runbook", **(headers or {})})
        answer = connection.getresponse()
        content = answer.read(BYTES_MAX + 1)
        if expired.is_set():
            raise TimeoutError
        milliseconds = int((time.monotonic() - began) * 1000)
        return Reply(
            answer.status, content[:BYTES_MAX], milliseconds, _lower(answer.getheaders()), len(content) > BYTES_MAX
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = f"gave no whole answer within {seconds:g} s" if expired.is_set() else reason(error, seconds)
    finally:
        timer.cancel()
        connection.close()
    raise CannotLook(f"{what} at {address.hostname}{_port(address)} {cause}. {_next_move(cause)}")


def date_of(reply: Reply) -> datetime | None:
    """When the other side believes it answered, by its `Date` header; None without one that can be read."""
    try:
        return email.utils.parsedate_to_datetime(reply.headers.get("date", ""))
    except ValueError:
        return None


def reason(error: BaseException, seconds: float) -> str:
    """The cause of a failed connection in words, without an address or anything else that was sent."""
    if isinstance(error, TimeoutError):
        return f"gave no whole answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, socket.gaierror):
        return "has a name that cannot be resolved"
    if isinstance(error, ConnectionResetError | http.client.RemoteDisconnected | BrokenPipeError):
        return "closed the connection before it answered"
    if isinstance(error, http.client.HTTPException):
        return "answered with something that is not HTTP"
    return f"could not be reached ({type(error).__name__})"


def _next_move(cause: str) -> str:
    if "resolved" in cause:
        return "Check the address in the target file, then DNS."
    if "refused" in cause:
        return "Check the address in the target file, and that the other side runs."
    return "Check the network between here and there, then run again."


def _address(url: str, what: str) -> SplitResult:
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        raise BadInput(f"The address of {what} must be http(s)://host/path without a user; correct the target file.")
    return address


def _connection(address: SplitResult, seconds: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection that has not been opened yet and the request target, through the proxy that the environment names,
    as the Stripe SDK does; otherwise the two would disagree on what is reachable."""
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    host, path = address.hostname or "", address.path or "/"
    target = f"{path}?{address.query}" if address.query else path
    proxy = urllib.request.getproxies().get(address.scheme)
    if not proxy or urllib.request.proxy_bypass(host):
        return kind(host, address.port, timeout=seconds), target
    through = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    connection = kind(through.hostname or "", through.port, timeout=seconds)
    if address.scheme == "https":
        connection.set_tunnel(host, address.port)
        return connection, target
    return connection, f"{address.scheme}://{address.netloc}{target}"


def _cut_off(opened: list[socket.socket], expired: threading.Event) -> None:
    expired.set()
    for each in opened:
        with contextlib.suppress(OSError):  # it was closed in the meantime, which is what this is for
            each.shutdown(socket.SHUT_RDWR)


def _lower(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _port(address: SplitResult) -> str:
    return f":{address.port}" if address.port else ""
