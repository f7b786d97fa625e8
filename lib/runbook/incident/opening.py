"""Opening an incident, or joining one: everything is validated before anything is written."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

from runbook import clock, target
from runbook.clock import Clock, Window
from runbook.errors import BadInput, CannotLook
from runbook.incident.folder import cannot_write, directory_of, opened_with, outputs, reserve
from runbook.incident.noun import Incident, readable, told
from runbook.journal import Journal
from runbook.judgement import environment


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


def visit(target: str) -> Incident:
    """Readers for a look that belongs to no incident: nothing is kept and nothing can be noted in a journal.

    Raises as `open_incident` does.
    """
    visiting = new(target, "", "", "")
    visiting.directory = Path(os.devnull)  # so that whoever noted something nevertheless would fail
    check_sides(visiting)
    return visiting


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
    opened = opened_with(Journal(directory / "journal.jsonl"))
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
    """Refuse a target that cannot be right; a side that is merely out of reach is evidence, unless both are. Sides that
    fit the target file and know nothing of each other are evidence too: triage names them `wrong_environment`."""
    ledger = readable(lambda: check_ledger(incident))
    if isinstance(ledger, CannotLook) and isinstance(incident.account, CannotLook):
        raise neither(incident, incident.account, ledger)
    because = environment.mismatch(incident.target, incident.gateway.mode, incident.account, incident.database)
    if because:
        raise BadInput(
            f"Gateway and ledger of target `{incident.target.name}` are not the same environment: "
            f"{because} Correct the target file; nothing was read further or written."
        )


def check_ledger(incident: Incident) -> None:
    """Raise BadInput for a ledger that is another one, or is not mapped, CannotLook for one that cannot be read."""
    settings = incident.target.ledger
    if told(incident.database) != settings.database:
        raise BadInput(
            f"`{settings.read_dsn.name}` leads to database `{incident.database}`, but target `{incident.target.name}` "
            f"expects `{settings.database}`. Correct the variable, or `ledger.database`."
        )
    incident.ledger.check_mapping()
    if words := incident.ledger.unknown_status_words():
        listed = ", ".join(f"`{word}` ({count} rows)" for word, count in words)
        raise BadInput(
            f"The ledger holds status words that target `{incident.target.name}` does not map: {listed}. "
            "Add each to `ledger.status`, so that no payment is guessed at."
        )


def neither(incident: Incident, gateway: CannotLook, ledger: CannotLook) -> CannotLook:
    """Both sides are away. Of a practice world that says that it was closed: its addresses outlive a killed one."""
    if incident.target.environment == "practice":
        return CannotLook(
            "The practice world was closed: neither its gateway nor its ledger lets us in. "
            "Open one with: ./runbook drill database_rollback --lab"
        )
    return CannotLook(f"Neither side can be read. {gateway} {ledger}")


def start(incident: Incident) -> None:
    """Give the incident its directory and the journal its first entry, or leave nothing at all."""
    try:
        outputs().mkdir(parents=True, exist_ok=True)
        incident.id = reserve(f"inc-{incident.as_of.strftime('%Y%m%d-%H%M%S')}")
    except OSError as error:
        raise cannot_write(error) from None
    incident.directory = outputs() / incident.id
    try:
        incident.log(
            "opened",
            target=incident.target.name,
            environment=incident.target.environment,
            window=[incident.window.start.isoformat(), incident.window.end.isoformat()],
            symptom=incident.symptom,
        )
    except OSError as error:
        with contextlib.suppress(OSError):  # it is the disk that has trouble; the sentence below says so
            incident.journal.path.unlink(missing_ok=True)
            incident.directory.rmdir()
        raise cannot_write(error) from None
