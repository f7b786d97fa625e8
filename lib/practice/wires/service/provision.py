"""The shop's database and the three roles that reach it, as its administrators would have set them up."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from practice.wires.ledger import Cluster

DATABASE = "shop"
SCHEMA = Path(__file__).with_name("schema.sql")

# A transaction that idles holds its locks; the shop's administrators end it before the queue behind it is felt.
IDLE_IN_TRANSACTION_TIMEOUT = "1500ms"

ROLES = """
GRANT CONNECT ON DATABASE shop TO runbook_read, runbook_write;
GRANT CREATE ON DATABASE shop TO runbook_write;
GRANT USAGE ON SCHEMA public TO runbook_read, runbook_write;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO runbook_read, runbook_write;
GRANT INSERT, UPDATE, DELETE ON "Transaction" TO runbook_write;
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """The same database, seen by its owner (the service) and by the two roles of a responder."""

    owner_dsn: str = field(repr=False)
    read_dsn: str = field(repr=False)
    write_dsn: str = field(repr=False)


def provision(cluster: Cluster) -> Shop:
    """Make roles with fresh passwords, the database and its tables."""
    passwords = {role: secrets.token_urlsafe(18) for role in ("shop", "runbook_read", "runbook_write")}
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as conn:
        for role, password in passwords.items():
            verifier = conn.pgconn.encrypt_password(password.encode(), role.encode()).decode()
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), verifier))
        timeout = sql.SQL("ALTER ROLE shop SET idle_in_transaction_session_timeout = {}")
        conn.execute(timeout.format(IDLE_IN_TRANSACTION_TIMEOUT))
        conn.execute("CREATE DATABASE shop OWNER shop")
    shop = Shop(*(cluster.dsn(DATABASE, role, password) for role, password in passwords.items()))
    with psycopg.connect(cluster.dsn(DATABASE)) as conn:
        conn.execute(SCHEMA.read_text())
        conn.execute(ROLES)
        for table in ("User", "Transaction", "WebhookEvent"):
            conn.execute(sql.SQL("ALTER TABLE {} OWNER TO shop").format(sql.Identifier(table)))
    return shop
