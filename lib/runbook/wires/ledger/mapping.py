"""Somebody else's table in our words: names matched exactly against the catalogue, types turned into canonical ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql
from psycopg.sql import SQL, Composable, Identifier

from runbook import money
from runbook.errors import BadInput
from runbook.target import Ledger

LONGEST_NAME_BYTES = 63  # Postgres cuts longer names silently, and a cut name can be another table's
TIMES = {"timestamptz", "timestamp", "date", "int4", "int8", "numeric"}
WHOLE = {"int2", "int4", "int8"}
NUMBERS = WHOLE | {"numeric", "float4", "float8", "money", "text", "varchar", "bpchar"}
# An epoch of more digits than this counts milliseconds; in seconds it would be the year 5138.
LARGEST_EPOCH_SECONDS = 100_000_000_000
NUMBER_TEXT = "^[+-]?[0-9]{1,18}([.][0-9]{1,12})?$"  # anything else in a text column is no amount
BIGINT_MAX = 9_223_372_036_854_775_807

RELATIONS = """
SELECT c.oid::bigint AS oid, c.relname AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
COLUMNS = """
SELECT c.relname AS relation, a.attname AS name, coalesce(base.typname, t.typname) AS type
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type base ON base.oid = nullif(t.typbasetype, 0)
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(relations)s)
"""


@dataclass(frozen=True)
class Catalogue:
    """What exists: relations of the schema by name, and the columns of the mapped ones with their types."""

    relations: Mapping[str, int]
    columns: Mapping[str, Mapping[str, str]]


def mapped_tables(settings: Ledger) -> list[str]:
    extra = [part.table for part in (settings.users, settings.events) if part]
    return [settings.table, *extra]


def check(settings: Ledger, catalogue: Catalogue) -> None:
    """Raise BadInput for the first name that the catalogue does not have, or a type that cannot be meant."""
    for place, name in _names(settings):
        _exists(place, name, catalogue.relations, f"schema `{settings.schema}`")
    _columns(settings, catalogue)
    types = catalogue.columns[settings.table]
    for key in ("created_at", "updated_at", "confirmation_sent_at"):
        name = getattr(settings.columns, key)
        if name and types[name] not in TIMES:
            raise BadInput(f"`ledger.columns.{key}`: column `{name}` is {types[name]}, which is no time. Map another.")
    if types[settings.columns.amount] not in NUMBERS:
        name = settings.columns.amount
        raise BadInput(f"`ledger.columns.amount`: column `{name}` is {types[name]}, which is no amount. Map another.")
    if settings.amount_unit == "major" and not (settings.columns.currency or settings.currency):
        raise BadInput("`ledger.amount_unit` is major, and no currency says how many decimals that is. Map one.")


def check_lengths(settings: Ledger) -> None:
    """Before anything is asked: names that Postgres would cut or cannot hold."""
    for place, name in [("ledger.schema", settings.schema), *_names(settings), *_all_columns(settings)]:
        if len(name.encode()) > LONGEST_NAME_BYTES or "\0" in name:
            raise BadInput(f"`{place}` is longer than the {LONGEST_NAME_BYTES} bytes of a Postgres name. Correct it.")


def _names(settings: Ledger) -> list[tuple[str, str]]:
    names = [("ledger.table", settings.table)]
    names += [("ledger.users.table", settings.users.table)] if settings.users else []
    names += [("ledger.events.table", settings.events.table)] if settings.events else []
    return names


def _all_columns(settings: Ledger) -> list[tuple[str, str]]:
    return [(place, name) for place, name, _ in _placed_columns(settings)]


def _placed_columns(settings: Ledger) -> Iterable[tuple[str, str, str]]:
    """(key in the target file, column, table) for each column that is mapped."""
    for part, table, prefix in (
        (settings.columns, settings.table, "ledger.columns"),
        (settings.users, settings.users and settings.users.table, "ledger.users"),
        (settings.events, settings.events and settings.events.table, "ledger.events"),
    ):
        for key in part.__struct_fields__ if part else ():
            name = getattr(part, key)
            if name and key != "table":
                yield f"{prefix}.{key}", name, str(table)


def _columns(settings: Ledger, catalogue: Catalogue) -> None:
    for place, name, table in _placed_columns(settings):
        _exists(place, name, catalogue.columns[table], f"table `{table}`")


def _exists(place: str, name: str, known: Iterable[str], where: str) -> None:
    known = sorted(known)
    if name in known:
        return
    hint = near(name, known)
    there = f"did you mean `{hint}`?" if hint else f"there are: {', '.join(known[:40]) or 'none at all'}."
    raise BadInput(f"`{place}`: {where} has no `{name}`; {there}")


def near(name: str, known: Iterable[str]) -> str:
    """The likeliest existing name, empty when none is close. Case and separators are the usual slip."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(name), plain, n=1)
    return plain[found[0]] if found else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


class Words:
    """SQL fragments for a checked mapping. Each `image` expression gives the canonical value of one column, which is
    what readers select and what the writer's guard compares, so that both look with the same eyes."""

    def __init__(self, settings: Ledger, catalogue: Catalogue) -> None:
        self._settings = settings
        self._types = catalogue.columns[settings.table]

    @property
    def table(self) -> Composable:
        return identifier(self._settings.schema, self._settings.table)

    def type(self, key: str) -> str:
        return self._types[getattr(self._settings.columns, key)]

    def column(self, key: str) -> Composable:
        return identifier(getattr(self._settings.columns, key))

    def mapped(self, key: str) -> bool:
        return bool(getattr(self._settings.columns, key))

    def image(self, key: str) -> Composable:
        """The canonical value: text, bigint minor units for `amount`, lower case for `currency`, timestamptz."""
        if key == "currency":
            return self._currency()
        if key in ("created_at", "updated_at", "confirmation_sent_at"):
            return self._time(key) if self.mapped(key) else SQL("NULL::timestamptz")
        if not self.mapped(key):
            return SQL("NULL::text")
        return self._amount() if key == "amount" else SQL("{}::text").format(self.column(key))

    def _currency(self) -> Composable:
        if self.mapped("currency"):
            return SQL("lower(btrim({}::text))").format(self.column("currency"))
        fixed = self._settings.currency.lower()
        return SQL("{}::text").format(sql.Literal(fixed)) if fixed else SQL("NULL::text")

    def _time(self, key: str) -> Composable:
        """timestamptz; a time without a zone is UTC."""
        column, kind = self.column(key), self.type(key)
        if kind == "timestamptz":
            return column
        if kind in ("timestamp", "date"):
            return SQL("({}::timestamp AT TIME ZONE 'UTC')").format(column)
        return SQL("to_timestamp(CASE WHEN {0} > {1} THEN {0} / 1000.0 ELSE {0} END)").format(
            column, sql.Literal(LARGEST_EPOCH_SECONDS)
        )

    def _amount(self) -> Composable:
        """bigint minor units by exact numeric arithmetic; NULL where the amount is none, is not finite, does not fit
        or has more decimals than its currency. `amount_raw` then still shows what is there."""
        column, kind = self.column("amount"), self.type("amount")
        major = self._settings.amount_unit == "major"
        if kind in WHOLE and not major:
            return SQL("{}::bigint").format(column)
        if kind in ("text", "varchar", "bpchar"):
            trimmed = SQL("btrim({}::text)").format(column)
            number = SQL("CASE WHEN {0} ~ {1} THEN {0}::numeric END").format(trimmed, sql.Literal(NUMBER_TEXT))
        else:
            number = SQL("{}::numeric").format(column)
        scaled = SQL("(({}) * ({}))").format(number, self._factor() if major else SQL("1"))
        return SQL("(CASE WHEN abs({0}) <= {1} AND {0} = trunc({0}) THEN trunc({0})::bigint END)").format(
            scaled, sql.Literal(BIGINT_MAX)
        )

    def _factor(self) -> Composable:
        """Minor units in one major unit, by the row's currency; NULL without one."""
        currency = self._currency()
        return SQL("CASE WHEN {0} IN ({1}) THEN 1 WHEN {0} IN ({2}) THEN 1000 WHEN {0} <> '' THEN 100 END").format(
            currency, _texts(money.ZERO_DECIMAL), _texts(money.THREE_DECIMAL)
        )

    def ledger(self) -> Composable:
        """The table as a relation of canonical columns."""
        epoch = SQL("floor(extract(epoch FROM {}))::bigint")
        created, updated = self.image("created_at"), self.image("updated_at")
        named = {
            "row_id": self.image("id"),
            "amount_minor": self.image("amount"),
            "amount_raw": SQL("{}::text").format(self.column("amount")),
            **{key: self.image(key) for key in ("intent_id", "user_id", "currency", "status", "order_key")},
            **{key: self.image(key) for key in ("failure_reason", "confirmation_sent_at")},
            "created": created,
            "updated": updated,
            "created_at": epoch.format(created),
            "updated_at": epoch.format(updated),
        }
        return _relation(named, self.table)

    def users(self) -> Composable:
        users = self._settings.users
        if users is None:
            return _nothing("user_id", "email", "customer")
        text = SQL("{}::text").format
        named = {
            "user_id": text(identifier(users.id)),
            "email": text(identifier(users.email)),
            "customer": text(identifier(users.customer)) if users.customer else SQL("NULL::text"),
        }
        return _relation(named, identifier(self._settings.schema, users.table))

    def events(self) -> Composable:
        events = self._settings.events
        if events is None:
            return _nothing("event_id")
        named: dict[str, Composable] = {"event_id": SQL("{}::text").format(identifier(events.id))}
        return _relation(named, identifier(self._settings.schema, events.table))


def identifier(*parts: str) -> Identifier:
    """A quoted name; a per cent sign in it is no placeholder."""
    return Identifier(*(part.replace("%", "%%") for part in parts))


def _relation(named: Mapping[str, Composable], table: Composable) -> Composable:
    columns = [SQL("{} AS {}").format(value, Identifier(name)) for name, value in named.items()]
    return SQL("(SELECT {} FROM {})").format(SQL(", ").join(columns), table)


def _nothing(*names: str) -> Composable:
    """A relation without rows, for what the target does not map."""
    columns = [SQL("NULL::text AS {}").format(Identifier(name)) for name in names]
    return SQL("(SELECT {} WHERE false)").format(SQL(", ").join(columns))


def _texts(values: Iterable[str]) -> Composable:
    return SQL(", ").join(sql.Literal(value) for value in sorted(values))
