"""The health of payments over the last hour, day and week. Reads only.

The ledger answers for the whole week exactly, by counting. Stripe's lists are read newest first up to a bound; where a
period was not read to its beginning the row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from runbook import clock
from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence import recent
from runbook.evidence.gathering import gathered
from runbook.facts import Alarms, Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import checks, health, payments, questions

# A hundred pages: a week of a mid-sized shop within ten seconds, at the rate that leaves the checkout its own.
OBJECTS_MAX = 10_000


@dataclass(frozen=True)
class Bounded:
    """Objects newest first, and the instant to which they were read back; 0 when all of the week was."""

    rows: tuple[Row, ...]
    back_to: int


def week(incident: Incident) -> Window:
    """The week that ends now, in whole seconds; what this very second brings is next time's."""
    now = incident.clock.now().replace(microsecond=0)
    return Window(now - timedelta(hours=health.HOURS_MAX), now)


def success(incident: Incident) -> Evidence:
    """Which share of payments went through?"""
    return of_hours(incident, "Which share of payments went through?", health.success)


def success_by_day(incident: Incident) -> Evidence:
    return of_hours(incident, "Which share went through, day by day?",
                    lambda hours: health.pieces(hours, 168, 24, week(incident).epochs[1]))  # fmt: skip


def success_by_hours(incident: Incident) -> Evidence:
    return of_hours(incident, "Which share went through in the last day, three hours by three?",
                    lambda hours: health.pieces(hours, 24, 3, week(incident).epochs[1]))  # fmt: skip


def of_hours(incident: Incident, question: str, judge: Callable[[list[dict[str, int]]], list[Row]]) -> Evidence:
    """A question that the counted hours answer."""

    def read() -> list[Row]:
        until, words = week(incident).epochs[1], incident.target.ledger.status
        return judge(health.by_hour(counted(incident), missing(incident), words, until))

    found = gathered(
        incident, question, "ledger, gateway", read, "psql: ends_by_hour.sql; then stripe payment_intents list"
    )
    return replace(found, note=bound(incident, "intents"))


def counted(incident: Incident) -> list[Row]:
    """The ledger's week, counted by hour, status and reason."""
    window = week(incident)

    def read() -> list[Row]:
        text = questions.text("ends_by_hour")
        return incident.ledger.ask(text, start=window.start, end=window.end, until=window.epochs[1])

    return incident.once("health: counted", read)


def missing(incident: Incident) -> list[Row]:
    """What Stripe took in the week, as far back as was read, and the ledger does not record."""

    def read() -> list[Row]:
        due = incident.clock.now().timestamp() - incident.target.thresholds.grace_seconds
        paid = [each for each in intents(incident).rows if payments.is_paid(each) and checks.paid_at(each) <= due]
        ids = [each["id"] for each in paid]
        rows = incident.ledger.ask(questions.text("rows_of_intents"), intents=ids) if ids else []
        target = incident.target
        return payments.missing(paid, rows, target.ledger.status, target.gateway.user_metadata)

    return incident.once("health: missing", read)


def intents(incident: Incident) -> Bounded:
    first, last = week(incident).epochs
    asked: dict[str, Any] = {"created": {"gte": first, "lt": last}, "expand": ["data.latest_charge"]}
    return bounded(incident, "intents", lambda: incident.gateway.every("/v1/payment_intents", asked))


def events(incident: Incident) -> Bounded:
    window = week(incident)
    return bounded(incident, "events", lambda: incident.gateway.events(window, types=(recent.SUCCEEDED,)))


def bounded(incident: Incident, name: str, read: Callable[[], Any]) -> Bounded:
    """The newest objects of a list, and how far back they reach."""

    def first() -> Bounded:
        rows = tuple(islice(read(), OBJECTS_MAX + 1))
        if len(rows) <= OBJECTS_MAX:
            return Bounded(rows, 0)
        return Bounded(rows[:OBJECTS_MAX], rows[OBJECTS_MAX - 1]["created"])

    return incident.once(f"health: {name}", first)


def bound(incident: Incident, name: str) -> str:
    """What a list of Stripe's was bounded by, once it was read."""
    found = incident.notes.get(f"health: {name}")
    most = f"of Stripe's {name} at most the newest {OBJECTS_MAX:,} are read"
    if found is None or not found.back_to:
        return f"{most}; the ledger's numbers are whole"
    reached = clock.show(datetime.fromtimestamp(found.back_to, UTC))
    return f"{most}, here back to {reached}; the ledger's numbers are whole"


def deliveries(incident: Incident) -> Evidence:
    """Which share of Stripe's events was delivered?"""

    def read() -> list[Row]:
        now, grace = incident.clock.now().timestamp(), incident.target.thresholds.grace_seconds
        found = events(incident)
        open_ = [each["data"]["object"]["id"] for each in found.rows if each["pending_webhooks"]]
        resolved = recent.recorded(incident, open_)
        states = [
            {"created_at": each["created"], "state": checks.delivery_of(each, resolved, now, grace)}
            for each in found.rows
        ]
        return health.deliveries(states, week(incident).epochs[1], found.back_to)

    return gathered(incident, "Which share of Stripe's events was delivered?", "gateway, ledger", read,
                    f"stripe events list --type {recent.SUCCEEDED}, page by page")  # fmt: skip


def confirmation_times(incident: Incident) -> Evidence:
    """How long did customers wait from payment to confirmation?"""
    column = incident.target.ledger.columns.confirmation_sent_at
    note = (
        "from Stripe's event, which is timed to the second, to the mail" if column
        else "the ledger maps no column for the mail: to the row's last change instead, which a refund moves"
    )  # fmt: skip
    return gathered(incident, "How long did customers wait from payment to confirmation?", "gateway, ledger",
                    lambda: health.waits(waits(incident), week(incident).epochs[1], events(incident).back_to),
                    "stripe events list beside psql: confirmed_at.sql", note)  # fmt: skip


def waits(incident: Incident) -> list[Row]:
    """Each confirmed payment with how long its owner waited, in seconds."""

    def read() -> list[Row]:
        paid = {each["data"]["object"]["id"]: each["created"] for each in events(incident).rows}
        words = incident.target.ledger.status
        column = "confirmed" if incident.target.ledger.columns.confirmation_sent_at else "updated"
        rows = incident.ledger.ask(questions.text("confirmed_at"), intents=sorted(paid),
                                   completed=list(words["completed"])) if paid else []  # fmt: skip
        return [
            {"paid_at": paid[row["intent_id"]], "waited": max(0.0, row[column] - paid[row["intent_id"]])}
            for row in rows
            if row[column] is not None
        ]

    return incident.once("health: waits", read)


def seconds_waited(incident: Incident) -> list[float]:
    """How long each customer of the week waited, for the picture; none where it could not be read."""
    found = readable(lambda: waits(incident))
    return [] if isinstance(found, CannotLook) else [row["waited"] for row in found]


def failure_reasons(incident: Incident) -> Evidence:
    """Why did payments fail?"""
    words = incident.target.ledger.status
    note = "" if incident.target.ledger.columns.failure_reason else "the ledger maps no column for a reason"
    return gathered(incident, "Why did payments fail?", "ledger",
                    lambda: health.reasons(counted(incident), words), "psql: ends_by_hour.sql", note)  # fmt: skip


def stuck(incident: Incident) -> Evidence:
    """Which payments are stuck: pending here for too long, and paid at Stripe?"""
    settings = incident.target
    minutes, pending = settings.thresholds.stuck_after_minutes, settings.ledger.status["pending"]

    def read() -> Iterable[Row]:
        before = incident.clock.now().timestamp() - minutes * 60
        for row in missing(incident):
            if row["ledger"] in pending and row["created_at"] <= before:
                yield {name: row[name] for name in ("intent_id", "amount_minor", "currency", "created_at")}

    question = f"Which payments have been pending for more than {minutes} minutes, and are paid at Stripe?"
    by_hand = "stripe payment_intents list beside psql: rows_of_intents.sql"
    return replace(gathered(incident, question, "gateway, ledger", read, by_hand), note=bound(incident, "intents"))


def stuck_by_age(incident: Incident, found: Evidence) -> Evidence:
    """How long have they waited?"""
    rows = tuple(health.ages(found.rows, week(incident).epochs[1])) if found.readable else ()
    return Evidence("How long have the stuck ones waited?", found.source, incident.as_of, rows,
                    unreadable=found.unreadable)  # fmt: skip


def alarms(incident: Incident, successes: Evidence, delivered: Evidence, waiting: Evidence) -> Alarms:
    """What of this should wake somebody? Noted in the journal, so that the record of a scheduled run can say it."""
    percent = incident.target.thresholds.success_rate_percent
    found = Alarms(health.alarms(successes, delivered, waiting, percent))
    noted = [{"statement": each.statement, "answer": each.answer.value, "because": each.because}
             for each in found.findings]  # fmt: skip
    incident.log("health", findings=noted)
    return found
