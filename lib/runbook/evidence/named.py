"""What an id or an address names: payments of either side. One that no side knows by name is looked for among the
window's payments, whose metadata may hold it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from runbook.errors import BadInput, CannotLook
from runbook.facts import Row
from runbook.incident import Incident, told
from runbook.judgement import questions

# How an object of the gateway leads to its payment. Only what looks like such an id ever becomes part of a path.
STRIPE_ID = re.compile(r"(?:pi|ch|py|re|pyr|dp|du|evt|cus)_[A-Za-z0-9]+")
KINDS = {
    "pi": "payment_intents", "ch": "charges", "py": "charges", "re": "refunds", "pyr": "refunds", "dp": "disputes",
    "du": "disputes", "evt": "events", "cus": "customers",
}  # fmt: skip
# What a browser shows of a payment is its client secret; the payment's id stands before it.
CLIENT_SECRET = re.compile(r"(pi_[A-Za-z0-9]+)_secret_\w*")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
WORD_MAX = 254  # the longest address there can be; no id is longer
# A person's payments, newest first, of which a screen's worth is shown; and how far back the last look goes.
OF_A_PERSON_MAX, SCANNED_MAX = 100, 3_000


@dataclass(frozen=True)
class Named:
    """A payment by its intent, or by its row where that names none. `at` is when it began (epoch seconds)."""

    intent_id: str
    row_id: str = ""
    at: int = 0


@dataclass(frozen=True)
class Searched:
    """One place that was looked in, and how much was found; or why it could not be looked in."""

    place: str
    found: int = 0
    unreadable: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.unreadable or self.found}"


@dataclass
class Search:
    """The places that were looked in so far, and what they named."""

    incident: Incident
    word: str
    payments: list[Named] = field(default_factory=list)
    searched: tuple[Searched, ...] = ()

    def at(self, place: str, read: Callable[[], Iterable[Row] | None]) -> list[Row]:
        """Look in one place and note it."""
        try:
            rows = list(read() or ())
        except CannotLook as error:
            self.searched += (Searched(place, unreadable=str(error)),)
            return []
        self.searched += (Searched(place, len(rows)),)
        return rows

    def ask(self, place: str, question: str, **parameters: object) -> list[Row]:
        return self.at(place, lambda: asked(self.incident, question, **parameters))

    def name(self, *payments: Named) -> None:
        """Note payments, each once."""
        known = {(each.intent_id, "" if each.intent_id else each.row_id) for each in self.payments}
        for each in payments:
            key = (each.intent_id, "" if each.intent_id else each.row_id)
            if key not in known:
                known.add(key)
                self.payments.append(each)


def asked(incident: Incident, question: str, **parameters: object) -> list[Row]:
    """Rows of the ledger; one that did not let us in at the beginning is not waited for again. Raises CannotLook."""
    told(incident.database)
    return incident.ledger.ask(questions.text(question), **parameters)


def search(incident: Incident, given: str) -> Search:
    """Everything that `given` names, newest payment first. Raises BadInput for what is neither id nor address."""
    found = Search(incident, cleaned(given))
    if "@" in found.word:
        by_person(found, emails={found.word, found.word.lower()})
    elif STRIPE_ID.fullmatch(found.word):
        by_object(found)
    if "@" not in found.word:
        by_row(found)
    by_order(found)
    if not found.payments and not STRIPE_ID.fullmatch(found.word):
        by_metadata(found)
    found.payments.sort(key=lambda each: each.at, reverse=True)
    return found


def cleaned(given: str) -> str:
    word = given.strip()
    if shown := CLIENT_SECRET.fullmatch(word):
        word = shown[1]
    if not word or len(word) > WORD_MAX or not word.isprintable():
        raise BadInput("An id or an address is needed: pi_…, ch_…, evt_…, cus_…, an order, a row, a user or an e-mail.")
    if "@" in word and not ADDRESS.fullmatch(word):
        raise BadInput("This is no e-mail address: it needs a name, an @ and a host, and no space. Correct it.")
    return word


def by_object(found: Search) -> None:
    """From an object of the gateway to its payment, or to all payments of a customer."""
    kind = KINDS[found.word.partition("_")[0]]
    place = f"Stripe's {kind.replace('_', ' ')} by id"
    rows = found.at(place, lambda: some(found.incident.gateway.find(f"/v1/{kind}/{found.word}")))
    for row in rows:
        if kind == "customers":
            by_person(found, customers={row["id"]})
        elif intent := intent_of(row):
            found.name(Named(intent, at=row["created"]))
    if kind == "payment_intents" and found.searched[-1].unreadable:
        found.name(Named(found.word))  # the ledger may know it, and the story says what could not be read


def some(row: Row | None) -> list[Row]:
    return [row] if row else []


def intent_of(row: Row) -> str:
    """The payment that an object is about."""
    if row["object"] == "event":
        row = row["data"]["object"]
    return row["id"] if row.get("object") == "payment_intent" else row.get("payment_intent") or ""


def by_person(
    found: Search, emails: Iterable[str] = (), users: Iterable[str] = (), customers: Iterable[str] = ()
) -> None:
    """A person's payments: the ledger's user and the gateway's customer may each know what the other does not."""
    people = [] if found.incident.target.ledger.users is None else found.ask(
        "the ledger's users", "people_named", emails=sorted({each.lower() for each in emails}), users=sorted(users),
        customers=sorted(customers),
    )  # fmt: skip
    known = set(customers) | {row["customer"] for row in people if row["customer"]}
    if emails:
        rows = found.at("Stripe's customers by address", lambda: at_addresses(found, emails))
        known |= {row["id"] for row in rows}
    for customer in sorted(known):
        rows = found.at(
            f"Stripe's payments of {customer}", lambda of=customer: newest(found, "payment_intents", customer=of)
        )
        found.name(*(Named(row["id"], at=row["created"]) for row in rows))
    ids = sorted({row["user_id"] for row in people} | set(users))
    if ids:
        rows = found.ask("the ledger's rows of the user", "rows_named", word="", users=ids, most=OF_A_PERSON_MAX)
        found.name(*(Named(row["intent_id"] or "", row["row_id"], row["created_at"]) for row in rows))


def at_addresses(found: Search, emails: Iterable[str]) -> list[Row]:
    """The gateway compares addresses letter by letter."""
    return [row for email in sorted(emails) for row in newest(found, "customers", email=email)]


def newest(found: Search, kind: str, **params: str) -> list[Row]:
    return list(islice(found.incident.gateway.every(f"/v1/{kind}", params), OF_A_PERSON_MAX))


def by_row(found: Search) -> None:
    """The ledger's own ids: a row, an order, a user, or the intent that a row names."""
    rows = found.ask("the ledger's rows by id, order and user", "rows_named", word=found.word, users=[found.word],
                     most=OF_A_PERSON_MAX)  # fmt: skip
    found.name(*(Named(row["intent_id"] or "", row["row_id"], row["created_at"]) for row in rows))
    if not found.payments and not STRIPE_ID.fullmatch(found.word):
        by_person(found, users={found.word})


def by_order(found: Search) -> None:
    """Whoever pays an order twice asks about one of the two payments; the other one belongs to the answer."""
    if not found.payments:
        return
    intents = [each.intent_id for each in found.payments if each.intent_id]
    named = found.ask("the ledger's rows of these payments", "rows_in_full", intents=intents)
    orders = sorted({row["order_key"] for row in named if row["order_key"]})
    if orders:
        same = found.ask("the ledger's rows of the same order", "rows_of_orders", orders=orders)
        found.name(*(Named(row["intent_id"] or "", row["row_id"], row["created_at"]) for row in same))


def by_metadata(found: Search) -> None:
    """The last look: a payment whose row and user are gone still carries their ids at the gateway."""
    hours = found.incident.target.thresholds.window_hours
    place = f"Stripe's newest {SCANNED_MAX:,} payments of the last {hours} hours by metadata and receipt address"

    def read() -> list[Row]:
        intents = islice(found.incident.gateway.intents(found.incident.window), SCANNED_MAX)
        return [intent for intent in intents if found.word.lower() in carried(intent)]

    found.name(*(Named(row["id"], at=row["created"]) for row in found.at(place, read)))


def carried(intent: Row) -> set[str]:
    """Every id and address that a payment carries, in lower case."""
    values = [*(intent.get("metadata") or {}).values(), intent.get("receipt_email") or ""]
    return {str(value).lower() for value in values}
