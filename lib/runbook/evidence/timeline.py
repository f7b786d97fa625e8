"""One payment or one person, on both sides: whatever id or address a customer can name leads to what happened.

Reads only, and bounded: a person's newest payments, each with a handful of questions. What could not be read is said
beside what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence.named import Named, Searched, asked, search
from runbook.evidence.webhooks import handled_events
from runbook.facts import Row
from runbook.incident import Incident
from runbook.judgement import customer, payments
from runbook.judgement.customer import Verdict
from runbook.judgement.customer_payment import Payment, Rules
from runbook.judgement.moments import Moment, timeline

T = TypeVar("T")

# A screen of payments; who has more is shown the newest, and told so.
PAYMENTS_MAX = 8
# Stripe notes an event in the second in which its cause happens; the rest is for a slow one.
EVENT_SECONDS = 60
EVENTS_READ_MAX = 300
SUCCEEDED, FAILED, CANCELED = "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"
REFUNDED, DISPUTED = "charge.refunded", "charge.dispute.created"


@dataclass(frozen=True)
class Story:
    """One payment: what is true of it, and everything that led there."""

    payment: Payment
    verdict: Verdict
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Answered:
    """What was asked, what was searched for it, and the story of each payment that it led to, newest first."""

    word: str
    as_of: datetime
    stories: tuple[Story, ...]
    searched: tuple[Searched, ...]
    left_out: int = 0  # older payments that are not shown

    @property
    def blind(self) -> tuple[str, ...]:
        """Why something could not be looked at, each reason once."""
        told = [each.unreadable for each in self.searched if each.unreadable]
        for story in self.stories:
            told += [each for each in (story.payment.gateway_away, story.payment.ledger_away) if each]
        return tuple(dict.fromkeys(told))

    @property
    def exit_code(self) -> int:
        """1 something of ours is wrong, 2 nobody can say (a side is away, or nothing was found), 0 nothing is wrong."""
        tones = {story.verdict.tone for story in self.stories}
        if "bad" in tones:
            return 1
        return 2 if "unsure" in tones or self.blind or not self.stories else 0


def answer(incident: Incident, word: str) -> Answered:
    """The payments that an id or an address leads to, each judged. Raises BadInput for a word that can be neither."""
    found = search(incident, word)
    rules = Rules(
        incident.target.ledger.status, int(incident.as_of.timestamp()), incident.target.thresholds.grace_seconds
    )
    gathered = [gather(incident, each) for each in found.payments[:PAYMENTS_MAX]]
    stories = [
        Story(payment, customer.judge(payment, rules), timeline(payment)) for payment in with_twins(gathered)
    ]
    left_out = max(0, len(found.payments) - PAYMENTS_MAX)
    return Answered(found.word, incident.as_of, tuple(stories), found.searched, left_out)


def with_twins(gathered: Sequence[Payment]) -> list[Payment]:
    """Each payment with the others of its order that took money and kept it."""
    kept = [each for each in gathered if each.order and each.kept]
    return [
        replace(one, twins=tuple(each.intent_id for each in kept if each.order == one.order and each is not one))
        for one in gathered
    ]


@dataclass
class Looking:
    """Reads for one payment; the first failure of a side is kept, and that side is not asked again."""

    incident: Incident
    away: dict[str, str] = field(default_factory=dict)

    def at(self, side: str, read: Callable[[], T], otherwise: T) -> T:
        if side in self.away:
            return otherwise
        try:
            return read()
        except CannotLook as error:
            self.away[side] = str(error)
            return otherwise

    def listed(self, path: str, **params: str) -> tuple[Row, ...]:
        """Everything in a list of the gateway, oldest first."""
        return self.at("gateway", lambda: tuple(self.incident.gateway.every(path, params))[::-1], ())


def gather(incident: Incident, named: Named) -> Payment:
    """Both sides of one payment."""
    looking = Looking(incident)
    id = named.intent_id
    intent, charges, refunds, disputes, events = None, (), (), (), ()
    if id:
        intent = looking.at("gateway", lambda: incident.gateway.find(f"/v1/payment_intents/{id}"), None)
    if intent:
        charges = looking.listed("/v1/charges", payment_intent=id)
    if intent and payments.is_paid(intent):
        refunds = looking.listed("/v1/refunds", payment_intent=id)
        disputes = looking.listed("/v1/disputes", payment_intent=id)
    if intent:
        events = looking.at("gateway", lambda: events_of(incident, intent, charges, refunds, disputes), ())
    question, of = ("rows_in_full", {"intents": [id]}) if id else ("rows_by_id", {"rows": [named.row_id]})
    rows = looking.at("ledger", lambda: tuple(asked(incident, question, **of)), ())
    handled = None
    if incident.target.ledger.events is not None:
        handled = looking.at("ledger", lambda: handled_events(incident, [each["id"] for each in events]), None)
    return Payment(
        intent_id=id, intent=intent, charges=charges, refunds=refunds, disputes=disputes, events=events,
        handled=handled, rows=rows, gateway_away=looking.away.get("gateway", ""),
        ledger_away=looking.away.get("ledger", ""),
    )  # fmt: skip


def events_of(
    incident: Incident, intent: Row, charges: Iterable[Row], refunds: Iterable[Row], disputes: Iterable[Row]
) -> tuple[Row, ...]:
    """The events that told of this payment, as far back as Stripe keeps them. There is no list by payment, so each is
    looked for in the seconds after its cause."""
    causes = [(SUCCEEDED if each["status"] == "succeeded" else FAILED, each["created"], intent["id"])
              for each in charges if each["status"] != "pending"]  # fmt: skip
    if intent.get("canceled_at"):
        causes.append((CANCELED, intent["canceled_at"], intent["id"]))
    causes += [(REFUNDED, each["created"], each["charge"]) for each in refunds]
    causes += [(DISPUTED, each["created"], each["id"]) for each in disputes]
    oldest = (incident.as_of - timedelta(days=incident.target.thresholds.redelivery_days)).timestamp()
    found: dict[str, Row] = {}
    for type_, created, object_id in causes:
        if created <= oldest:
            continue
        since = datetime.fromtimestamp(created, UTC)
        window = Window(since, since + timedelta(seconds=EVENT_SECONDS))
        for event in islice(incident.gateway.events(window, types=(type_,)), EVENTS_READ_MAX):
            if event["data"]["object"]["id"] == object_id:
                found[event["id"]] = event
    return tuple(sorted(found.values(), key=lambda event: event["created"]))
