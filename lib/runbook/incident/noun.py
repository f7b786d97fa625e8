"""The incident: its target, its frozen window, its journal, and the readers of each wire.

A wire is imported when it is first used: approving a plan or checking a journal asks nobody outside, and should not
wait for the libraries that could.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from runbook.clock import Clock, Window
from runbook.errors import CannotLook
from runbook.facts import Finding
from runbook.incident import fingerprints
from runbook.journal import Entry, Journal
from runbook.judgement import environment
from runbook.judgement.environment import Sampled
from runbook.target import Target

if TYPE_CHECKING:
    from runbook.wires.containers import ContainerReader
    from runbook.wires.deploy import DeployReader
    from runbook.wires.gateway import GatewayReader
    from runbook.wires.ledger import LedgerReader
    from runbook.wires.service import ServiceReader

T = TypeVar("T")


@dataclass
class Incident:
    """What every question is asked of. Holds readers only; writers are repair's."""

    id: str
    target: Target
    window: Window
    as_of: datetime
    clock: Clock
    directory: Path
    symptom: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.directory / "journal.jsonl")

    @cached_property
    def gateway(self) -> GatewayReader:
        from runbook.wires.gateway import GatewayReader

        return GatewayReader(self.target.gateway)

    @cached_property
    def ledger(self) -> LedgerReader:
        from runbook.wires.ledger import LedgerReader

        return LedgerReader(self.target.ledger)

    @cached_property
    def service(self) -> ServiceReader:
        from runbook.wires.service import ServiceReader

        return ServiceReader(self.target.service)

    @cached_property
    def containers(self) -> ContainerReader:
        from runbook.wires.containers import ContainerReader

        return ContainerReader(self.target.service)

    @cached_property
    def web_containers(self) -> ContainerReader:
        """Those of the web part."""
        from runbook.wires.containers import ContainerReader

        return ContainerReader(msgspec.structs.replace(self.target.service, names=self.target.service.web_names))

    @cached_property
    def deployment(self) -> DeployReader:
        """What the deployment has stored; only where the target names one that can be asked."""
        from runbook.wires.deploy import DeployReader

        return DeployReader(self.target.deploy)

    @cached_property
    def _fingerprint_key(self) -> bytes:
        return fingerprints.key_of(self.directory, self.clock.fixed is not None)

    def fingerprint(self, value: str) -> str:
        """Eight digits by which two places can be compared, within this incident, without showing what they hold."""
        return fingerprints.fingerprint(self._fingerprint_key, value)

    def log(self, kind: str, **body: Any) -> Entry:
        """Note what happened in the journal."""
        return self.journal.append(kind, body, self.clock.now())

    def once(self, name: str, read: Callable[[], T]) -> T:
        """`read()`, remembered under `name`: one notebook looks at each thing once."""
        if name not in self.notes:
            self.notes[name] = read()
        return self.notes[name]

    def look_again(self) -> None:
        """Forget what was read: what follows is about now."""
        self.notes.clear()

    @cached_property
    def account(self) -> str | CannotLook:
        """The account that the gateway's key opens, or why it cannot be told. Asked once: a gateway that hangs takes
        its whole time-out to say nothing."""
        return readable(lambda: self.gateway.account()["id"])

    @cached_property
    def database(self) -> str | CannotLook:
        """The database that the ledger's DSN leads to, or why it cannot be told."""
        return readable(lambda: self.ledger.identity().database)

    @cached_property
    def identity(self) -> str:
        """Account and database, which a plan carries so that it fits nowhere else. Raises CannotLook."""
        return f"{told(self.account)} + {told(self.database)}"

    @cached_property
    def same_environment(self) -> Finding:
        """Do gateway and ledger belong together? No plan is made, and none carried out, unless this holds."""
        return environment.same_environment(
            settings=self.target,
            key_mode=self.gateway.mode,
            account=self.account,
            database=self.database,
            sampled=readable(self._sampled),
        )

    def _sampled(self) -> tuple[Sampled, ...]:
        """Intents of the ledger's rows, and whether the gateway knows each of them. With one side away the answer is
        known, and the other is not troubled."""
        for side in (self.account, self.database):
            told(side)
        return environment.sample(self.ledger.ask, self.gateway.find, self.window)


def readable(read: Callable[[], T]) -> T | CannotLook:
    """The value, or why it could not be read, as a value."""
    try:
        return read()
    except CannotLook as error:
        return error


def told(answer: T | CannotLook) -> T:
    """The value, where there is one; raises the reason where there is none."""
    if isinstance(answer, CannotLook):
        raise answer
    return answer
