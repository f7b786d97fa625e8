"""Scenario E's questions: is any key of the wrong mode, and what was done with it? Pure, from evidence to findings.

Stripe keeps two modes apart. An object of test mode has `livemode` false: no bank has heard of it, and no money moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runbook import money
from runbook.facts import Answer, Evidence, Finding, Row, cannot_tell
from runbook.judgement import payments
from runbook.target import Target

CAUSE = "test_key_in_production"
INSUFFICIENT_FUNDS = "insufficient_funds"
HONOURED, CHARGED = "honoured without money", "charged really"


def other_mode(target: Target) -> str:
    return "test" if target.gateway.expected_mode == "live" else "live"


def keys_are_one_pair(keys: Evidence) -> Finding:
    """Are the secret key and the publishable keys of one mode? A browser cannot confirm what the other mode made.

    A webhook secret shows neither mode nor endpoint: whose it is only a delivery by Stripe can prove.
    """
    statement = "Secret and publishable keys are of one mode."
    if not keys.readable:
        return cannot_tell(statement, keys)
    modes = {row["variable"]: row["mode"] for row in keys.rows if row["mode"]}
    if len(modes) < 2:
        return Finding(statement, Answer.CANNOT_TELL, "fewer than two keys could be read", evidence=(keys,))
    named = ", ".join(f"{name} is {mode}" for name, mode in modes.items())
    if len(set(modes.values())) == 1:
        return Finding(statement, Answer.HOLDS, named, evidence=(keys,))
    because = f"{named}; what the server begins in one mode no browser can confirm with a key of the other"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(CAUSE,), evidence=(keys,), weight=len(modes))


def orders_have_money(orders: Evidence, target: Target) -> Finding:
    """Was any order honoured without money; or, where test keys belong, was real money taken?"""
    live = target.gateway.expected_mode == "live"
    statement = "No order was honoured without real money." if live else "No real money was taken here."
    if not orders.readable:
        return cannot_tell(statement, orders)
    if not orders.rows:
        return Finding(statement, Answer.HOLDS, f"none among {orders.looked_at or 0:,} rows", evidence=(orders,))
    sums = money.show_total(money.total((row["currency"], row["amount_minor"]) for row in orders.rows))
    users = len({row["user_id"] for row in orders.rows})
    what = "were honoured, and exist in test mode alone" if live else "were really charged"
    because = f"{len(orders):,} orders of {users:,} users, {sums}, {what}"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(CAUSE,), evidence=(orders,),
                   weight=len(orders))  # fmt: skip


def insufficient_funds_is_the_customers_own(declines: Evidence, target: Target) -> Finding:
    """Are the declines for insufficient funds real banks' answers?

    With `livemode` true a bank has spoken, and it is no incident. With `livemode` false nobody's account was looked
    at: Stripe's test card 4000 0000 0000 9995 always says so, and a shop that hears it from every payment is in test
    mode. Rows: livemode (yes | no), payments, users.
    """
    statement = "Declines for insufficient funds are customers' own."
    if not declines.readable:
        return cannot_tell(statement, declines)
    counts = {row["livemode"]: row["payments"] for row in declines.rows}
    real, tests = counts.get("yes", 0), counts.get("no", 0)
    because = f"{real:,} have livemode true, {tests:,} livemode false"
    if not tests or target.gateway.expected_mode == "test":
        return Finding(statement, Answer.HOLDS, because, evidence=(declines,))
    because += ": those are answers of test cards, a symptom of test mode and no bank's word"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(CAUSE,), evidence=(declines,), weight=tests)


def other_mode_payment(row: Row, intent: Mapping[str, Any] | None, mode: str) -> Row:
    """A ledger row whose intent lives in the other mode, as both sides tell of it. Without a key of that mode only the
    mode itself is known, which Stripe's refusal names."""
    error = ((intent or {}).get("last_payment_error") or {}) if intent else {}
    return {
        "intent_id": row["intent_id"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"] or (intent or {}).get("currency", ""),
        "created_at": row["created_at"],
        "ledger": row["status"],
        "at Stripe": intent["status"] if intent else "cannot tell",
        "declined": error.get("decline_code") or error.get("code") or "",
        "livemode": ("yes" if intent["livemode"] else "no") if intent else ("yes" if mode == "live" else "no"),
        "row_id": row["row_id"],
        "user_id": row["user_id"],
        "order_key": row["order_key"],
        "mail": "sent" if row["mail_sent"] else "",
    }


def orders(rows: Sequence[Row], target: Target) -> tuple[Row, ...]:
    """Of the payments in the wrong mode, those that a person must decide about.

    In production: what the ledger calls paid, since the goods are on their way. Where test keys belong: what was
    charged, whatever the ledger says.
    """
    if target.gateway.expected_mode == "live":
        paid = paid_words(target.ledger.status)
        return tuple(row for row in rows if row["ledger"] in paid)
    return tuple(row for row in rows if row["at Stripe"] == "succeeded")


def paid_words(words: Mapping[str, Sequence[str]]) -> frozenset[str]:
    return frozenset(word for status in payments.PAID for word in words.get(status, ()))


def by_user(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Orders and sums by user and currency, the largest sum of a currency first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["currency"], row["user_id"] or "nobody named"), []).append(row)
    summed = [
        {"user_id": user, "orders": len(each), "amount_minor": sum(row["amount_minor"] for row in each),
         "currency": currency}
        for (currency, user), each in found.items()
    ]  # fmt: skip
    return tuple(sorted(summed, key=lambda row: (row["currency"], -row["amount_minor"], row["user_id"])))


def declines_for_funds(own: Sequence[Row], others: Sequence[Row], own_is_live: bool) -> tuple[Row, ...]:
    """Declines for insufficient funds by mode: `own` intents of the expected mode, `others` as `other_mode_payment`."""
    refused = [each for each in own if (each.get("last_payment_error") or {}).get("decline_code") == INSUFFICIENT_FUNDS]
    here = users_of(each.get("customer") or each["id"] for each in refused)
    foreign = [row for row in others if row["declined"] == INSUFFICIENT_FUNDS]
    there = users_of(row["user_id"] or row["intent_id"] for row in foreign)
    named = {True: ("yes", "a bank's word"), False: ("no", "a test card's answer")}
    counted = ((own_is_live, len(refused), here), (not own_is_live, len(foreign), there))
    return tuple(
        {"livemode": named[live][0], "what it is": named[live][1], "payments": count, "users": users}
        for live, count, users in sorted(counted, reverse=True)
        if count
    )


def users_of(names: Any) -> int:
    found: Collection[str] = set(names)
    return len(found)
