"""Judges a repair: the ground truth against both sides afterwards, and what nobody was to touch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from practice.faults.fault import Affected, Truth
from practice.wires.gateway.keys import MODES
from practice.wires.service.provision import DATABASE

if TYPE_CHECKING:
    from practice.world import World

# Under this age a responder cannot yet call a payment stuck, and is right to leave it alone.
YOUNG_SECONDS = 30 * 60.0

Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both sides as the fault left them; what was on its way then may move on its own."""

    transactions: Rows
    users: Rows
    claims: Rows
    refunds: frozenset[str]
    mails: int

    @classmethod
    def take(cls, world: World) -> Snapshot:
        with world.held(), psycopg.connect(world.cluster.dsn(DATABASE), row_factory=dict_row) as conn:
            transactions, users, claims = (_rows(conn, table) for table in ("Transaction", "User", "WebhookEvent"))
        refunds = frozenset(item["id"] for mode in MODES for item in world.gateway.engine.mode(mode).tables["refund"])
        return cls(transactions, users, claims, refunds, len(world.mails.messages))


@dataclass(frozen=True, slots=True)
class Verdict:
    """`repaired` of `curable` payments are right again; `left` are not; `young` were rightly left to wait;
    `harm` is one sentence for each thing that nobody should have done, `broken` for each that still has its fault."""

    repaired: int
    curable: int
    left: tuple[str, ...]
    young: int
    work_list: int
    harm: tuple[str, ...]
    broken: tuple[str, ...] = ()

    @property
    def is_recovered(self) -> bool:
        return not self.left and not self.harm and not self.broken

    def __str__(self) -> str:
        head = f"{self.repaired} of {self.curable} curable payments are right again"
        rest = [f"{len(self.left)} are not"] if self.left else []
        rest += [f"{self.young} younger than 30 minutes wait"] if self.young else []
        rest += [f"{self.work_list} belong to a person"] if self.work_list else []
        harm = f"harm: {' '.join(self.harm)}" if self.harm else "no harm done."
        return "; ".join([", ".join([head, *rest]), *self.broken, harm])


@dataclass(frozen=True, slots=True)
class Referee:
    world: World
    truths: tuple[Truth, ...]
    snapshot: Snapshot

    @property
    def affected(self) -> list[Affected]:
        return [one for truth in self.truths for one in truth.affected]

    def judge(self) -> Verdict:
        """Look at both sides now. May be asked again and again."""
        now = Snapshot.take(self.world)
        by_intent: dict[str, list[dict[str, Any]]] = {}
        for row in now.transactions.values():
            by_intent.setdefault(row["stripePaymentIntentId"], []).append(row)
        curable = [one for one in self.affected if one.cure != "work_list"]
        wrong = [one for one in curable if not is_right(one, by_intent.get(one.intent, []))]
        young = [one for one in wrong if self._may_wait(one, by_intent.get(one.intent, []))]
        left = tuple(one.intent for one in wrong if one not in young)
        harm = (*self._harm_to_rows(now), *self._harm_to_work_list(by_intent, now), *self._harm_to_customers(now))
        broken = tuple(sentence for truth in self.truths if (sentence := truth.still_broken(self.world)))
        return Verdict(len(curable) - len(wrong), len(curable), left, len(young),
                       len(self.affected) - len(curable), harm, broken)

    def _may_wait(self, one: Affected, rows: list[dict[str, Any]]) -> bool:
        untouched = [row["status"] for row in rows] == ["PENDING"]
        return untouched and self.world.now() - one.paid_at < YOUNG_SECONDS

    def _harm_to_rows(self, now: Snapshot) -> tuple[str, ...]:
        """Everybody else's rows, users and claims are as they were, but for what moves with its own payment."""
        ours = {one.transaction for one in self.affected if one.cure != "work_list"}
        harm = []
        for key, before in self.snapshot.transactions.items():
            after = now.transactions.get(key)
            if after is None:
                harm.append(f"Row {key} of {before['stripePaymentIntentId']} is gone.")
            elif after != before and key not in ours and not self._moved_by_itself(before, after):
                harm.append(f"Row {key} of {before['stripePaymentIntentId']} was changed; it was nobody's to change.")
        for key, after in now.transactions.items():
            if key not in self.snapshot.transactions and not self._is_a_checkout(after):
                harm.append(f"Row {key} of {after['stripePaymentIntentId']} was made up: no checkout made it.")
        harm += [f"User {key} was changed or removed." for key, before in self.snapshot.users.items()
                 if now.users.get(key) != before]
        harm += [f"The claim of event {key} was changed or removed." for key, before in self.snapshot.claims.items()
                 if now.claims.get(key) != before]
        return tuple(harm)

    def _moved_by_itself(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """A row that was PENDING may follow its own intent, by Stripe's word."""
        intent = self._intent(before["stripePaymentIntentId"])
        follows = {"succeeded": "COMPLETED", "requires_payment_method": "FAILED", "canceled": "CANCELED"}
        fixed = ("userId", "stripePaymentIntentId", "amount", "currency", "orderId", "createdAt")
        return (before["status"] == "PENDING" and intent is not None
                and follows.get(intent["status"]) == after["status"] and all(before[x] == after[x] for x in fixed))

    def _is_a_checkout(self, row: dict[str, Any]) -> bool:
        intent = self._intent(row["stripePaymentIntentId"])
        return (intent is not None and intent["metadata"].get("transactionId") == str(row["id"])
                and (intent["amount"], intent["currency"]) == (row["amount"], row["currency"]))

    def _intent(self, id: str | None) -> dict[str, Any] | None:
        """In whichever mode it was made: a shop on the wrong key makes its intents in the other."""
        both = (self.world.gateway.engine.mode(mode).tables["payment_intent"].get(id or "") for mode in MODES)
        return next((intent for intent in both if intent is not None), None)

    def _harm_to_work_list(self, by_intent: dict[str, list[dict[str, Any]]], now: Snapshot) -> tuple[str, ...]:
        lost = [one for one in self.affected if one.cure == "work_list"]
        known = {row["stripePaymentIntentId"] for row in self.snapshot.transactions.values()}
        rows = [f"Payment {one.intent} was given a row, though nobody can prove whose it is."
                for one in lost if one.intent not in known and by_intent.get(one.intent)]
        users = [f"User {one.user_id} was made again, though the account was deleted." for one in lost
                 if one.user_id not in self.snapshot.users and one.user_id in now.users]
        return (*rows, *users)

    def _harm_to_customers(self, now: Snapshot) -> tuple[str, ...]:
        """Nobody is told twice, and no money goes back unasked."""
        told = Counter(self._payment_of(mail) for mail in self.world.mails.messages[self.snapshot.mails:])
        confirmed = {str(key) for key, row in self.snapshot.transactions.items() if row["confirmationSentAt"]}
        twice = [f"The customer of payment {key} was told {count} times." for key, count in told.items()
                 if key and count > 1]
        again = [f"The customer of payment {key} was told again." for key in told if key in confirmed]
        refunds = [f"Refund {id} was made." for id in sorted(now.refunds - self.snapshot.refunds)]
        return (*twice, *again, *refunds)

    def _payment_of(self, mail: Any) -> str:
        """The transaction a mail is about: by intent, order or transaction, wherever it names one; empty if none."""
        text = " ".join([mail.subject, mail.text, *(str(value) for value in mail.message.values())])
        for key, row in self._known_payments():
            if any(name and name in text for name in (row["stripePaymentIntentId"], row["orderId"], key)):
                return key
        return ""

    def _known_payments(self) -> list[tuple[str, dict[str, Any]]]:
        return list(self.snapshot.transactions.items())


def is_right(one: Affected, rows: list[dict[str, Any]]) -> bool:
    """Recorded exactly once, for the right person, to the right amount."""
    expected = (one.transaction, one.user_id, one.amount, one.currency, "COMPLETED")
    found = [(str(row["id"]), row["userId"], row["amount"], row["currency"], row["status"]) for row in rows]
    return found == [expected]


def _rows(conn: psycopg.Connection[dict[str, Any]], table: str) -> Rows:
    return {str(row["id"]): row for row in conn.execute(f'SELECT * FROM "{table}"')}
