"""A world without a running service: the damage of a fault on every side, laid in a fraction of a second.

Enough for a diagnosis, which only looks: the same Stripe simulator, a ledger under any names, a container that is said
to run, with its log, and a stub of the service's HTTP face. Nothing can be repaired here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from practice.faults import fault
from practice.faults.fault import Truth
from practice.light import face, target
from practice.light.quarters import Quarters
from practice.light.standing import Standing
from practice.light.tables import Tables
from practice.light.variation import Variation
from practice.premises import WorldError
from practice.traffic.history import WEBHOOK, History
from practice.traffic.plan import plan
from practice.traffic.quiet import take_back
from practice.wires.containers import Process
from practice.wires.containers.log import Line
from practice.wires.gateway import Gateway, KeyRing
from practice.wires.gateway.keys import Mode
from practice.wires.service.records import Record, lines
from practice.wires.service.settle import EFFECTS

# A Thursday in winter, noon in UTC; each seed is some hours away from it, so that days begin everywhere in the window.
NOON = 1_768_478_400
HOUR = 3600


class LightWorld:
    """Offers faults what `World` offers them with `live=False`. Open one at a time; use it as a context manager."""

    live = False

    def __init__(
        self, quarters: Quarters, seed: int, variation: Variation, severity: float, mode: Mode
    ) -> None:
        self.mode = mode
        self.quarters, self.seed, self.variation, self.severity = quarters, seed, variation, severity
        self.truths: tuple[Truth, ...] = ()
        self._now = float(NOON + HOUR * (seed % 168))
        self.directory = Path(tempfile.mkdtemp(prefix="world-", dir=quarters.directory))
        self._tables = Tables(variation)
        self.admin_token = f"token-{seed}"

    @classmethod
    def open(
        cls, quarters: Quarters, seed: int, variation: Variation | None = None, severity: float = 1.0,
        mode: Mode = "live",
    ) -> Self:
        """A healthy day of the shop that `variation` describes (drawn by the seed when not given), paid with keys of
        `mode`. `severity` scales how much a fault breaks. Raises WorldError when another world is open here."""
        if quarters.world is not None:
            raise WorldError("A light world is open in these quarters already; close it first.")
        world = cls(quarters, seed, variation or Variation.drawn(seed), severity, mode)
        quarters.world = world
        try:
            world._open()
        except BaseException:
            world.close()
            raise
        return world

    def close(self) -> None:
        """Leave the quarters as they were; a second call does nothing."""
        if self.quarters.world is not self:
            return
        self.quarters.world = None
        self.quarters.shelf.supervisor = None
        if hasattr(self, "applications"):
            self.applications.stop()
        self.quarters.conn.rollback()
        self._tables.drop(self.quarters.conn)
        self.quarters.conn.commit()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def now(self) -> float:
        """Unix seconds; time stands still here."""
        return self._now

    def inject(self, name: str, variant: str = "", seed: int | None = None) -> Truth:
        """Lay the damage of a fault. Raises UnknownFault, and WorldError for one that the world has already."""
        found = fault(name)
        variant = variant or found.variants[0]
        found.check(variant)
        if any(truth.cause == name for truth in self.truths):
            raise WorldError(f"This world has the fault `{name}` already; a second one must be another.")
        truth = found.inject(self, variant, self.seed if seed is None else seed, False)
        self.truths += (truth,)
        self.environment |= truth.hands_over
        self._show()
        return truth

    @property
    def expected(self) -> frozenset[str]:
        """What a responder should conclude: one word for each fault; `none` counts only where nothing else is."""
        said = {truth.conclusion for truth in self.truths} - {"none"}
        return frozenset(said or {"none"})

    def add(self, history: History) -> None:
        """Put rows and log lines of a finished history in their places."""
        self._tables.write(self.quarters.conn, history)
        self.quarters.conn.commit()
        self.process.log.extend(self._lines(history.records))

    def quiet_since(self, at: float) -> None:
        """Take out what customers did from then on (unix seconds), for a fault that would have spoilt it."""
        gone = take_back(self.history, at)
        self._tables.remove(self.quarters.conn, gone.rows, gone.events)
        self.quarters.conn.commit()
        self.process.log.forget(self._lines(gone.records))

    def _lines(self, records: Iterable[Record]) -> Iterator[Line]:
        ahead = self.variation.clock_offset_seconds
        return lines((replace(each, ahead=each.ahead + ahead) for each in records), self.variation.log_format)

    def said(self, *records: Record) -> None:
        """Lines of the log that belong to no payment."""
        self.add(History(self.gateway.engine, records=list(records)))

    def backdate_start(self, at: float) -> None:
        """Have the service's container say that it was started then (unix seconds)."""
        self.process.state = replace(self.process.state, started_at=at, restart_count=0)

    def reconfigure(
        self, values: Mapping[str, str | None], app: str = "api", at: float | None = None, stored: bool = True
    ) -> None:
        """The application's container becomes a new one with these variables changed (None: taken away), made `at`.
        No deployment here stores anything."""
        self.applications.reconfigure(values, app, self.now() if at is None else at, stored=False)

    @property
    def process(self) -> Process:
        """The payments service's."""
        return self.applications.api

    @property
    def keys(self) -> KeyRing:
        """Those that the service runs with when nothing is wrong."""
        return self.gateway.keys[self.mode]

    def target_file(self, directory: Path, name: str = "light") -> str:
        """Write the target file of this world into `directory`; its variables are `environment`. Returns its name."""
        target.write(self, directory, name)
        return name

    def _open(self) -> None:
        self.gateway = Gateway(self.seed, self.now)
        self.gateway.url, self.service_url = self.quarters.gateway.url, self.quarters.service.url
        self.quarters.gateway.app = self.gateway.app
        with self.gateway.engine.at(self.now() - 86_400.0 * 90, "none"):
            self.endpoint = self.gateway.engine.mode(self.mode).create_webhook_endpoint(
                {"url": self.service_url + WEBHOOK, "enabled_events": list(EFFECTS), "description": "shop"})
        self.applications = self._containers()
        self._show()
        self._tables.create(self.quarters.conn)
        self.plan = self.variation.restated(
            plan(self.seed, self.now(), self.variation.payments, self.variation.users))
        self.history = History(self.gateway.engine, mode=self.mode)
        self.history.lay_plan(self.plan)
        self.add(self.history)
        self.environment = target.environment(self)

    def _show(self) -> None:
        """The service's face as the faults leave it."""
        shown = face.together(each.face for each in self.truths)
        self.quarters.service.app = face.app(shown, self.applications.page)

    def _containers(self) -> Standing:
        api = {
            "PORT": "3000", "DATABASE_URL": "postgresql://shop@ledger/shop", "STRIPE_SECRET_KEY": self.keys.secret,
            "STRIPE_PUBLISHABLE_KEY": self.keys.publishable, "STRIPE_WEBHOOK_SECRET": self.endpoint["secret"],
            "STRIPE_API_BASE": self.gateway.url, "SMTP_URL": "smtp://mail:25",
            "LOG_FORMAT": self.variation.log_format, "ADMIN_TOKEN": self.admin_token,
        }
        web = {"PORT": "3001", "NEXT_PUBLIC_API_URL": self.service_url,
               "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": self.keys.publishable}
        standing = Standing(self.directory, self.now, self.variation.log_format, self.variation.service)
        standing.define(api, web)
        self.quarters.shelf.supervisor = standing.supervisor
        return standing
