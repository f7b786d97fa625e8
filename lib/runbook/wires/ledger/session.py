"""A connection to the ledger, and errors as sentences that hold no password."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.rows import dict_row

from runbook.errors import BadInput, CannotLook, Refused, RunbookError
from runbook.target import Secret

CONNECT_SECONDS = 5
LOCK_SECONDS = 2  # we never queue behind the shop's own locks for longer
IDLE_SECONDS = 60  # a notebook that stops half way must not hold a transaction open
LONGEST_MESSAGE = 200

Cursor = psycopg.Cursor[dict[str, Any]]


class Contended(CannotLook):
    """A deadlock or a serialization failure: rolled back as a whole, and safe to try again."""


@dataclass(frozen=True)
class Address:
    """Where a DSN leads, without its password."""

    variable: str
    host: str
    port: str
    database: str
    role: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """One connection, opened when first needed and kept. Nothing is `SET` for the session: behind a transaction
    pooler that would leak to the shop's own writes."""

    def __init__(self, dsn: Secret, statement_seconds: int) -> None:
        self._dsn = dsn
        self._statement_seconds = statement_seconds
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self, mode: str, failure: type[RunbookError] = CannotLook) -> Iterator[Cursor]:
        """A transaction `READ ONLY` or `READ WRITE`; the caller commits, otherwise it is rolled back.

        Raises `failure` with one sentence when the ledger says no, and CannotLook when it does not answer.
        """
        with self._lock:
            connection = self._begun(mode)
            problem: RunbookError | None = None
            try:
                with connection.cursor() as cursor:
                    yield cursor
            except psycopg.Error as error:
                problem = explain(error, self._statement_seconds, failure)
            finally:
                self._rolled_back(connection)
            if problem:
                raise problem from None

    def _begun(self, mode: str) -> psycopg.Connection[dict[str, Any]]:
        """The kept connection in a new transaction; a connection that died while idle is opened once more."""
        begin = (
            f"BEGIN {mode}; SET LOCAL statement_timeout = '{self._statement_seconds}s';"
            f" SET LOCAL lock_timeout = '{LOCK_SECONDS}s';"
            f" SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; SET LOCAL timezone = 'UTC'"
        )
        if self._connection is not None:
            try:
                self._connection.execute(begin)
            except psycopg.Error:
                self.close()
            else:
                return self._connection
        connection = connect(self._dsn, self._statement_seconds)
        problem = None
        try:
            connection.execute(begin)
        except psycopg.Error as error:
            problem = explain(error, self._statement_seconds, CannotLook)
            connection.close()
        if problem:
            raise problem
        self._connection = connection
        return connection

    def _rolled_back(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            connection.rollback()
        except psycopg.Error:
            self.close()  # the server rolls back what a lost connection leaves

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect(dsn: Secret, statement_seconds: int) -> psycopg.Connection[dict[str, Any]]:
    """A connection in autocommit mode, so that we alone say BEGIN. No error that leaves here holds the password, not
    even in its context: psycopg's own, for a DSN that it cannot parse, quotes it."""
    where, problem, connection = None, None, None
    value = dsn.reveal()
    try:
        parts = conninfo.conninfo_to_dict(value)
        where = _address(dsn, parts)
        connection = psycopg.connect(
            value,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            application_name="runbook",
            prepare_threshold=None,  # prepared statements and transaction poolers do not mix
            client_encoding="utf8",
            tcp_user_timeout=(statement_seconds + CONNECT_SECONDS) * 1000,
        )
    except (psycopg.Error, UnicodeError, ValueError) as error:
        problem = refusal(error, where, str(parts.get("password") or "")) if where else None
    if connection is not None:
        return connection
    raise problem or BadInput(
        f"{dsn!r} is no Postgres address; it should look like postgresql://role:password@host/database."
    )


def _address(dsn: Secret, parts: dict[str, Any]) -> Address:
    host, port = parts.get("host") or parts.get("hostaddr") or "the local socket", parts.get("port") or "5432"
    return Address(dsn.name, str(host), str(port), str(parts.get("dbname") or ""), str(parts.get("user") or ""))


def refusal(error: BaseException, where: Address, password: str) -> RunbookError:
    """Cause and next move of a connection that was not made. BadInput where Postgres answered and the address itself
    cannot be right; libpq then has its words for us, and no SQLSTATE."""
    text = str(error).replace(password, "(password)") if password else str(error)
    if isinstance(error, psycopg.errors.ConnectionTimeout) or "timeout expired" in text:
        return CannotLook(
            f"The ledger at {where} gave no answer within {CONNECT_SECONDS} s. Check the network, then run again."
        )
    if "refused" in text:
        return CannotLook(
            f"The ledger at {where} refused the connection. Check `{where.variable}`, and that Postgres runs there."
        )
    if cannot_be := wrong_address(text, where):
        return BadInput(f"The ledger at {where} {cannot_be}")
    if "could not translate host name" in text or "failed to resolve host" in text:
        return CannotLook(f"The ledger's host {where.host} cannot be resolved. Check `{where.variable}`, then DNS.")
    if "too many clients" in text or "remaining connection slots" in text:
        return CannotLook(
            f"The ledger at {where} has no connection left. That is a finding in itself; end idle sessions first."
        )
    last = " ".join(text.rsplit("failed:", 1)[-1].split())[:LONGEST_MESSAGE]
    return CannotLook(
        f"The ledger at {where} could not be opened: {last}. Check `{where.variable}`, then run again."
    )


NOT_LET_IN = ("no pg_hba.conf entry", "not permitted to log in", "authentication failed", "permission denied")


def wrong_address(text: str, where: Address) -> str:
    """What of the address Postgres says no to (3D000, 28000, 28P01), and the next move; empty for other trouble."""
    if "password authentication failed" in text or "no password supplied" in text:
        return f"rejects the password of role `{where.role}`. Set `{where.variable}` again."
    if "database" in text and "does not exist" in text:
        return f"has no database `{where.database}`. Correct `{where.variable}`."
    if "role" in text and "does not exist" in text:
        return f"has no role `{where.role}`. Correct `{where.variable}`."
    if any(words in text for words in NOT_LET_IN):
        return (
            f"does not let role `{where.role}` into database `{where.database}` from here. "
            f"Correct `{where.variable}`, or have pg_hba.conf allow it."
        )
    return ""


def explain(error: psycopg.Error, statement_seconds: int, failure: type[RunbookError]) -> RunbookError:
    """The ledger's own refusal of a statement. Only its first line is told: the detail lines quote rows."""
    state = error.sqlstate or ""
    said = error.diag.message_primary or ""
    if state == "57014":
        return CannotLook(f"The ledger did not answer within {statement_seconds} s. Narrow the window, or try later.")
    if state == "55P03":
        return CannotLook("Somebody else holds a lock on these rows in the ledger. Nothing was written; try again.")
    if state[:2] == "40":
        return Contended("The ledger rolled the transaction back for a concurrent one. Nothing was written; try again.")
    if state == "42501":
        return failure(f"The ledger's role lacks a right: {said}. Have it granted, or run `doctor` for the whole list.")
    if state == "25006":
        return Refused("This connection to the ledger is read-only, a standby perhaps. Point `write_dsn` elsewhere.")
    if not state or state[:2] in ("08", "57"):
        return CannotLook("The connection to the ledger was lost. Look at the database first, then run again.")
    constraint = f" ({error.diag.constraint_name})" if error.diag.constraint_name else ""
    return failure(f"The ledger refused the statement: {said[:LONGEST_MESSAGE]}{constraint} [{state}].")
