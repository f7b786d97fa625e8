"""What a payment intent and a ledger row say about one payment; pure comparisons, intent id with intent id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from runbook.facts import Row

STATUSES = ("pending", "completed", "failed", "refunded", "disputed", "canceled")
# Words under which the ledger has taken note of the money: refunded and disputed payments were completed before.
PAID = ("completed", "refunded", "disputed")
KEY = re.compile(r"(sk|rk|pk)_(live|test)_|(whsec)_")
KINDS = {"sk": "secret", "rk": "restricted", "pk": "publishable", "whsec": "webhook secret"}


def is_paid(intent: Row) -> bool:
    """Stripe holds or held the money."""
    return intent["status"] == "succeeded"


def missing(
    paid: Iterable[Row], rows: Iterable[Row], words: Mapping[str, Sequence[str]], user_metadata: str
) -> list[Row]:
    """Paid intents that no row records as paid, oldest first; with the row that should have, where there is one.

    `words` maps the runbook's statuses to the table's own; `user_metadata` is the intent's key that names the user.
    """
    noted = frozenset(word for status in PAID for word in words.get(status, ()))
    by_intent: dict[str, list[Row]] = {}
    for row in rows:
        by_intent.setdefault(row["intent_id"], []).append(row)
    lacking = [
        missing_payment(intent, by_intent.get(intent["id"], []), user_metadata)
        for intent in paid
        if not any(row["status"] in noted for row in by_intent.get(intent["id"], []))
    ]
    return sorted(lacking, key=lambda each: (each["created_at"], each["intent_id"]))


def missing_payment(intent: Row, rows: Sequence[Row], user_metadata: str) -> Row:
    """One payment as both sides show it; `rows` more than one means that no machine should choose."""
    row = rows[0] if len(rows) == 1 else None
    named = (intent.get("metadata") or {}).get(user_metadata)
    return {
        "intent_id": intent["id"],
        "amount_minor": intent["amount_received"],
        "currency": intent["currency"],
        "created_at": intent["created"],
        "ledger": row["status"] if row else f"{len(rows)} rows" if rows else "no row",
        "row_id": row["row_id"] if row else "",
        "row_amount_minor": row["amount_minor"] if row else None,
        "row_currency": row["currency"] if row else None,
        "row_updated": row["updated"].isoformat() if row and row.get("updated") else None,
        "user_id": (row["user_id"] if row else None) or named or "",
        "customer": intent.get("customer") or "",
    }


def differing(paid: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Payments of which the one row of the ledger has another amount or currency than Stripe took, newest first."""
    by_intent: dict[str, list[Row]] = {}
    for row in rows:
        by_intent.setdefault(row["intent_id"], []).append(row)
    found = [
        {"intent_id": intent["id"], "amount_minor": intent["amount_received"], "currency": intent["currency"],
         "row_amount_minor": row["amount_minor"], "row_currency": row["currency"], "created_at": intent["created"]}
        for intent in paid
        if len(by_intent.get(intent["id"], ())) == 1 and is_other(intent, row := by_intent[intent["id"]][0])
    ]  # fmt: skip
    return sorted(found, key=lambda each: (-each["created_at"], each["intent_id"]))


def is_other(intent: Row, row: Row) -> bool:
    """A column that is not mapped, or holds nothing, says nothing."""
    amount, currency = row["amount_minor"], row["currency"]
    return (amount is not None and amount != intent["amount_received"]) or bool(
        currency and currency.lower() != intent["currency"]
    )


def outcomes(intents: Sequence[Row], lately: int) -> list[Row]:
    """Checkouts by how they ended, and how many of them since `lately` (unix seconds); `untried` ones were never tried
    with a card. `customers`: how many different ones the newest had, which tells a wave of bad cards from somebody who
    tries stolen ones."""
    ends = [(outcome(intent), intent) for intent in intents]
    newest = [(end, intent) for end, intent in ends if intent["created"] >= lately]
    counts, late = Counter(end for end, _ in ends), Counter(end for end, _ in newest)
    customers: dict[str, set[str]] = {}
    for end, intent in newest:
        customers.setdefault(end, set()).add(intent.get("customer") or intent["id"])
    return [
        {"outcome": name, "count": count, "in the last hour": late[name], "customers": len(customers.get(name, ()))}
        for name, count in sorted(counts.items())
    ]


def outcome(intent: Row) -> str:
    """paid | declined | authentication_required | in progress | other | untried."""
    error = intent.get("last_payment_error") or {}
    if intent["status"] == "succeeded":
        return "paid"
    if intent["status"] == "requires_action" or error.get("code") == "authentication_required":
        return "authentication_required"
    if intent["status"] in ("processing", "requires_capture"):
        return "in progress"
    if error.get("type") == "card_error":
        return "declined"
    return "other" if error else "untried"


def describe_key(value: str) -> dict[str, str]:
    """Kind and mode of a Stripe key, never a piece of it; both empty for anything else."""
    found = KEY.match(value)
    kind, mode, webhook = found.groups() if found else (None, None, None)
    return {"kind": KINDS.get(kind or webhook or "", ""), "mode": mode or ""}
