"""The whole visit: each part in a thread of its own, since a part that hangs must not keep the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from runbook.clock import Window
from runbook.doctor import gateway_room, ledger_room, service_room
from runbook.doctor.examination import Examination, Told, ask, cannot_tell, ok, wrong
from runbook.errors import BadInput, CannotLook, RunbookError
from runbook.facts import Answer
from runbook.incident import clock_of
from runbook.judgement import environment
from runbook.target import Target
from runbook.wires.gateway import GatewayReader
from runbook.wires.ledger import LedgerReader

T = TypeVar("T")
Room = Callable[[Target], Iterator[Examination]]


def examine(target: Target) -> list[Examination]:
    """Every question in a fixed order. Raises nothing: what cannot be read is an answer too."""
    rooms: tuple[tuple[str, Room], ...] = (
        ("gateway", gateway_room.visit),
        ("ledger", ledger_room.visit),
        ("environment", _together),
        ("service", service_room.visit),
        ("messages", service_room.visit_messages),
    )
    with ThreadPoolExecutor(len(rooms)) as pool:
        visits = [pool.submit(_visited, name, room, target) for name, room in rooms]
        return [each for visit in visits for each in visit.result()]


def _visited(name: str, room: Room, target: Target) -> list[Examination]:
    """A room's answers; a room that cannot even be entered, for want of a variable, gives one."""
    found: list[Examination] = []
    try:
        found.extend(room(target))
    except RunbookError as error:
        problem = error

        def look() -> Told:
            raise problem

        found.append(ask(name, f"Can the {name} be examined?", look))
    return found


def _together(target: Target) -> Iterator[Examination]:
    """A gate between gateway and ledger: no plan is made unless they belong to the same environment."""
    yield ask("environment", "Do gateway and ledger belong together?", lambda: _same_environment(target))


def _same_environment(target: Target) -> Told:
    gateway, ledger = GatewayReader(target.gateway), LedgerReader(target.ledger)
    try:
        finding = environment.same_environment(
            settings=target,
            key_mode=gateway.mode,
            account=_read(lambda: gateway.account()["id"]),
            database=_read(lambda: ledger.identity().database),
            sampled=_read(lambda: environment.sample(ledger.ask, gateway.find, _window(target))),
        )
    finally:
        ledger.close()
    if finding.answer is Answer.HOLDS:
        return ok(finding.because)
    if finding.answer is Answer.CANNOT_TELL:
        return cannot_tell(finding.because)
    return wrong(finding.because, "Correct the target file; until then no plan is made.")


def _window(target: Target) -> Window:
    """The one that an incident opened now would look at."""
    now = clock_of(target).now()
    return Window(now - timedelta(hours=target.thresholds.window_hours), now)


def _read(read: Callable[[], T]) -> T | CannotLook:
    try:
        return read()
    except CannotLook as error:
        return error
    except BadInput as error:
        return CannotLook(str(error))  # said in full in the room that it belongs to
