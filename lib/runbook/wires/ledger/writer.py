"""Changes of ledger rows, each under the guard of its old image, all of a batch in one transaction.

Imported by repair alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg.sql import SQL, Composable
from psycopg.types.json import Jsonb

from runbook.errors import CannotLook, Refused, RunbookError
from runbook.target import Ledger
from runbook.wires.ledger.images import Images
from runbook.wires.ledger.mapping import Words
from runbook.wires.ledger.reader import load_words
from runbook.wires.ledger.session import Contended, Cursor, Session

Result = tuple[Literal["applied", "already done", "withheld"], str]

# A deadlock or a serialization failure rolls the whole batch back, so that trying again is safe.
ATTEMPTS = 3
UNKNOWN_COMMIT = (
    "The connection to the ledger was lost while the batch was being committed; whether it was, cannot be told from "
    "here. Apply the plan again: each step decides by looking at its row."
)

MAY_AUDIT = """
SELECT CASE WHEN to_regnamespace('runbook') IS NULL
            THEN has_database_privilege(current_database(), 'CREATE')
            WHEN to_regclass('runbook.audit') IS NULL
            THEN has_schema_privilege('runbook', 'CREATE')
            ELSE has_table_privilege('runbook.audit', 'INSERT') AND has_table_privilege('runbook.audit', 'SELECT')
       END AS may
"""
AUDIT_TABLE = """
CREATE TABLE IF NOT EXISTS runbook.audit (
    plan text NOT NULL,
    key text NOT NULL,
    relation text NOT NULL,
    row_id text NOT NULL,
    old jsonb NOT NULL,
    new jsonb NOT NULL,
    who text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (plan, key)
)
"""
# IF NOT EXISTS does not keep two sessions from making the same schema at once; this lock, until the commit, does.
ONE_MAKER = "SELECT pg_advisory_xact_lock(hashtextextended('runbook.audit', 0))"
AUDIT_ROW = """
INSERT INTO runbook.audit (plan, key, relation, row_id, old, new, who, at)
VALUES (%(plan)s, %(key)s, %(relation)s, %(row_id)s, %(old)s, %(new)s, %(who)s, %(at)s)
"""
WHERE_ARE_WE = "SELECT current_database() AS database, pg_is_in_recovery() AS in_recovery"


@dataclass(frozen=True)
class RowChange:
    """One row's old and new image by the target file's column keys (`status`, `intent_id`, `amount` in minor units,
    `currency`, `updated_at` as ISO text …). Old empty: insert. New empty: delete."""

    key: str
    row_id: str
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)


class LedgerWriter:
    """Carries out changes; the write credentials are revealed when one is made, and not before."""

    def __init__(self, settings: Ledger) -> None:
        settings.write_dsn.reveal()  # a missing one is said here, before anything begins
        self._settings = settings
        self._session = Session(settings.write_dsn, settings.statement_timeout_seconds)
        self._words: Words | None = None

    def close(self) -> None:
        self._session.close()

    def may_audit(self) -> bool:
        """Whether an audit table is there to be written, or may be made."""
        return self._told(MAY_AUDIT, "may")

    def has_audit(self) -> bool:
        return self._told("SELECT to_regclass('runbook.audit') IS NOT NULL AS there", "there")

    def create_audit(self) -> None:
        """Make schema `runbook` and its table `audit`, where they are missing. Raises Refused without the right."""
        with self._session.transaction("READ WRITE", Refused) as cursor:
            self._standing(cursor)
            cursor.execute(ONE_MAKER)
            there = cursor.execute("SELECT to_regnamespace('runbook') IS NOT NULL AS there").fetchone()
            if not (there and there["there"]):
                cursor.execute("CREATE SCHEMA runbook")
            cursor.execute(AUDIT_TABLE)
            cursor.execute("COMMIT")

    def apply(self, changes: Sequence[RowChange], plan: str, who: str, at: datetime, audit: bool) -> list[Result]:
        """Carry out `changes` in one transaction; one result for each, in order.

        A row that is not as its old image says is left alone: `already done` when it equals the new image, else
        `withheld` with what was found. Changed and inserted rows get `at` as their time of update where the table has
        one and the image does not say another. Any error rolls everything back and raises Refused (the ledger says
        no) or CannotLook (it does not answer).
        """
        words = self._words = self._words or load_words(self._session, self._settings)
        images = Images(self._settings, words)
        for change in changes:
            images.check(change.old, change.new)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._batch(images, changes, plan, who, at, audit)
            except Contended:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _batch(
        self, images: Images, changes: Sequence[RowChange], plan: str, who: str, at: datetime, audit: bool
    ) -> list[Result]:
        committing = False
        lost: RunbookError | None = None
        try:
            with self._session.transaction("READ WRITE", Refused) as cursor:
                self._standing(cursor)
                images.learn(cursor)
                results = []
                for change in changes:
                    result = self._done_before(cursor, change, plan, images) if audit else None
                    result = result or _carry_out(cursor, images, change, at)
                    if audit and result[0] == "applied":
                        cursor.execute(AUDIT_ROW, self._audit_row(change, plan, who, at))
                    results.append(result)
                committing = True
                cursor.execute("COMMIT")
            return results
        except CannotLook as error:
            lost = CannotLook(UNKNOWN_COMMIT) if committing and not isinstance(error, Contended) else error
        raise lost

    def _done_before(self, cursor: Cursor, change: RowChange, plan: str, images: Images) -> Result | None:
        """A step is carried out once: what somebody took back since is not done again by the same plan."""
        cursor.execute(
            "SELECT who, at FROM runbook.audit WHERE plan = %(plan)s AND key = %(key)s",
            {"plan": plan, "key": change.key},
        )
        noted = cursor.fetchone()
        if noted is None:
            return None
        found = images.look(cursor, change.row_id, {**change.old, **change.new})
        when = f"{noted['at']:%Y-%m-%d %H:%M:%S} UTC by {noted['who']}"
        if images.equal(found, change.new):
            return "already done", f"done {when}"
        return "withheld", f"it was done {when}, and the row was changed since"

    def _audit_row(self, change: RowChange, plan: str, who: str, at: datetime) -> dict[str, Any]:
        return {
            "plan": plan,
            "key": change.key,
            "relation": f"{self._settings.schema}.{self._settings.table}",
            "row_id": change.row_id,
            "old": Jsonb(dict(change.old)),
            "new": Jsonb(dict(change.new)),
            "who": who,
            "at": at,
        }

    def _standing(self, cursor: Cursor) -> None:
        """Refuse to write anywhere but in the named database on a primary."""
        row = cursor.execute(WHERE_ARE_WE).fetchone() or {}
        wanted = self._settings.database
        if row["database"] != wanted:
            raise Refused(
                f"`write_dsn` leads to database `{row['database']}`, the target names `{wanted}`. Nothing done."
            )
        if row["in_recovery"]:
            raise Refused("`write_dsn` leads to a standby, which cannot be written. Point it at the primary.")

    def _told(self, question: str, name: str) -> bool:
        with self._session.transaction("READ ONLY") as cursor:
            row = cursor.execute(question).fetchone()  # type: ignore[arg-type]
        return bool(row and row[name])


def _carry_out(cursor: Cursor, images: Images, change: RowChange, at: datetime) -> Result:
    statement, parameters = _statement(cursor, images, change, at)
    changed = cursor.execute(statement, parameters).rowcount if statement else 0
    if changed == 1:
        return "applied", ""
    if changed > 1:
        raise Refused(f"Row id `{change.row_id}` names {changed} rows. Map a unique column as `ledger.columns.id`.")
    found = images.look(cursor, change.row_id, {**change.old, **change.new})
    if found is None and not change.old:
        found = images.look_for_intent(cursor, change.new)
    if images.equal(found, change.new):
        return "already done", ""
    if found is None:
        return "withheld", "the row is not there any more" if change.old else "the row could not be inserted"
    return "withheld", images.difference(found, change.old or change.new)


def _statement(
    cursor: Cursor, images: Images, change: RowChange, at: datetime
) -> tuple[Composable | None, dict[str, Any]]:
    words = images.words
    if not change.old:
        if images.look_for_intent(cursor, change.new) is not None:
            return None, {}
        columns, values, parameters = images.assignments(
            {"id": change.row_id, **change.new}, change.new, at, ("created_at",)
        )
        return (
            SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
                words.table, SQL(", ").join(columns), SQL(", ").join(values)
            ),
            parameters,
        )
    guard, guarded = images.guard(change.row_id, change.old)
    if not change.new:
        return SQL("DELETE FROM {} WHERE {}").format(words.table, guard), guarded
    moved = {key: value for key, value in change.new.items() if key not in change.old or change.old[key] != value}
    if not moved:
        return None, {}
    columns, values, parameters = images.assignments(moved, {**change.old, **change.new}, at)
    pairs = [SQL("{} = {}").format(column, value) for column, value in zip(columns, values, strict=True)]
    return SQL("UPDATE {} SET {} WHERE {}").format(words.table, SQL(", ").join(pairs), guard), parameters | guarded
