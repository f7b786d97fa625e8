"""How long it took: detect, mitigate, recover. Pure; the instants are the journal's, and the logs' for the beginning.

| stage    | from                          | to                                                             |
|----------|-------------------------------|----------------------------------------------------------------|
| detect   | the fault began               | the incident was opened                                        |
| mitigate | the incident was opened       | the first step of a repair was applied                         |
| recover  | that first step               | all checks held, and still held when they were last looked at  |
| total    | the fault began               | as above                                                       |

The fault began with the first error of its kind in the logs, or with the first payment that it broke, whichever comes
first; an error long before any broken payment was another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runbook.facts import Row

DATABASE = ("database_unique_violation", "database_foreign_key_violation", "database_timeout", "database_connection",
            "database_other", "process_crash")  # fmt: skip
# The classes of errors in which each cause shows itself.
SHOWN_AS: Mapping[str, tuple[str, ...]] = {
    "invalid_api_key": ("authentication_error",),
    "webhook_signature": ("webhook_signature",),
    "database_rollback": DATABASE,
    "rate_limited": ("rate_limit_error",),
    "gateway_outage": ("api_connection_error", "api_error"),
    "invalid_requests": ("invalid_request_error", "idempotency_error"),
    "webhook_handler_error": ("webhook_handler_error",),
    "database_unavailable": ("database_connection", "database_timeout"),
}
# A cause is seen in the logs before it has broken a payment, and seldom much longer: retries hide it for a while.
AHEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Marks:
    """The instants that the stages lie between; None where one has not come, or cannot be told."""

    began: datetime | None
    opened: datetime
    mitigated: datetime | None = None
    recovered: datetime | None = None


def began(first_errors: Mapping[str, datetime], first_payment: datetime | None, causes: Sequence[str]) -> tuple[
    datetime | None, str
]:  # fmt: skip
    """When the fault began, and by what that is told."""
    classes = [name for cause in causes for name in SHOWN_AS.get(cause, ())]
    seen = {name: first_errors[name] for name in classes if name in first_errors}
    name, first = min(seen.items(), key=lambda item: item[1], default=("", None))
    if first_payment is None:
        return first, f"the first {name} in the logs" if first else "neither logs nor payments tell"
    if first is None or first > first_payment or first < first_payment - AHEAD:
        return first_payment, "the first payment that it broke"
    return first, f"the first {name} in the logs"


def stages(marks: Marks) -> list[Row]:
    """Each stage with its minutes; one that has not come to its end says so."""
    named = (
        ("detect", "fault began", marks.began, "incident opened", marks.opened),
        ("mitigate", "incident opened", marks.opened, "first step applied", marks.mitigated),
        ("recover", "first step applied", marks.mitigated, "checks hold", marks.recovered),
        ("total", "fault began", marks.began, "checks hold", marks.recovered),
    )
    return [
        {"stage": stage, "from": from_, "from_at": start, "to": to, "to_at": end, "took": took(start, end)}
        for stage, from_, start, to, end in named
    ]


def took(start: datetime | None, end: datetime | None) -> str:
    if end is None:
        return "not yet"
    if start is None:
        return "cannot tell: its beginning is not known"
    seconds = max(0, int((end - start).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
