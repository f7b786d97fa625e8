"""The gateway of a world: engine, keys, faults and courier behind one loopback port."""

import socket
import threading
import time
from asyncio import BaseTransport
from collections.abc import Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Api, Seen
from .engine import Engine, ModeEngine
from .errors import ApiError, missing_object
from .faults import Faults
from .ids import letters
from .keys import KeyBook, KeyRing, Kind, Mode
from .status import Status
from .webhooks import RETRY_DELAYS_SECONDS, Webhooks

START_SECONDS_MAX = 10.0


class Line(H11Protocol):
    """HTTP that hands its transport to the application, so that a fault can close the socket under a request."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        # asyncio does this only for sockets opened with an explicit protocol number, which ours is not. Without it
        # every answer waits 40 ms for the client's delayed acknowledgement of its headers.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}


class Gateway:
    """Stripe, as far as a practice world needs it, on 127.0.0.1.

    seed: ids and keys follow from it · clock: unix seconds, dates new objects (signatures are always wall time) ·
    retry_delays_seconds: pauses between attempts to deliver an event · validate: hold every answer against the schema
    (`violations` tells) · port: 0 for a free one.
    """

    def __init__(self, seed: int, clock: Callable[[], float] = time.time, *,
                 retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS, validate: bool = False,
                 port: int = 0) -> None:
        self.account_id = "acct_1" + letters(f"{seed}/account", 15)
        self._book = KeyBook(seed, self.account_id)
        self.webhooks = Webhooks(seed, tuple(retry_delays_seconds))
        self.engine = Engine(seed, clock, self.account_id, self.webhooks)
        self.faults = Faults(seed, self._book)
        self.status = Status()
        self._api = Api(self.engine, self._book, self.faults, self.status, validate)
        self._port = port
        self._server: uvicorn.Server | None = None
        self.url = ""

    @property
    def keys(self) -> dict[str, KeyRing]:
        """The keys of `live` and `test` as texts. They exist only while this world does."""
        return self._book.rings

    def issue_key(self, mode: Mode, kind: Kind = "secret", grants: frozenset[str] = frozenset()) -> str:
        """Another key, as a person makes one in the Dashboard; `grants` are the writes of a restricted one."""
        return self._book.issue(mode, kind, grants)

    def issue_foreign_key(self, mode: Mode) -> str:
        """A publishable key of another account."""
        return self._book.issue_foreign(mode)

    def refusal(self, key: str, permission: str) -> ApiError | None:
        """What Stripe would say to this key for wanting this, such as `payment_intent_write`; None: it may."""
        try:
            self._book.authorize(self._book.authenticate(key), permission)
        except ApiError as refused:
            return refused
        return None

    def as_browser(self, key: str) -> ModeEngine:
        """Stripe as a page with this publishable key reaches it. Raises ApiError for a key that opens nothing here."""
        known = self._book.authenticate(key)
        if known.foreign:
            raise missing_object("payment_intent", "(of another account)", param="intent")
        return self.engine.mode(known.mode)

    @property
    def requests(self) -> list[Seen]:
        """The requests answered so far, oldest first."""
        return list(self._api.requests)

    @property
    def app(self) -> Starlette:
        """What answers behind the port, for a world that has a port of its own."""
        return self._api.app

    @property
    def violations(self) -> list[str]:
        """Answers that did not fit the schema; empty, or the simulator is wrong."""
        return self._api.violations

    def start(self) -> str:
        """Open the port and begin to carry events; returns `http://127.0.0.1:PORT`."""
        try:
            listener = socket.create_server(("127.0.0.1", self._port))
        except OSError as taken:
            raise RuntimeError(f"port {self._port} of 127.0.0.1 cannot be had ({taken.strerror}); "
                               "leave the port at 0 for a free one") from taken
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self._api.app, http=Line, ws="none", lifespan="off", log_config=None, access_log=False,
                                loop="asyncio", timeout_graceful_shutdown=1, server_header=False, date_header=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="gateway", daemon=True)
        self._thread.start()
        ends = time.monotonic() + START_SECONDS_MAX
        while not self._server.started:
            if time.monotonic() > ends or not self._thread.is_alive():
                raise RuntimeError(f"the gateway did not come up on {self.url} within {START_SECONDS_MAX:.0f} s")
            time.sleep(0.005)
        self.webhooks.start(self.engine)
        return self.url

    def stop(self) -> None:
        """Close the port and forget what was not delivered yet."""
        self.webhooks.stop()
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(timeout=START_SECONDS_MAX)
            self._server = None
