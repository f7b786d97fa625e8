"""The shop's three tables under a variation's names, and the rows of a history in its words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.sql import SQL, Composable, Identifier

from practice.light.variation import COLUMNS, STATES, Variation
from practice.traffic.history import History, Row

READER = "runbook_read"
# Currencies of a world that have no minor unit; the others have two decimals.
WHOLE = frozenset({"jpy"})


class Tables:
    """Made anew in a schema of their own; `drop` takes it away again."""

    def __init__(self, variation: Variation) -> None:
        self._as = variation
        self._words = dict(zip(STATES, variation.words, strict=True))
        self._ahead = timedelta(seconds=variation.clock_offset_seconds)

    def create(self, conn: psycopg.Connection) -> None:
        schema = Identifier(self._as.schema)
        names, kept = self._as.names, SQL(self._as.times)
        unit = SQL("numeric(14, 2)" if self._as.amount_unit == "major" else "integer")
        kinds = {"id": SQL("uuid PRIMARY KEY"), "intent_id": SQL("text UNIQUE"), "amount": unit, "created_at": kept,
                 "updated_at": kept, "confirmation_sent_at": kept}
        columns = [SQL("{} {}").format(Identifier(name), kinds.get(key, SQL("text")))
                   for key, name in names.by_key.items()]
        for statement in (
            SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema),
            SQL("CREATE SCHEMA {}").format(schema),
            SQL('CREATE TABLE {} ("id" text PRIMARY KEY, "email" text, "name" text, "stripeCustomerId" text, '
                '"createdAt" timestamptz)').format(self._table(names.users)),
            SQL("CREATE TABLE {} ({})").format(self._table(names.table), SQL(", ").join(columns)),
            SQL('CREATE TABLE {} ("id" text PRIMARY KEY, "type" text, "receivedAt" timestamptz, '
                '"processedAt" timestamptz)').format(self._table(names.events)),
            SQL("CREATE INDEX ON {} ({})").format(self._table(names.table), Identifier(names.by_key["created_at"])),
            SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, Identifier(READER)),
            SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, Identifier(READER)),
        ):
            conn.execute(statement)

    def drop(self, conn: psycopg.Connection) -> None:
        conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(self._as.schema)))

    def write(self, conn: psycopg.Connection, history: History) -> None:
        """By COPY, in the caller's transaction."""
        names = self._as.names
        for table, rows in (
            (names.users, [self._later(user) for user in history.users]),
            (names.table, [self._row(row) for row in history.rows]),
            (names.events, [self._later(event) for event in history.webhook_events]),
        ):
            with conn.cursor() as cursor, cursor.copy(SQL("COPY {} FROM STDIN").format(self._table(table))) as copy:
                for row in rows:
                    copy.write_row(row)

    def remove(self, conn: psycopg.Connection, rows: Iterable[Row], events: Iterable[str]) -> None:
        """Take rows and handled events away again."""
        names = self._as.names
        for table, column, values in ((names.table, names.by_key["id"], [row.id for row in rows]),
                                      (names.events, "id", list(events))):
            gone = SQL("DELETE FROM {} WHERE {} = ANY (%s)").format(self._table(table), Identifier(column))
            conn.execute(gone, (values,))

    def _table(self, name: str) -> Composable:
        return sql.Identifier(self._as.schema, name)

    def _row(self, row: Row) -> list[Any]:
        """The columns in the order of COLUMNS."""
        currency = row.currency.upper() if self._as.currency_upper else row.currency
        values: dict[str, Any] = {
            "id": row.id, "user_id": row.user_id, "intent_id": row.intent, "currency": currency,
            "amount": self._amount(row), "status": self._words[row.status], "order_key": row.order,
            "failure_reason": row.failure_reason, "confirmation_sent_at": self._time(row.confirmed_at),
            "created_at": self._time(row.created_at), "updated_at": self._time(row.updated_at),
        }
        return [values[key] for key in COLUMNS]

    def _amount(self, row: Row) -> int | Decimal:
        if self._as.amount_unit == "minor" or row.currency in WHOLE:
            return row.amount
        return Decimal(row.amount).scaleb(-2)

    def _time(self, at: float | None) -> datetime | int | None:
        if at is None:
            return None
        at += self._as.clock_offset_seconds
        if self._as.times == "bigint":
            return round(at * 1000)
        moment = datetime.fromtimestamp(round(at, 3), UTC)
        return moment.replace(tzinfo=None) if self._as.times == "timestamp" else moment

    def _later(self, row: tuple[Any, ...]) -> list[Any]:
        """A row of the other tables, by the service's clock."""
        return [value + self._ahead if isinstance(value, datetime) else value for value in row]
