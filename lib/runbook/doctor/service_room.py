"""Questions to the payments service, to the engine that runs it, and to the mail host."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from runbook.clock import Window
from runbook.doctor.examination import Examination, Told, ask, cannot_tell, now, ok, wrong
from runbook.judgement import log_lines
from runbook.target import Target
from runbook.wires import mail_host
from runbook.wires.containers import ContainerReader
from runbook.wires.service import ServiceReader

LOOK_BACK = timedelta(hours=1)
SAMPLE_LINES = 500


def visit(target: Target) -> Iterator[Examination]:
    service, containers = ServiceReader(target.service), ContainerReader(target.service)
    look = partial(ask, "service")
    try:
        yield look("Is it healthy?", lambda: health(service))
        yield look("Are its containers found?", lambda: found(containers))
        yield look("Can its logs be read?", lambda: logs(containers, target))
    finally:
        containers.close()


def visit_messages(target: Target) -> Iterator[Examination]:
    yield ask("messages", "Does the mail host answer?", lambda: mail(target))


def health(service: ServiceReader) -> Told:
    answer = service.health()
    if answer.status == 0:
        return cannot_tell(answer.detail)
    if not answer.ok:
        return wrong(f"it answers {answer.status}: {answer.detail}", "Look at the service before anything else.")
    return ok(f"{answer.status} in {answer.milliseconds} ms")


def found(containers: ContainerReader) -> Told:
    there = containers.containers()
    shown = ", ".join(f"{each.name} ({each.state})" for each in there[:5])
    if not any(each.state == "running" for each in there):
        return wrong(f"none runs: {shown}", "Start the service through its deployment.")
    restarts = sum(each.restart_count for each in there)
    return ok(shown + (f"; {restarts} restarts" if restarts else ""))


def logs(containers: ContainerReader, target: Target) -> Told:
    until = now(target)
    lines = containers.logs(Window(until - LOOK_BACK, until), SAMPLE_LINES)
    if not len(lines):
        return cannot_tell(
            "there is no line of the last hour", "Pay once, or check that the service logs to its console."
        )
    entries = list(log_lines.entries(lines, target.service.log_format))
    requests = sum(log_lines.request(each) is not None for each in entries)
    structured = sum(bool(each.level) for each in entries)
    if structured * 2 < len(entries):
        return wrong(
            f"only {structured} of {len(entries)} entries name a level",
            "Set `service.log_format` to auto, or to the format that the service writes.",
        )
    return ok(f"{len(entries)} entries of the last hour, {requests} of them requests")


def mail(target: Target) -> Told:
    if not target.messages.smtp_host:
        return ok("the target names none: no mail is sent from here")
    return ok(mail_host.greets(target.messages))
