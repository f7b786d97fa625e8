"""What real shops differ in: names, words, units, money, size and clocks. A light world takes one of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from practice.traffic.people import CURRENCY_SHARES, Person, price
from practice.traffic.plan import Plan
from practice.wires.service.records import FORMATS

Kept = Literal["timestamptz", "timestamp", "bigint"]

COLUMNS = ("id", "user_id", "intent_id", "amount", "currency", "status", "order_key", "failure_reason",
           "confirmation_sent_at", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Names:
    """One way to call things: tables, and the columns of the ledger in the order of COLUMNS."""

    table: str
    users: str
    events: str
    columns: tuple[str, ...]

    @property
    def by_key(self) -> Mapping[str, str]:
        return dict(zip(COLUMNS, self.columns, strict=True))


# As Prisma, Rails, Django, TypeORM and a database that is older than all of them name it.
NAMES = (
    Names("Transaction", "User", "WebhookEvent", (
        "id", "userId", "stripePaymentIntentId", "amount", "currency", "status", "orderId", "failureReason",
        "confirmationSentAt", "createdAt", "updatedAt")),
    Names("payments", "users", "stripe_events", (
        "id", "user_id", "stripe_payment_intent_id", "amount_cents", "currency", "status", "order_number",
        "failure_code", "receipt_sent_at", "created_at", "updated_at")),
    Names("billing_payment", "auth_user", "billing_processedevent", (
        "uuid", "customer_id", "gateway_reference", "total", "currency_code", "state", "order_id", "error",
        "notified_at", "created", "modified")),
    Names("PaymentTransaction", "Member", "ProcessedWebhook", (
        "TransactionId", "MemberId", "ProviderReference", "Amount", "Currency", "State", "OrderNumber", "Reason",
        "MailedAt", "InsertedAt", "ChangedAt")),
    Names("ZAHLUNG", "KUNDE", "STRIPE_EREIGNIS", (
        "NR", "KUNDE_NR", "STRIPE_PI", "BETRAG", "WAEHRUNG", "STAND", "AUFTRAG", "GRUND", "MAIL_AM", "ANGELEGT",
        "GEAENDERT")),
)
# The six states of a payment, in the order of the service's own words.
STATES = ("PENDING", "COMPLETED", "FAILED", "REFUNDED", "DISPUTED", "CANCELED")
WORDS: tuple[tuple[str, ...], ...] = (
    STATES,
    tuple(state.lower() for state in STATES),
    ("awaiting_payment", "paid", "payment_failed", "refunded", "chargeback", "cancelled"),
    ("Open", "Captured", "Declined", "Returned", "Disputed", "Voided"),
    ("10", "20", "40", "30", "35", "90"),
)
Mix = tuple[tuple[str, int], ...]
# Currencies with the share of each; the first is what a plan deals out by itself.
MIXES: tuple[Mix, ...] = (
    tuple(CURRENCY_SHARES.items()), (("eur", 100),), (("usd", 90), ("gbp", 10)), (("jpy", 70), ("usd", 30)),
    (("gbp", 60), ("eur", 40)),
)
SERVICES = ("shop-api", "payments", "backend_payments-api", "checkout-service-prod", "api.1")
DATABASE_SCHEMAS = ("public", "shop", "billing")
# Nobody delivers anything in a light world, so an event that is still under way must not be late yet.
UNDER_WAY_SECONDS_MAX = 90
CLOCK_OFFSETS_SECONDS = (0.0, 0.0, 1.8, -2.4, 4.1, -6.0)


@dataclass(frozen=True, slots=True)
class Variation:
    """`words` in the order of STATES; `clock_offset_seconds` is what the service's clock is ahead of its host's;
    `mail_column` and `events_mapped` false: a shop that does not note it, or does not tell the responder where."""

    names: Names = NAMES[0]
    words: tuple[str, ...] = STATES
    schema: str = "public"
    times: Kept = "timestamptz"
    amount_unit: Literal["minor", "major"] = "minor"
    currency_upper: bool = False
    currencies: Mix = MIXES[0]
    log_format: str = "json"
    log_format_told: bool = True
    service: str = SERVICES[0]
    clock_offset_seconds: float = 0.0
    payments: int = 400
    users: int = 80
    events_mapped: bool = True
    reasons_mapped: bool = True

    @classmethod
    def drawn(cls, seed: int, payments_max: int = 600) -> Variation:
        """Everything by the seed; the day's size mostly at its lower end, as shops' are."""
        random = Random(f"variation {seed}")
        payments = min(round(200 * random.paretovariate(1.1)), payments_max)
        return cls(
            names=random.choice(NAMES), words=random.choice(WORDS), schema=random.choice(DATABASE_SCHEMAS),
            times=random.choice(("timestamptz", "timestamptz", "timestamp", "bigint")),
            amount_unit=random.choice(("minor", "minor", "major")), currency_upper=random.random() < 0.4,
            currencies=random.choice(MIXES), log_format=random.choice(list(FORMATS)),
            log_format_told=random.random() < 0.5, service=random.choice(SERVICES),
            clock_offset_seconds=random.choice(CLOCK_OFFSETS_SECONDS), payments=payments, users=max(20, payments // 5),
            events_mapped=random.random() < 0.8, reasons_mapped=random.random() < 0.8,
        )

    def restated(self, plan: Plan) -> Plan:
        """The same day in this shop's currencies, with what is under way young enough to be."""
        plan = replace(plan, purchases=tuple(
            replace(made, at=max(made.at, plan.clock - UNDER_WAY_SECONDS_MAX)) if made.outcome == "late" else made
            for made in plan.purchases))
        if self.currencies == MIXES[0]:
            return plan
        random = Random(f"currencies {plan.seed}")
        codes, weights = zip(*self.currencies, strict=True)
        people = {who.user_id: replace(who, currency=random.choices(codes, weights)[0]) for who in plan.people}
        purchases = []
        for made in plan.purchases:
            who: Person = people[made.person.user_id]
            amount = price(random, who.currency)
            share = amount * made.refund_amount // made.amount if made.refund_amount else 0
            purchases.append(replace(made, person=who, currency=who.currency, amount=amount, refund_amount=share))
        return replace(plan, people=tuple(people.values()), purchases=tuple(purchases))

    def ledger_section(self) -> dict[str, Any]:
        """What a target file says of this ledger, but for where it is."""
        columns = dict(self.names.by_key) | ({} if self.reasons_mapped else {"failure_reason": ""})
        section: dict[str, Any] = {
            "schema": self.schema, "table": self.names.table, "columns": columns, "amount_unit": self.amount_unit,
            "status": {state.lower(): [word] for state, word in zip(STATES, self.words, strict=True)},
            "users": {"table": self.names.users, "id": "id", "email": "email", "customer": "stripeCustomerId"},
        }
        if self.events_mapped:
            section["events"] = {"table": self.names.events, "id": "id"}
        return section
