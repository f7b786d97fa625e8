"""Reads of the ledger, each in a read-only transaction of its own that leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
from psycopg.sql import SQL, Composable

from runbook.errors import BadInput
from runbook.target import Ledger, Secret
from runbook.wires.ledger import pasted
from runbook.wires.ledger.mapping import COLUMNS, RELATIONS, Catalogue, Words, check, check_lengths, mapped_tables, near
from runbook.wires.ledger.session import Session

FETCH_ROWS = 5_000  # rows of one round trip when a whole window is streamed

IDENTITY = """
SELECT current_database() AS database, current_setting('server_version') AS server_version,
       current_user::text AS role, pg_is_in_recovery() AS in_recovery
"""
PRIVILEGES = """
SELECT c.relname AS relation,
       array(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY a.attnum) AS unreadable,
       array(SELECT verb FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS verb
             WHERE has_table_privilege(c.oid, verb)
                OR (verb IN ('INSERT', 'UPDATE') AND has_any_column_privilege(c.oid, verb))) AS writable,
       row_security_active(c.oid) AS rows_hidden
FROM pg_catalog.pg_class c WHERE c.oid = ANY(%(oids)s::oid[])
"""
ROLE = """
SELECT current_user::text AS role, rolsuper AS superuser,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schema
FROM pg_catalog.pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class LedgerIdentity:
    database: str
    server_version: str
    role: str
    in_recovery: bool


@dataclass(frozen=True)
class Privileges:
    """What the role may do on the mapped tables. `writable` and `unreadable` name verbs and columns by table."""

    role: str
    superuser: bool
    may_create_schema: bool
    unreadable: Mapping[str, tuple[str, ...]]
    writable: Mapping[str, tuple[str, ...]]
    rows_hidden: tuple[str, ...]  # tables on which row security may hide rows from this role

    @property
    def read_only(self) -> bool:
        return not (self.superuser or self.writable)


class LedgerReader:
    """Questions to the ledger. Failures raise CannotLook with one sentence, a mapping that does not fit BadInput."""

    def __init__(self, settings: Ledger, dsn: Secret | None = None) -> None:
        self._settings = settings
        self._dsn = dsn or settings.read_dsn
        self._session = Session(self._dsn, settings.statement_timeout_seconds)
        self._words: Words | None = None

    def close(self) -> None:
        self._session.close()

    def check_mapping(self) -> None:
        """Raise BadInput naming the first table or column that is not there, with what is."""
        self._words = None
        self._mapped()

    def unknown_status_words(self) -> list[tuple[str, int]]:
        """Status words of the table that the target file does not map, with how many rows have each."""
        known = [word for words in self._settings.status.values() for word in words]
        rows = self.ask(
            "SELECT coalesce(status, '(null)') AS word, count(*) AS rows FROM {ledger} AS ledger"
            " WHERE status IS NULL OR status <> ALL(%(known)s) GROUP BY 1 ORDER BY 2 DESC, 1",
            known=known,
        )
        return [(row["word"], row["rows"]) for row in rows]

    def identity(self) -> LedgerIdentity:
        with self._session.transaction("READ ONLY") as cursor:
            row = cursor.execute(IDENTITY).fetchone()
        return LedgerIdentity(**(row or {}))

    def privileges(self) -> Privileges:
        """What this connection's role may do on the mapped tables that exist."""
        with self._session.transaction("READ ONLY") as cursor:
            known = _relations(cursor, self._settings.schema)
            oids = [known[table] for table in mapped_tables(self._settings) if table in known]
            role = cursor.execute(ROLE).fetchone() or {}
            tables = cursor.execute(PRIVILEGES, {"oids": oids}).fetchall()
        return Privileges(
            **role,
            unreadable={row["relation"]: tuple(row["unreadable"]) for row in tables if row["unreadable"]},
            writable={row["relation"]: tuple(row["writable"]) for row in tables if row["writable"]},
            rows_hidden=tuple(row["relation"] for row in tables if row["rows_hidden"]),
        )

    def ask(self, sql_text: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of one question. The text may use {ledger} {users} {events} {table} and %(name)s; a literal per cent
        sign is %%, a literal brace is doubled."""
        query = self._composed(sql_text)
        with self._session.transaction("READ ONLY") as cursor:
            return cursor.execute(query, parameters).fetchall()

    def by_hand(self, sql_text: str, **parameters: Any) -> str:
        """The same question as a command for the shell. Raises as `ask` does, since names come from the catalogue."""
        return pasted.command(self._dsn.name, self._composed(sql_text), parameters)

    def stream(self, sql_text: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """As `ask`, row by row in bounded memory, over a connection of its own so that other questions go on."""
        query = self._composed(sql_text)
        session = Session(self._dsn, self._settings.statement_timeout_seconds)
        try:
            with session.transaction("READ ONLY") as cursor, cursor.connection.cursor("runbook") as named:
                named.itersize = FETCH_ROWS
                named.execute(query, parameters)
                yield from named
        finally:
            session.close()

    def _composed(self, sql_text: str) -> Composable:
        words = self._mapped()
        return SQL(cast(LiteralString, sql_text)).format(
            ledger=words.ledger(), users=words.users(), events=words.events(), table=words.table
        )

    def _mapped(self) -> Words:
        if self._words is None:
            self._words = load_words(self._session, self._settings)
        return self._words


def load_words(session: Session, settings: Ledger) -> Words:
    """The mapping, held against the catalogue. Raises BadInput where it does not fit."""
    check_lengths(settings)
    with session.transaction("READ ONLY") as cursor:
        relations = _relations(cursor, settings.schema)
        if not relations:
            raise BadInput(_no_schema(cursor, settings.schema))
        columns: dict[str, dict[str, str]] = {table: {} for table in mapped_tables(settings)}
        cursor.execute(COLUMNS, {"schema": settings.schema, "relations": list(columns)})
        for row in cursor:
            columns[row["relation"]][row["name"]] = row["type"]
    catalogue = Catalogue(relations, columns)
    check(settings, catalogue)
    return Words(settings, catalogue)


def _relations(cursor: psycopg.Cursor[dict[str, Any]], schema: str) -> dict[str, int]:
    return {row["name"]: row["oid"] for row in cursor.execute(RELATIONS, {"schema": schema})}


def _no_schema(cursor: psycopg.Cursor[dict[str, Any]], schema: str) -> str:
    rows = cursor.execute(
        "SELECT nspname::text AS name FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_'"
    ).fetchall()
    known = sorted(row["name"] for row in rows)
    if schema in known:
        return f"`ledger.schema`: `{schema}` holds no table. Check that `read_dsn` leads to the right database."
    hint = near(schema, known)
    return f"`ledger.schema`: there is no `{schema}`; " + (
        f"did you mean `{hint}`?" if hint else f"{', '.join(known)}."
    )
