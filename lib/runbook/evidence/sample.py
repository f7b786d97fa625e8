"""The window's payment intents as triage reads them: all of a moderate window, a bounded sample of a larger one.

Completeness is reconciliation's work; what bounds a sample is said with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from runbook.errors import CannotLook
from runbook.evidence.gathering import asked_of_ledger, ledger_parameters
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import payments, questions, slices
from runbook.judgement.slices import Slice

T = TypeVar("T")

# Stripe's lists are read by so many at a time; the rate stays that of the target file.
READERS = 4
# Of a larger window: the newest successes that Stripe could not deliver, and pending rows spread over what the sample
# leaves out, each looked up by its intent.
UNDELIVERED_MAX, LOOKED_UP_MAX = 300, 24


@dataclass(frozen=True)
class Sample:
    """`whole`: every intent of the window is among `intents`. `extra`: paid intents that were sought out beside the
    sample because something spoke for their being lost; they say nothing of shares."""

    intents: tuple[Row, ...]
    whole: bool
    extra: tuple[Row, ...] = ()
    note: str = ""


def arrivals(incident: Incident) -> Evidence:
    """How many checkouts the ledger gained, ten minutes at a time."""
    found = incident.once("arrivals", lambda: asked_of_ledger(incident, "arrivals"))
    assert isinstance(found, Evidence)
    return found


def sample(incident: Incident) -> Sample:
    """The intents of this incident's window, read once. Raises CannotLook."""
    return incident.once("sample of intents", lambda: _read(incident))


def _read(incident: Incident) -> Sample:
    start, end = incident.window.epochs
    pieces = slices.slices(arrivals(incident).rows, start, end)
    read = together(lambda piece: _intents(incident, piece), pieces)
    intents = tuple(intent for some in read for intent in some)
    if not any(len(some) >= piece.limit for some, piece in zip(read, pieces, strict=True)):
        return Sample(intents, whole=True, note=f"all {len(intents):,} payment intents of the window")
    extra, sought = _sought_out(incident, {intent["id"] for intent in intents})
    note = (
        f"at least: of the newest payments of the window, {slices.PAGES} pages from the rest of it, {sought}; "
        f"{len(intents):,} payment intents in all. Reconciliation reads every one"
    )
    return Sample(intents, whole=False, extra=extra, note=note)


def _intents(incident: Incident, piece: Slice) -> list[Row]:
    asked = {"created": {"gte": piece.start, "lt": piece.end}}
    return list(islice(incident.gateway.every("/v1/payment_intents", asked), piece.limit))


def _sought_out(incident: Incident, known: set[str]) -> tuple[tuple[Row, ...], str]:
    """Paid intents outside the sample: of successes that Stripe could not deliver, and of rows that are pending."""
    events = incident.gateway.events(incident.window, ("payment_intent.succeeded",), delivery_success=False)
    told = {event["data"]["object"]["id"]: event["data"]["object"] for event in islice(events, UNDELIVERED_MAX)}
    pending = readable(lambda: incident.ledger.ask(questions.text("pending_rows"), **ledger_parameters(incident)))
    rows = [] if isinstance(pending, CannotLook) else pending
    open_rows = [row["intent_id"] for row in rows if row["intent_id"] and row["intent_id"] not in known | set(told)]
    chosen = open_rows[:: max(1, -(-len(open_rows) // LOOKED_UP_MAX))]
    found = together(lambda intent: incident.gateway.find(f"/v1/payment_intents/{intent}"), chosen)
    told |= {intent["id"]: intent for intent in found if intent}
    sought = f"{min(len(told), UNDELIVERED_MAX):,} that could not be delivered or are pending"
    extra = tuple(intent for name, intent in told.items() if name not in known and payments.is_paid(intent))
    return extra, sought if rows or told else "nothing sought out beside them"


def together(read: Callable[[T], Row | list[Row] | None], of: Iterable[T]) -> list:  # type: ignore[type-arg]
    """Several reads at a time, their answers in the order of the questions."""
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(read, of))
