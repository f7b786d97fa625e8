"""POST /api/webhooks/stripe: believe only what Stripe signed, record it once, then tell the customer."""

import json
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import stripe
from psycopg_pool import ConnectionPool, PoolTimeout

from practice.wires.service import ledger, mail, says
from practice.wires.service.control import Control
from practice.wires.service.ledger import Payment
from practice.wires.service.records import Record
from practice.wires.service.releases import RELEASES, Event, Release
from practice.wires.service.settle import EFFECTS, Settled

# How old a signature may be: Stripe's own advice, and the default of its libraries.
TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """`afterwards` runs when Stripe already has its answer."""

    status: int
    body: dict[str, Any]
    afterwards: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Webhooks:
    pool: ConnectionPool
    control: Control
    secret: str
    smtp_url: str
    log: Callable[[Record], None]

    def receive(self, body: bytes, signature: str) -> Answer:
        """`body` exactly as it came: a re-serialised body no longer fits its signature."""
        try:
            self._verify(body, signature, RELEASES[self.control.release])
        except (stripe.SignatureVerificationError, ValueError) as problem:
            self.log(says.signature_refused(self.control.now(), says.first_line(problem)))
            return Answer(400, {"error": "Webhook signature verification failed"})
        event = json.loads(body)
        self.log(says.webhook_received(self.control.now(), event["id"], event["type"]))
        if event["type"] not in EFFECTS:
            return Answer(200, {"received": True})
        release = RELEASES[self.control.release]
        if release.answers_first:
            return Answer(200, {"received": True}, lambda: self.record(event, release))
        if self.record(event, release):
            return Answer(200, {"received": True})
        return Answer(500, {"error": "not recorded"})

    def _verify(self, body: bytes, signature: str, release: Release) -> None:
        """Raises what the SDK raises, and ValueError for a body that is no text or, where it is parsed, no JSON."""
        if release.verifies == "nothing":
            return
        signed = body.decode() if release.verifies == "as it came" else json.dumps(json.loads(body))
        # The SDK asks the wall clock; a clock that runs ahead sees every signature as that much older.
        tolerance = round(TOLERANCE_SECONDS - self.control.ahead_seconds)
        stripe.WebhookSignature.verify_header(signed, signature, self.secret, tolerance=tolerance)

    def record(self, event: Event, release: Release) -> bool:
        """False when the ledger does not have it, so that Stripe comes again."""
        try:
            settled = release.record(self.pool, self.control, event)
        except (psycopg.Error, PoolTimeout) as problem:
            self.log(self._failure(event, problem))
            return False
        if settled is None:
            self.log(says.webhook_duplicate(self.control.now(), event["id"]))
            return True
        self._announce(event["id"], settled)
        return True

    def _announce(self, event: str, settled: Settled) -> None:
        now = self.control.now
        if not settled.known:
            self.log(says.webhook_unknown(now(), event, settled.intent))
            return
        if settled.declined:
            self.log(says.payment_declined(now(), settled.intent, *settled.declined))
        self.log(says.webhook_processed(now(), event, settled.intent))
        if settled.to_confirm:
            self._confirm(settled.to_confirm)

    def _confirm(self, payment: Payment) -> None:
        """A mail that cannot be sent does not undo a payment: it is logged, and the row shows that it is owed."""
        try:
            with self.pool.connection() as conn:
                user = ledger.user(conn, payment.user_id)
            if user is None:
                raise LookupError(f"user {payment.user_id} is gone")
            mail.send(self.smtp_url, mail.confirmation(payment, user["email"], user["name"]))
            with self.pool.connection() as conn:
                ledger.stamp_confirmation(conn, payment.id, self.control.now())
        except (OSError, smtplib.SMTPException, LookupError, psycopg.Error, PoolTimeout) as problem:
            self.log(says.mail_failed(self.control.now(), payment.intent or "", says.first_line(problem)))
            return
        self.log(says.mail_sent(self.control.now(), payment.intent or ""))

    def _failure(self, event: Event, problem: Exception) -> Record:
        subject = event["data"]["object"]
        code = getattr(problem, "sqlstate", None) or ""
        return says.webhook_failed(
            self.control.now(), event["id"], subject.get("payment_intent") or subject["id"],
            says.first_line(problem), code, says.stack_of(problem, code),
        )
