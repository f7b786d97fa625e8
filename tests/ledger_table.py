"""A real Postgres with the shop's table, or a strange one, for the tests of the ledger wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from practice.wires.ledger import Cluster
from psycopg import sql
from runbook.target import Columns, Events, Ledger, Secret, Users

SCHEMA = Path("lib/practice/wires/service/schema.sql")
AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
COLUMNS = Columns(
    id="id", intent_id="stripePaymentIntentId", user_id="userId", amount="amount", currency="currency",
    status="status", order_key="orderId", failure_reason="failureReason",
    confirmation_sent_at="confirmationSentAt", created_at="createdAt", updated_at="updatedAt",
)  # fmt: skip
ROW = "00000000-0000-4000-8000-000000000001"


ROLES = """
ALTER TABLE "Transaction" DROP CONSTRAINT "Transaction_status_check";
GRANT USAGE ON SCHEMA public TO runbook_read, runbook_write;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO runbook_read, runbook_write;
GRANT INSERT, UPDATE, DELETE ON "Transaction" TO runbook_write;
GRANT CREATE ON DATABASE shop TO runbook_write;
INSERT INTO "User" VALUES ('u1', 'ann@example.com', 'Ann', 'cus_1', now());
"""


@contextmanager
def provisioned(directory: Path) -> Iterator[Cluster]:
    """A cluster with the runbook's two roles and an empty database `shop`."""
    with Cluster.start(directory) as started:
        started.create_database("shop")
        with psycopg.connect(started.dsn("postgres"), autocommit=True) as conn:
            for role in ("runbook_read", "runbook_write"):
                conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'open sesame'".encode())
        yield started


@contextmanager
def fresh(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """The shop's tables as new, with one user; DSNs in the environment; a superuser's connection."""
    for variable, role in (("READ_DSN", "runbook_read"), ("WRITE_DSN", "runbook_write")):
        monkeypatch.setenv(variable, cluster.dsn("shop", role, "open sesame"))
    with psycopg.connect(cluster.dsn("shop"), autocommit=True) as conn:
        conn.execute("ALTER ROLE runbook_write RESET ALL")
        conn.execute('DROP SCHEMA IF EXISTS runbook, "Odd schema", public CASCADE')
        conn.execute("CREATE SCHEMA public")
        conn.execute(SCHEMA.read_bytes())
        conn.execute(ROLES)
        yield conn


def mapped(shop: psycopg.Connection, **changes: Any) -> Ledger:
    ledger = Ledger(
        read_dsn=Secret("READ_DSN"),
        write_dsn=Secret("WRITE_DSN"),
        database=shop.info.dbname,
        columns=COLUMNS,
        status={"pending": ("PENDING",), "completed": ("COMPLETED",)},
        users=Users(table="User", id="id", email="email", customer="stripeCustomerId"),
        events=Events(table="WebhookEvent", id="id"),
        statement_timeout_seconds=2,
    )
    return msgspec.structs.replace(ledger, **changes)


def columns(**changes: str) -> Columns:
    return msgspec.structs.replace(COLUMNS, **changes)


def add(
    shop: psycopg.Connection, intent: str | None = "pi_1", status: str = "PENDING", row: str = ROW, **more: Any
) -> str:
    values = {"amount": 1999, "currency": "usd", "at": AT, **more}
    shop.execute(
        """INSERT INTO "Transaction" VALUES (%(row)s, 'u1', %(intent)s, %(amount)s, %(currency)s, %(status)s, 'o1',
           NULL, NULL, %(at)s, %(at)s)""",
        {"row": row, "intent": intent, "status": status, **values},
    )
    return row


def status_of(shop: psycopg.Connection, row: str = ROW) -> str:
    found = shop.execute('SELECT status FROM "Transaction" WHERE id = %s', [row]).fetchone()
    return found[0] if found else "gone"


ODD = '"Odd schema"."100% ""paid"" {table}"'
STRANGE = (
    'CREATE SCHEMA "Odd schema"',
    """CREATE TYPE "Odd schema".state AS ENUM ('paid', 'open')""",
    f'CREATE TABLE {ODD} ("ключ" bigint PRIMARY KEY, "PI" varchar(64), "owner" uuid, "sum%" AMOUNT, "cur" char(3),'
    ' "{state}" "Odd schema".state, "when" TIME)',
    'GRANT USAGE ON SCHEMA "Odd schema" TO runbook_read, runbook_write',
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON {ODD} TO runbook_read, runbook_write",
)


def strange(
    shop: psycopg.Connection, row: tuple[object, ...], amount: str, time: str = "timestamp", unit: str = "major"
) -> Ledger:
    """A table whose every name needs quoting, with one row of (id, intent, amount, currency, status, time)."""
    for statement in STRANGE:
        shop.execute(statement.replace("AMOUNT", amount).replace("TIME", time).encode())
    literals = ", ".join(sql.Literal(each).as_string(shop) for each in row)
    shop.execute(f'INSERT INTO {ODD} ("ключ", "PI", "sum%", "cur", "{{state}}", "when") VALUES ({literals})'.encode())
    names = Columns(
        id="ключ", intent_id="PI", user_id="owner", amount="sum%", currency="cur", status="{state}", created_at="when"
    )
    table = ODD.split(".")[1].strip('"').replace('""', '"')
    return mapped(shop, schema="Odd schema", table=table, columns=names, amount_unit=unit, users=None, events=None)
