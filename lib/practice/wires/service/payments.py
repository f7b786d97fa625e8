"""Customers and checkout: a Stripe object first, then our row, as most shops do it."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import stripe
from psycopg_pool import ConnectionPool

from practice.wires.service import ledger, says
from practice.wires.service.control import Control
from practice.wires.service.queue import Queue
from practice.wires.service.records import Record
from practice.wires.service.releases import RELEASES
from practice.wires.service.settings import Settings

T = TypeVar("T", bound=stripe.StripeObject)

CURRENCIES = ("eur", "gbp", "jpy", "usd")
# Stripe's own ceiling for a charge: eight digits of minor units.
AMOUNT_MAX = 99_999_999
# The clean-up job looks at sign-ups of the last hour, where form spam piles up.
CLEAN_UP_REACH_SECONDS = 3600
# The SDK's exceptions by the names that Stripe's own error reference uses.
ERROR_TYPES = {
    "APIConnectionError": "api_connection_error", "AuthenticationError": "authentication_error",
    "CardError": "card_error", "IdempotencyError": "idempotency_error", "InvalidRequestError": "invalid_request_error",
    "PermissionError": "permission_error", "RateLimitError": "rate_limit_error",
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Refused(ValueError):
    """The request is at fault: an HTTP status and one sentence for the caller."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class StripeUnavailable(RuntimeError):
    """Stripe did not do what checkout needs; the details are in the log."""


@dataclass(frozen=True, slots=True)
class Payments:
    pool: ConnectionPool
    control: Control
    stripe: stripe.StripeClient
    log: Callable[[Record], None]
    queue: Queue = field(default_factory=Queue)

    def add_customer(self, request: dict[str, Any]) -> dict[str, str]:
        email, name = str(request.get("email", "")), str(request.get("name", ""))
        if not EMAIL.fullmatch(email) or len(email) > 254:
            raise Refused(400, "email must be an address")
        with self.pool.connection() as conn:
            known = ledger.user_with_email(conn, email)
        if known:
            return {"userId": known["id"], "stripeCustomerId": known["customer"]}
        user = f"usr_{self.control.new_id().hex[:20]}"
        customer = self._call("/v1/customers", lambda once: self.stripe.v1.customers.create(
            {"email": email, "name": name, "metadata": {"userId": user}}, once))
        with self.pool.connection() as conn:
            ledger.add_user(conn, user, email, name, customer.id, self.control.now())
        return {"userId": user, "stripeCustomerId": customer.id}

    def create_intent(self, request: dict[str, Any]) -> dict[str, str]:
        user_id, amount, currency, order = self._checked(request)
        with self.pool.connection() as conn:
            user = ledger.user(conn, user_id)
        if user is None:
            raise Refused(404, f"no user {user_id}")
        transaction = self.control.new_id()
        metadata = {"userId": user_id, "orderId": order, "transactionId": str(transaction)}
        intent = self._call("/v1/payment_intents", lambda once: self.stripe.v1.payment_intents.create(
            {"amount": amount, "currency": currency, "customer": user["customer"], "metadata": metadata,
             "automatic_payment_methods": {"enabled": True}}, once))
        with self.pool.connection() as conn:
            ledger.add_payment(conn, transaction, user_id, intent.id, amount, currency, order, "PENDING",
                               self.control.now())
        return {"paymentIntentId": intent.id, "clientSecret": intent.client_secret, "transactionId": str(transaction)}

    def look_up(self, transaction: str) -> dict[str, Any]:
        try:
            key = uuid.UUID(transaction)
        except ValueError:
            raise Refused(404, "no such payment") from None
        with self.pool.connection() as conn:
            row = ledger.payment(conn, key)
        if row is None:
            raise Refused(404, "no such payment")
        return {"transactionId": str(row.id), "paymentIntentId": row.intent, "status": row.status,
                "amount": row.amount, "currency": row.currency, "orderId": row.order}

    def after_checkout(self) -> None:
        """The clean-up job, in the release that has one."""
        if RELEASES[self.control.release].cleans_up:
            with self.pool.connection() as conn:
                ledger.delete_new_users_without_purchase(conn, self.control.now() - CLEAN_UP_REACH_SECONDS)

    def _checked(self, request: dict[str, Any]) -> tuple[str, int, str, str]:
        amount, currency = request.get("amount"), request.get("currency")
        if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= AMOUNT_MAX:
            raise Refused(400, "amount must be a positive number of minor units")
        if currency not in CURRENCIES:
            raise Refused(400, f"currency must be one of {', '.join(CURRENCIES)}")
        return str(request.get("userId", "")), amount, currency, str(request.get("orderId", ""))

    def _call(self, path: str, send: Callable[[stripe.RequestOptions], T]) -> T:
        """Run one SDK call (a POST to `path`) in its turn; what Stripe refuses for its rate is tried again as the
        settings say. All attempts have one idempotency key, so that Stripe carries out one of them at the most."""
        once: stripe.RequestOptions = {"idempotency_key": str(uuid.uuid4())}
        try:
            return self.queue.retried(lambda: self._attempt(path, lambda: send(once)), stripe.RateLimitError)
        except stripe.StripeError as problem:
            raise StripeUnavailable(says.first_line(problem)) from problem

    def _attempt(self, path: str, send: Callable[[], T]) -> T:
        """One call, and a line on how it went."""
        started = self.control.stopwatch()
        try:
            answer = send()
        except stripe.StripeError as problem:
            self._log_refusal(path, self.control.milliseconds_since(started), problem)
            raise
        ms = self.control.milliseconds_since(started)
        request_id = answer.last_response.request_id if answer.last_response else ""
        self.log(says.stripe_call(self.control.now(), "POST", path, 200, ms, request_id or ""))
        return answer

    def _log_refusal(self, path: str, ms: int, problem: stripe.StripeError) -> None:
        kind, message = type(problem).__name__, " ".join((problem.user_message or str(problem)).split())
        self.log(says.stripe_refusal(
            self.control.now(), "POST", path, problem.http_status or 0, ms, problem.request_id or "",
            kind=kind, error_type=ERROR_TYPES.get(kind, "api_error"), code=getattr(problem.error, "code", None) or "",
            decline_code=getattr(problem.error, "decline_code", None) or "", message=message,
            reason=(problem.headers or {}).get("Stripe-Rate-Limited-Reason", ""),
        ))


def connect(settings: Settings) -> stripe.StripeClient:
    """One client, no global state, and no telemetry file in somebody's home."""
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        settings.stripe_secret_key, base_addresses={"api": settings.stripe_api_base}, max_network_retries=1,
        http_client=stripe.RequestsClient(timeout=10),
    )
