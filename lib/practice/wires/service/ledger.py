"""The service's own SQL. Every function takes the connection whose transaction it is to be part of."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import Connection, OperationalError
from psycopg.rows import class_row, dict_row
from psycopg_pool import ConnectionPool

# A request that finds no connection for this long is better refused than left hanging in the customer's browser.
POOL_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of "Transaction": amount in minor units, currency lower case."""

    id: uuid.UUID
    user_id: str
    intent: str | None
    amount: int
    currency: str
    status: str
    order: str | None
    confirmation_sent_at: datetime | None


COLUMNS = """"id", "userId" AS user_id, "stripePaymentIntentId" AS intent, "amount", "currency", "status",
             "orderId" AS "order", "confirmationSentAt" AS confirmation_sent_at"""


def open_pool(database_url: str) -> ConnectionPool:
    """Connects in the background: a service that starts before its database still answers its health check."""
    return ConnectionPool(
        database_url, min_size=2, max_size=8, timeout=POOL_WAIT_SECONDS, open=True,
        check=ConnectionPool.check_connection, kwargs={"application_name": "shop-api", "connect_timeout": 5},
    )


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def add_user(conn: Connection, user: str, email: str, name: str, customer: str, at: float) -> None:
    conn.execute(
        'INSERT INTO "User" ("id", "email", "name", "stripeCustomerId", "createdAt") VALUES (%s, %s, %s, %s, %s)',
        (user, email, name, customer, instant(at)),
    )


def user(conn: Connection, user_id: str) -> dict[str, str] | None:
    query = 'SELECT "email", "name", "stripeCustomerId" AS customer FROM "User" WHERE "id" = %s'
    return conn.cursor(row_factory=dict_row).execute(query, (user_id,)).fetchone()


def user_with_email(conn: Connection, email: str) -> dict[str, str] | None:
    query = 'SELECT "id", "stripeCustomerId" AS customer FROM "User" WHERE "email" = %s'
    return conn.cursor(row_factory=dict_row).execute(query, (email,)).fetchone()


def payment(conn: Connection, transaction: uuid.UUID) -> Payment | None:
    query = f'SELECT {COLUMNS} FROM "Transaction" WHERE "id" = %s'
    return conn.cursor(row_factory=class_row(Payment)).execute(query, (transaction,)).fetchone()


def add_payment(
    conn: Connection, transaction: uuid.UUID, user_id: str, intent: str, amount: int, currency: str, order: str | None,
    status: str, at: float,
) -> Payment:
    query = f"""
        INSERT INTO "Transaction" ("id", "userId", "stripePaymentIntentId", "amount", "currency", "status", "orderId",
                                   "createdAt", "updatedAt")
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}"""
    values = (transaction, user_id, intent, amount, currency, status, order, instant(at), instant(at))
    added = conn.cursor(row_factory=class_row(Payment)).execute(query, values).fetchone()
    if added is None:
        raise OperationalError(f"INSERT of transaction {transaction} returned no row")
    return added


def claim(conn: Connection, event: str, kind: str, at: float) -> bool:
    """True for the first delivery of an event; false when it was claimed before."""
    query = """INSERT INTO "WebhookEvent" ("id", "type", "receivedAt") VALUES (%s, %s, %s)
               ON CONFLICT ("id") DO NOTHING RETURNING "id\""""
    return conn.execute(query, (event, kind, instant(at))).fetchone() is not None


def mark_processed(conn: Connection, event: str, at: float) -> None:
    conn.execute('UPDATE "WebhookEvent" SET "processedAt" = %s WHERE "id" = %s', (instant(at), event))


def move(
    conn: Connection, intent: str, status: str, allowed_from: tuple[str, ...], at: float, reason: str | None = None
) -> Payment | None:
    """Take the payment to `status` if it stands in one of `allowed_from`; None when it does not, or is not there."""
    query = f"""
        UPDATE "Transaction" SET "status" = %s, "failureReason" = %s, "updatedAt" = %s
        WHERE "stripePaymentIntentId" = %s AND "status" = ANY (%s) RETURNING {COLUMNS}"""
    values = (status, reason, instant(at), intent, list(allowed_from))
    return conn.cursor(row_factory=class_row(Payment)).execute(query, values).fetchone()


def is_known(conn: Connection, intent: str) -> bool:
    query = 'SELECT 1 FROM "Transaction" WHERE "stripePaymentIntentId" = %s'
    return conn.execute(query, (intent,)).fetchone() is not None


def stamp_confirmation(conn: Connection, transaction: uuid.UUID, at: float) -> None:
    conn.execute('UPDATE "Transaction" SET "confirmationSentAt" = %s WHERE "id" = %s', (instant(at), transaction))


def delete_new_users_without_purchase(conn: Connection, registered_after: float) -> int:
    """An over-eager clean-up of sign-ups: it takes a purchase that is still under way for none."""
    query = """DELETE FROM "User" u WHERE u."createdAt" >= %s AND NOT EXISTS (
                   SELECT 1 FROM "Transaction" t
                   WHERE t."userId" = u."id" AND t."status" IN ('COMPLETED', 'REFUNDED', 'DISPUTED'))"""
    return conn.execute(query, (instant(registered_after),)).rowcount
