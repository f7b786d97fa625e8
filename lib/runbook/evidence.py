"""Gathering: each function asks one question of one side and returns Evidence, never raising for a side that is away.

Reads only. What a reading is bounded by stands in the evidence's note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from runbook.errors import CannotLook
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import log_lines, payments, questions
from runbook.judgement.log_summary import LogSummary, summarise

# Triage reads at most this many intents, newest first (30 pages): enough for a day of a mid-sized shop within seconds.
# Completeness is reconciliation's work.
TRIAGE_INTENTS_MAX = 3_000
# Pending rows whose intent lies beyond those are asked for one by one, up to this many.
SINGLE_LOOKS_MAX = 40
UNDELIVERED_MAX = 300


def gathered(
    incident: Incident, question: str, source: str, read: Callable[[], Iterable[Row]], by_hand: str, note: str = ""
) -> Evidence:
    """Run `read`; a side that cannot be read leaves evidence that says so."""
    rows = readable(lambda: tuple(read()))
    if isinstance(rows, CannotLook):
        return Evidence(question, source, incident.as_of, by_hand=by_hand, unreadable=str(rows))
    return Evidence(question, source, incident.as_of, rows, by_hand, note=note)


def asked_of_ledger(incident: Incident, name: str, **parameters: Any) -> Evidence:
    """One `.sql` question with the window, the instant and the target's status words as parameters."""
    given = {**ledger_parameters(incident), **parameters}
    text = questions.text(name)
    return gathered(
        incident, questions.asked(name), "ledger", lambda: incident.ledger.ask(text, **given), f"psql: {name}.sql"
    )


def ledger_parameters(incident: Incident) -> dict[str, Any]:
    words = incident.target.ledger.status
    return {
        "start": incident.window.start,
        "end": incident.window.end,
        "before": incident.as_of - timedelta(minutes=incident.target.thresholds.stuck_after_minutes),
        **{status: list(words.get(status, ())) for status in payments.STATUSES},
        "paid": [word for status in payments.PAID for word in words.get(status, ())],
    }


def sides(incident: Incident) -> Evidence:
    """Can each part be reached from here?"""
    return gathered(
        incident, "Can each part be reached from here?", "all", lambda: _sides(incident), "./runbook doctor"
    )


def _sides(incident: Incident) -> Iterable[Row]:
    away = readable(incident.gateway.reachable)
    yield part("gateway", "up" if away is True else "down", "" if away is True else str(away or "no answer"))
    key = readable(incident.gateway.key_check)
    if isinstance(key, CannotLook) or key.accepted is None:
        yield part("our key", "cannot tell", str(key) if isinstance(key, CannotLook) else key.reason)
    else:
        yield part(
            "our key", "accepted" if key.accepted else "rejected", f"{key.kind}, {key.mode} {key.reason}".strip()
        )
    page = incident.gateway.status_page(incident.as_of)
    yield part("status page", page.state, page.detail)
    mapping = readable(incident.ledger.check_mapping)
    yield part("ledger", "down" if isinstance(mapping, CannotLook) else "up", str(mapping or ""))
    health = incident.service.health()
    yield part("service", "up" if health.ok else "down", health.detail)
    found = readable(incident.containers.containers)
    if isinstance(found, CannotLook):
        yield part("containers", "cannot tell", str(found))
        return
    for each in found:
        yield part(f"container {each.service}", each.state, f"image {each.image}, {each.restart_count} restarts")


def part(name: str, state: str, detail: str) -> Row:
    return {"part": name, "state": state, "detail": detail}


def window_intents(incident: Incident, limit: int | None) -> list[Row]:
    """The window's payment intents, newest first: all of them, or the newest `limit`."""
    return incident.once(
        f"intents up to {limit}", lambda: list(islice(incident.gateway.intents(incident.window), limit))
    )


def missing_payments(incident: Incident, complete: bool = False) -> Evidence:
    """Which payments did Stripe take that the ledger has not completed?

    Intent is compared with intent, over every page where `complete`, and only for payments older than the grace: a
    webhook that is seconds old is not late. The ledger is asked by intent id, so that a row beyond the window's edge
    still counts.
    """
    question = "Which payments did Stripe take that the ledger has not completed?"
    limit = None if complete else TRIAGE_INTENTS_MAX
    by_hand = "stripe payment_intents list --limit 100, page by page; then psql: rows_of_intents.sql"
    return gathered(incident, question, "gateway, ledger", lambda: _missing(incident, limit), by_hand,
                    "" if complete else f"of the newest {TRIAGE_INTENTS_MAX:,} payments of the window")  # fmt: skip


def _missing(incident: Incident, limit: int | None) -> list[Row]:
    due = int(incident.as_of.timestamp()) - incident.target.thresholds.grace_seconds
    paid = [
        intent for intent in window_intents(incident, limit) if payments.is_paid(intent) and intent["created"] <= due
    ]
    if limit is not None:
        paid += _older_paid(incident, limit, due)
    ids = [intent["id"] for intent in paid]
    rows = incident.ledger.ask(questions.text("rows_of_intents"), intents=ids) if ids else []
    return payments.missing(paid, rows, incident.target.ledger.status, incident.target.gateway.user_metadata)


def _older_paid(incident: Incident, limit: int, due: int) -> list[Row]:
    """Paid intents of pending rows that lie beyond the newest `limit`, looked at one by one up to a bound."""
    listed = {intent["id"] for intent in window_intents(incident, limit)}
    if len(listed) < limit:
        return []
    rows = incident.ledger.ask(questions.text("pending_rows"), **ledger_parameters(incident))
    beyond = [row["intent_id"] for row in rows if row["intent_id"] and row["intent_id"] not in listed]
    found = (incident.gateway.find(f"/v1/payment_intents/{intent}") for intent in beyond[:SINGLE_LOOKS_MAX])
    return [intent for intent in found if intent and payments.is_paid(intent) and intent["created"] <= due]


def stuck_payments(incident: Incident, missing: Evidence) -> Evidence:
    """Which payments are pending for too long *and* paid? Abandoned checkouts are pending too, and are not stuck."""
    minutes = incident.target.thresholds.stuck_after_minutes
    question = f"Which payments have been pending for more than {minutes} minutes and are paid at Stripe?"
    pending = asked_of_ledger(incident, "pending_rows")
    waiting = {row["row_id"] for row in pending.rows}
    stuck = tuple(row for row in missing.rows if row["row_id"] in waiting)
    unreadable = missing.unreadable or pending.unreadable
    unpaid = len(pending) - len(stuck)
    note = (
        f"{len(pending):,} rows have been pending that long; {unpaid:,} of them are unpaid: abandoned, or in progress"
    )
    if unreadable:
        return Evidence(question, "gateway, ledger", incident.as_of, by_hand=missing.by_hand, unreadable=unreadable)
    return Evidence(question, "gateway, ledger", incident.as_of, stuck, missing.by_hand, note=note)


def rows_without_intent(incident: Incident) -> Evidence:
    return asked_of_ledger(incident, "rows_without_intent")


def failures_by_reason(incident: Incident) -> Evidence:
    return asked_of_ledger(incident, "failures_by_reason")


def mails_not_sent(incident: Incident) -> Evidence:
    grace = timedelta(seconds=incident.target.thresholds.grace_seconds)
    return asked_of_ledger(incident, "mails_not_sent", before=incident.as_of - grace)


def attempts(incident: Incident) -> Evidence:
    """How did customers' attempts to pay end at Stripe?"""
    return gathered(
        incident,
        "How did customers' attempts to pay end at Stripe?",
        "gateway",
        lambda: payments.outcomes(window_intents(incident, TRIAGE_INTENTS_MAX)),
        "stripe payment_intents list --limit 100, page by page",
    )


def undelivered_events(incident: Incident) -> Evidence:
    """Which events does Stripe say it could not deliver? Includes events still on their way."""

    def read() -> list[Row]:
        events = incident.gateway.events(incident.window, delivery_success=False)
        counts: dict[str, list[int]] = {}
        for event in islice(events, UNDELIVERED_MAX):
            counts.setdefault(event["type"], []).append(event["created"])
        return [
            {"type": kind, "events": len(times), "first_at": min(times), "last_at": max(times)}
            for kind, times in sorted(counts.items())
        ]

    return gathered(incident, "Which events could Stripe not deliver?", "gateway", read,
                    "stripe events list --delivery-success=false", f"at most {UNDELIVERED_MAX} events")  # fmt: skip


def endpoints(incident: Incident) -> Evidence:
    """Where is Stripe asked to send events?"""

    def read() -> list[Row]:
        return [
            {
                "endpoint": each["id"],
                "at": "our URL" if each["url"] == incident.target.service.webhook_url else each["url"],
                "status": each["status"],
                "events": tuple(each["enabled_events"]),
            }
            for each in incident.gateway.webhook_endpoints()
        ]

    return gathered(incident, "Where is Stripe asked to send events?", "gateway", read, "stripe webhook_endpoints list")


def configured_keys(incident: Incident) -> Evidence:
    """With which Stripe keys does the service run? Kind and mode only; the value stays in the container."""

    def read() -> list[Row]:
        found = incident.containers.environment()
        return [
            {"variable": name, **payments.describe_key(value)}
            for name, value in sorted(found.items())
            if payments.describe_key(value)["kind"]
        ]

    by_hand = "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' CONTAINER | cut -d= -f1"
    return gathered(incident, "With which Stripe keys does the service run?", "containers", read, by_hand)


def log_summary(incident: Incident) -> tuple[LogSummary, Evidence]:
    """The service's logs of the window in one pass, and the classes of errors in them as evidence."""
    question = "Which errors do the service's logs name?"
    names = " ".join(incident.target.service.names)
    by_hand = f"docker service logs --since {incident.window.start.isoformat()} {names} 2>&1"
    summary = readable(lambda: incident.once("logs", lambda: _read_logs(incident)))
    if isinstance(summary, CannotLook):
        return LogSummary(), Evidence(question, "logs", incident.as_of, by_hand=by_hand, unreadable=str(summary))
    rows = tuple(log_rows(summary))
    return summary, Evidence(question, "logs", incident.as_of, rows, by_hand, note=f"{summary.entries:,} entries read")


def _read_logs(incident: Incident) -> LogSummary:
    service = incident.target.service
    lines = incident.containers.logs(incident.window, service.log_lines_max)
    summary = summarise(log_lines.entries(lines, service.log_format), service.paths.payments)
    summary.cut = lines.cut
    return summary


def log_rows(summary: LogSummary) -> Iterable[Row]:
    for name, seen in sorted(summary.classes.items(), key=lambda item: (-item[1].lines, item[0])):
        yield {
            "error": name,
            "lines": seen.lines,
            "first_at": seen.first,
            "last_at": seen.last,
            "example": seen.example,
        }


def known_users(incident: Incident, users: Iterable[str]) -> Mapping[str, str | None]:
    """Users that the service still knows → their customer id at the gateway. Empty where the target maps no users."""
    if incident.target.ledger.users is None:
        return {}
    rows = incident.ledger.ask(questions.text("known_users"), users=sorted(set(users)))
    return {row["user_id"]: row["customer"] for row in rows}


def handled_events(incident: Incident, events: Iterable[str]) -> frozenset[str]:
    """Events that the service notes as handled; it would skip their redelivery."""
    if incident.target.ledger.events is None:
        return frozenset()
    rows = incident.ledger.ask(questions.text("handled_events"), events=sorted(set(events)))
    return frozenset(row["event_id"] for row in rows)
