"""The incident being worked: its target, its frozen window, its journal, and the readers of each wire."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from runbook import clock, target
from runbook.clock import Clock, Window
from runbook.errors import BadInput, CannotLook
from runbook.facts import Answer, Finding
from runbook.journal import Entry, Journal
from runbook.judgement import environment, questions
from runbook.wires.containers import ContainerReader
from runbook.wires.gateway import GatewayReader
from runbook.wires.ledger import LedgerReader
from runbook.wires.service import ServiceReader

# The prefix keeps YAML from reading an id as a number or a date; the alphabet keeps it a plain folder name.
ID = re.compile(r"inc-[a-z0-9]+(-[a-z0-9]+)*")

T = TypeVar("T")


@dataclass
class Incident:
    """What every question is asked of. Holds readers only; writers are repair's."""

    id: str
    target: target.Target
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
        return GatewayReader(self.target.gateway)

    @cached_property
    def ledger(self) -> LedgerReader:
        return LedgerReader(self.target.ledger)

    @cached_property
    def service(self) -> ServiceReader:
        return ServiceReader(self.target.service)

    @cached_property
    def containers(self) -> ContainerReader:
        return ContainerReader(self.target.service)

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
    def identity(self) -> str:
        """Account and database, which a plan carries so that it fits nowhere else."""
        return f"{self.gateway.account()['id']} + {self.ledger.identity().database}"

    @cached_property
    def same_environment(self) -> Finding:
        """Do gateway and ledger belong together? No plan is made, and none carried out, unless this holds."""
        return environment.same_environment(
            settings=self.target,
            key_mode=self.gateway.mode,
            account=readable(lambda: self.gateway.account()["id"]),
            database=readable(lambda: self.ledger.identity().database),
            newest_intents=readable(self._newest_intents),
        )

    def _newest_intents(self) -> dict[str, bool]:
        """The intents of the ledger's newest rows, and whether the gateway knows each of them."""
        rows = self.ledger.ask(questions.text("newest_rows"))
        return {row["intent_id"]: bool(self.gateway.find(f"/v1/payment_intents/{row['intent_id']}")) for row in rows}


def readable(read: Callable[[], T]) -> T | CannotLook:
    """The value, or why it could not be read, as a value."""
    try:
        return read()
    except CannotLook as error:
        return error


def outputs() -> Path:
    """Where incident directories lie; `RUNBOOK_OUTPUTS` moves them, for instance to a share."""
    moved = os.environ.get("RUNBOOK_OUTPUTS")
    return Path(moved) if moved else Path(__file__).resolve().parents[2] / "outputs"


def directory_of(incident: str) -> Path:
    """The directory of an incident that exists; the id is checked before it becomes a path."""
    if not ID.fullmatch(incident):
        raise BadInput(f"`{incident}` is not an incident id; ids look like inc-20260115-120000 and lie in outputs/.")
    directory = outputs() / incident
    if not (directory / "journal.jsonl").exists():
        raise BadInput(f"There is no incident `{incident}` in outputs/; check the id, or leave it empty for a new one.")
    return directory


def open_incident(
    target: str, incident: str = "", window_start: str = "", window_end: str = "", symptom: str = ""
) -> Incident:
    """Open a new incident, or join the journal of one (its window stays as it was frozen).

    Everything is validated before anything is written. Raises BadInput for what cannot be right, among it a gateway
    and a ledger of different environments, and CannotLook when neither side can be read.
    """
    opened = (
        join(target, incident, window_start, window_end) if incident else new(target, window_start, window_end, symptom)
    )
    check_sides(opened)
    if not incident:
        start(opened)
    return opened


def new(target_name: str, window_start: str, window_end: str, symptom: str) -> Incident:
    settings = target.load(target_name)
    now = clock_of(settings)
    window = clock.window(window_start, window_end, now.now(), timedelta(hours=settings.thresholds.window_hours))
    return Incident(
        id="",
        target=settings,
        window=window,
        as_of=now.now(),
        clock=now,
        directory=outputs(),
        symptom=symptom,
    )


def join(target_name: str, incident: str, window_start: str, window_end: str) -> Incident:
    directory = directory_of(incident)
    opened = Journal(directory / "journal.jsonl").entries("opened")[0].body
    if opened["target"] != target_name:
        raise BadInput(f"`{incident}` was opened for target `{opened['target']}`, not `{target_name}`; name that one.")
    frozen = Window(datetime.fromisoformat(opened["window"][0]), datetime.fromisoformat(opened["window"][1]))
    for name, text, kept in (("window_start", window_start, frozen.start), ("window_end", window_end, frozen.end)):
        if text and clock.parse(text, name) != kept:
            raise BadInput(
                f"`{name}` is `{text}`, but the window of `{incident}` was frozen at {clock.show(kept)}. "
                "Leave it empty, or open a new incident for another window."
            )
    settings = target.load(target_name)
    now = clock_of(settings)
    return Incident(
        id=incident,
        target=settings,
        window=frozen,
        as_of=now.now(),
        clock=now,
        directory=directory,
        symptom=opened["symptom"],
    )


def clock_of(settings: target.Target) -> Clock:
    return Clock(clock.parse(settings.fixed_clock, "fixed_clock") if settings.fixed_clock else None)


def check_sides(incident: Incident) -> None:
    """Refuse a target that cannot be right; a side that is merely out of reach is evidence, unless both are."""
    mapping = readable(incident.ledger.check_mapping)
    account = readable(incident.gateway.account)
    if isinstance(mapping, CannotLook) and isinstance(account, CannotLook):
        raise CannotLook(f"Neither side can be read. {account} {mapping}")
    if not isinstance(mapping, CannotLook) and (words := incident.ledger.unknown_status_words()):
        listed = ", ".join(f"`{word}` ({count} rows)" for word, count in words)
        raise BadInput(
            f"The ledger holds status words that target `{incident.target.name}` does not map: {listed}. "
            "Add each to `ledger.status`, so that no payment is guessed at."
        )
    if incident.same_environment.answer is Answer.DOES_NOT_HOLD:
        raise BadInput(
            f"Gateway and ledger of target `{incident.target.name}` are not the same environment: "
            f"{incident.same_environment.because} Correct the target file; nothing was read further or written."
        )


def start(incident: Incident) -> None:
    """Give the incident its directory and the journal its first entry."""
    base = f"inc-{incident.as_of.strftime('%Y%m%d-%H%M%S')}"
    outputs().mkdir(parents=True, exist_ok=True)
    incident.id = reserve(base)
    incident.directory = outputs() / incident.id
    incident.log(
        "opened",
        target=incident.target.name,
        environment=incident.target.environment,
        window=[incident.window.start.isoformat(), incident.window.end.isoformat()],
        symptom=incident.symptom,
    )


def reserve(base: str) -> str:
    """The first free name; creating the folder is the reservation, so two openers never share one."""
    for name in (base, *(f"{base}-{number}" for number in range(2, 1000))):
        try:
            (outputs() / name).mkdir(mode=0o750)  # it will hold customers' payments
        except FileExistsError:
            continue
        return name
    raise CannotLook(f"outputs/ already holds a thousand incidents of {base}; move it away and run again.")
