"""What every kind of step works with; writers are made here, when the first step that needs one is carried out."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from runbook.facts import Row
from runbook.incident import Incident
from runbook.judgement import questions
from runbook.wires.deploy import DeployWriter
from runbook.wires.gateway import GatewayWriter
from runbook.wires.ledger import LedgerWriter
from runbook.wires.service import ServiceWriter

# Often enough that a person sees progress, rarely enough that a stricken database does not notice.
POLL_SECONDS = 0.1


@dataclass
class Context:
    incident: Incident
    plan: str
    canary_proven: bool = False

    @cached_property
    def gateway(self) -> GatewayWriter:
        return GatewayWriter(self.incident.target.gateway)

    @cached_property
    def ledger(self) -> LedgerWriter:
        return LedgerWriter(self.incident.target.ledger)

    @cached_property
    def service(self) -> ServiceWriter:
        return ServiceWriter(self.incident.target.service)

    @cached_property
    def deploy(self) -> DeployWriter:
        return DeployWriter(self.incident.target.deploy)

    @property
    def who(self) -> str:
        return f"{getpass.getuser()}@{socket.gethostname()}"

    def rows_of(self, intents: Iterable[str]) -> dict[str, Row]:
        """Intent → its row in the ledger now; the newest where there are several."""
        found = self.incident.ledger.ask(questions.text("rows_of_intents"), intents=sorted(intents))
        return {row["intent_id"]: row for row in found}

    def wait_until(self, done: Callable[[], bool], seconds: float = 0) -> bool:
        """Look until `done`, for so many seconds, or as long as the target says a delivery may take."""
        give_up = time.monotonic() + (seconds or self.incident.target.thresholds.delivery_wait_seconds)
        while not done():
            if time.monotonic() > give_up:
                return False
            time.sleep(POLL_SECONDS)
        return True
