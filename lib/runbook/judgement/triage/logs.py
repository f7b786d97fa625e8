"""One way to ask the logs for a kind of error, with what makes an absence worth believing."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.facts import Answer, Evidence, Finding, Row, cannot_tell
from runbook.judgement.log_summary import LogSummary

# Every day a call or two is refused for its content or its rate; a few in an hour among hundreds are no incident.
STRAY_MAX, CALLS_PER_STRAY = 3, 100
CAUSE_OF_CLASSES: dict[str, tuple[str, ...]] = {
    "invalid_api_key": ("authentication_error",),
    "webhook_signature": ("webhook_signature",),
    "rate_limited": ("rate_limit_error",),
    "invalid_requests": ("invalid_request_error", "idempotency_error", "lock_timeout"),
    "webhook_handler_error": ("webhook_handler_error",),
    "test_key_in_production": ("object_of_other_mode",),
    "gateway_outage": ("api_connection_error", "api_error"),
    "database_unavailable": ("database_connection", "database_pool"),
    "database_rollback": (
        "database_unique_violation",
        "database_foreign_key_violation",
        "database_timeout",
        "database_connection",
        "database_pool",
        "database_other",
        "process_crash",
    ),
}


def absent_from_logs(
    logs: LogSummary, log: Evidence, cause: str, classes: Sequence[str], what: str, stray: bool = False
) -> Finding:
    """Do the service's logs name this kind of error? `stray`: a few among many calls that went well are none.

    Logs that are empty, or were not read to their beginning, cannot show that something is absent.
    """
    statement = f"The logs show no {what}."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.entries:
        return Finding(statement, Answer.CANNOT_TELL, "the logs of the window are empty", evidence=(log,))
    lines = logs.lines(*classes)
    few = logs.densest_hour(*classes) <= STRAY_MAX and logs.outbound_ok >= CALLS_PER_STRAY * lines
    if stray and lines and few:
        because = f"{lines} beside {logs.outbound_ok:,} calls that went well, {logs.show_last(*classes)}"
        return Finding(statement, Answer.HOLDS, f"but for a stray few: {because}", clears=(cause,), evidence=(log,))
    if lines:
        because = f"{counted(logs, classes)}; {logs.show_last(*classes)}"
        return Finding(
            statement, Answer.DOES_NOT_HOLD, because, implicates=(cause,), evidence=(log,), weight=lines,
            span=logs.span(*classes),
        )  # fmt: skip
    if logs.cut:
        because = f"none among the newest {logs.entries:,} entries; the older ones were not read"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log,))
    return Finding(statement, Answer.HOLDS, f"0 of {logs.entries:,} entries", clears=(cause,), evidence=(log,))


def counted(logs: LogSummary, classes: Sequence[str]) -> str:
    return ", ".join(f"{name} {logs.classes[name].lines:,}×" for name in classes if name in logs.classes)


def states(sides: Evidence) -> dict[str, str]:
    return {row["part"]: row["state"] for row in sides.rows}


def named(rows: Sequence[Row], key: str, value: str) -> list[Row]:
    return [row for row in rows if row[key] == value]
