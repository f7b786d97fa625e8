"""One practice world: a payments company on loopback, with a past, customers, and perhaps a hidden fault."""

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg

from practice import announcement, premises
from practice.applications import Applications
from practice.faults import fault
from practice.faults.fault import Truth
from practice.premises import WorldError
from practice.referee import Referee, Snapshot
from practice.traffic.history import WEBHOOK, History
from practice.traffic.live import Shopper, Traffic
from practice.traffic.plan import Plan, plan
from practice.traffic.quiet import take_back
from practice.wires.containers import ContainerError, Facade, Process
from practice.wires.deploy import Board
from practice.wires.deploy import Facade as Dokploy
from practice.wires.gateway import Gateway
from practice.wires.gateway.keys import MODES, KeyRing, Mode
from practice.wires.ledger import Cluster, ClusterError
from practice.wires.messages import ChatSink, MailSink
from practice.wires.service.provision import DATABASE, Shop, provision
from practice.wires.service.records import FORMATS, lines
from practice.wires.service.settings import VERSION
from practice.wires.service.settle import EFFECTS

SEED = 20260115
SETTLE_SECONDS_MAX = 15.0


class World:
    """Make one with `World.open`; use it as a context manager, or call `close`. It dies with its process."""

    environment: dict[str, str]
    truths: tuple[Truth, ...]
    snapshot: Snapshot | None

    def __init__(
        self, directory: Path, seed: int, clock: datetime | None, log_format: str, live: bool, mode: Mode = "live"
    ) -> None:
        if log_format not in FORMATS:
            raise WorldError(f"There is no log format `{log_format}`; choose from: {', '.join(FORMATS)}.")
        if mode not in MODES:
            raise WorldError(f"There is no mode `{mode}`; choose from: {', '.join(MODES)}.")
        if seed < 0:
            raise WorldError(f"A seed is 0 or more, not {seed}.")
        if clock is not None and clock.tzinfo is None:
            raise WorldError(f"The clock {clock.isoformat()} has no time zone; say 2026-01-15T12:00:00+00:00.")
        self.directory, self.seed, self.clock, self.log_format = Path(directory).resolve(), seed, clock, log_format
        self.live, self.mode = live and clock is None, mode
        self.truths, self.snapshot = (), None
        self.environment = {}
        self._offset = 0.0
        self._shipped: dict[str, Any] = {}
        self._closing = contextlib.ExitStack()

    @classmethod
    def open(
        cls, directory: Path = Path(".run"), seed: int = SEED, clock: datetime | None = None, payments: int = 2000,
        users: int = 300, log_format: str = "json", live: bool = True, mode: Mode = "live",
    ) -> Self:
        """Start everything, lay down a day of history, write `world.env` into `directory`.

        `clock`: a constant instant for all that the world writes (then nobody pays); None: wall time. `live`: people
        go on paying. `mode`: of the shop's keys and payments; test is a staging environment. Raises WorldError.
        """
        world = cls(directory, seed, clock, log_format, live, mode)
        try:
            world._open(payments, users)
        except (ClusterError, ContainerError) as problem:
            world.close()
            raise WorldError(str(problem)) from problem
        except (OSError, psycopg.Error) as problem:
            world.close()
            reason = " ".join(str(problem).split()).rstrip(".")
            raise WorldError(f"The world in `{world.directory}` could not be opened: {reason}.") from problem
        except BaseException:
            world.close()
            raise
        return world

    def close(self) -> None:
        """Stop everything and remove what the world kept; a second call does nothing."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def now(self) -> float:
        """Unix seconds."""
        return (time.time() if self.clock is None else self.clock.timestamp()) + self._offset

    def inject(self, name: str, variant: str = "", seed: int | None = None, live: bool | None = None) -> Truth:
        """Break the world as the fault `name` does; `variant` empty means the fault's own default. `live`: let the
        broken release really run as well (default: when customers are about). Raises UnknownFault."""
        found = fault(name)
        variant = variant or found.variants[0]
        found.check(variant)
        if any(truth.cause == name for truth in self.truths):
            raise WorldError(f"This world has the fault `{name}` already; a second one must be another.")
        try:
            truth = found.inject(self, variant, self.seed if seed is None else seed,
                                 self.live if live is None else live)
            self.truths += (truth,)
            self.snapshot = Snapshot.take(self)
        except (OSError, httpx.HTTPError, psycopg.Error, ContainerError) as problem:
            raise WorldError(f"The fault `{name}` could not be injected: {problem}") from problem
        self.environment |= truth.hands_over
        return truth

    @property
    def keys(self) -> KeyRing:
        """The keys of the world's own mode."""
        return self.gateway.keys[self.mode]

    @property
    def truth(self) -> Truth | None:
        """The first fault's, which most worlds have alone."""
        return self.truths[0] if self.truths else None

    def referee(self) -> Referee:
        """Who judges the repair. Raises WorldError when nothing was broken."""
        if self.snapshot is None:
            raise WorldError("There is nothing to judge: no fault was injected into this world.")
        return Referee(self, self.truths, self.snapshot)

    def add(self, history: History) -> None:
        """Put rows and log lines of a finished history in their places."""
        with psycopg.connect(self.cluster.dsn(DATABASE)) as conn:
            history.write(conn)
        self.process.log.extend(lines(history.records, self.log_format))

    def quiet_since(self, at: float) -> None:
        """Take out what customers did from then on (unix seconds), for a fault that would have spoilt it."""
        with self.held(), psycopg.connect(self.cluster.dsn(DATABASE)) as conn:
            gone = take_back(self.history, at)
            gone.delete(conn)
            self.process.log.forget(lines(gone.records, self.log_format), gone.ids)

    def backdate_start(self, at: float) -> None:
        """Have the service's container say that it is a new one, made then (unix seconds)."""
        self.process.state = dataclasses.replace(self.process.state, started_at=at, restart_count=0)

    def reconfigure(
        self, values: Mapping[str, str | None], app: str = "api", at: float | None = None, stored: bool = True
    ) -> None:
        """The application `app` gets a new container with these variables changed (None: taken away), made `at` (unix
        seconds; default now) and really restarted. `stored`: what the deployment has stored changes as well. Waits
        until the service answers, unless its environment lets it no longer start."""
        self.applications.reconfigure(values, app, self.now() if at is None else at, stored)

    @property
    def process(self) -> Process:
        """The payments service's."""
        return self.applications.api

    def release(self, name: str) -> None:
        """Switch the running service to this release and wait until it has."""
        self.applications.tell({"release": name})

    def ship(self, **order: Any) -> None:
        """Have the running service be so (`release`, `version`, `ahead`) from now on, also after each new start."""
        self._shipped |= order
        self.applications.tell(self._life(), in_every_life=True)

    @contextlib.contextmanager
    def earlier(self, seconds: float, version: str) -> Iterator[None]:
        """Inside the block it is so much earlier for Stripe, the service and its container, and the service calls
        itself `version`. What happens there really happens, and is as old afterwards as damage has to be."""
        self._offset = -seconds
        self.applications.tell(self._life(version), in_every_life=True)
        try:
            yield
        finally:
            self._offset = 0.0
            self.applications.tell(self._life(), in_every_life=True)

    def _life(self, version: str = VERSION) -> dict[str, Any]:
        """What the service must know about its time."""
        clock = {"offset": self._offset} if self.clock is None else {"clock": self.now(), "seed": self.seed}
        return {"version": version, **clock, **self._shipped}

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Nobody pays inside the block, and what Stripe had to tell before is told, mails included."""
        if self.traffic.is_running:
            return self.traffic.held()
        self.gateway.webhooks.settle(SETTLE_SECONDS_MAX, retries=False)
        return contextlib.nullcontext()

    def has_logged(self, text: str) -> bool:
        return any(text in entry.log for entry in self.process.log.entries())

    def wait_until_healthy(self) -> None:
        self.applications.wait_until_healthy()

    def _open(self, payments: int, users: int) -> None:
        """The database and then the service start aside, as both mostly wait; history is laid meanwhile."""
        self.home = self._closing.enter_context(premises.claim(self.directory))
        self.mails, self.chat = MailSink(), ChatSink()
        with ThreadPoolExecutor(1) as aside:
            ledger = aside.submit(self._start_ledger)
            self._start_gateway()
            self._start_sinks()
            self._register_endpoint()
            service = aside.submit(lambda: self._start_service(ledger.result()))
            self.plan: Plan = plan(self.seed, self.now(), payments, users)
            self.history = History(self.gateway.engine, mode=self.mode)
            self.history.lay_plan(self.plan)
            service.result()
        self.add(self.history)
        self.wait_until_healthy()
        self.shopper = Shopper(self.service_url, self.gateway, self.applications.page_key)
        self._closing.callback(self.shopper.close)
        self._go_live()
        self._announce()

    def _start_ledger(self) -> Shop:
        self.cluster = Cluster.start(self.home / "ledger")
        self._closing.callback(self.cluster.stop)
        return provision(self.cluster)

    def _start_gateway(self) -> None:
        self.gateway = Gateway(self.seed, self.now)
        self.gateway.start()
        self._closing.callback(self.gateway.stop)

    def _start_sinks(self) -> None:
        self.smtp = self.mails.start()
        self._closing.callback(self.mails.stop)
        self.chat_url = self.chat.start()
        self._closing.callback(self.chat.stop)

    def _register_endpoint(self) -> None:
        self._port = premises.free_port()
        self.service_url = f"http://127.0.0.1:{self._port}"
        with self.gateway.engine.at(self.now() - 86_400.0 * 90, "none"):
            self.endpoint = self.gateway.engine.mode(self.mode).create_webhook_endpoint(
                {"url": self.service_url + WEBHOOK, "enabled_events": list(EFFECTS), "description": "shop"})

    def _start_service(self, shop: Shop) -> None:
        self.shop, self.admin_token = shop, secrets.token_urlsafe(18)
        environment = {
            "PORT": str(self._port), "DATABASE_URL": self.shop.owner_dsn,
            "STRIPE_SECRET_KEY": self.keys.secret, "STRIPE_PUBLISHABLE_KEY": self.keys.publishable,
            "STRIPE_WEBHOOK_SECRET": self.endpoint["secret"], "STRIPE_API_BASE": self.gateway.url,
            "SMTP_URL": f"smtp://{self.smtp[0]}:{self.smtp[1]}", "LOG_FORMAT": self.log_format,
            "ADMIN_TOKEN": self.admin_token,
        }
        web = {
            "PORT": str(premises.free_port()), "NEXT_PUBLIC_API_URL": self.service_url,
            "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": self.keys.publishable,
        }
        self.applications = Applications(self.home, self.now, self.log_format, fixed=self.clock is not None)
        self._closing.callback(self.applications.stop)
        self.applications.start(environment, web, self._life)
        self.facade = Facade(self.applications.supervisor)
        self.docker_host = self.facade.start()
        self._closing.callback(self.facade.stop)
        self._start_deployment()

    def _start_deployment(self) -> None:
        """Two keys, as a careful team has them: one that may only look, one that may change and deploy."""
        applications = self.applications
        self.board = Board(applications.known, applications.rebuild, self.now, self.seed)
        self.deploy_tokens = {"read": secrets.token_urlsafe(24), "write": secrets.token_urlsafe(24)}
        self.board.grant(self.deploy_tokens["read"], "read")
        self.board.grant(self.deploy_tokens["write"], "read", "envVars", "deployment")
        dokploy = Dokploy(self.board)
        self.deploy_url = dokploy.start()
        self._closing.callback(dokploy.stop)

    def _go_live(self) -> None:
        """Stripe's latest events arrive, and people begin to pay: not in a world whose clock stands still."""
        self.traffic = Traffic(self.shopper, self.plan.people, self.history.wallets, self.seed)
        if self.clock is None:
            for laid in self.history.laid:
                if laid.purchase.outcome == "late":
                    self.gateway.webhooks.carry(self.mode, laid.event, self.endpoint["id"])
        if self.live:
            self.traffic.start()
            self._closing.callback(self.traffic.stop)

    def _announce(self) -> None:
        self.environment = announcement.environment(self)
        self._closing.enter_context(announcement.published(self.environment, self.directory, self.home))
