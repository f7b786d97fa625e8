"""Do the gateway and the ledger agree, payment by payment? Facts in, one class for every item out.

Pure: it reads no network, no clock and no file but its own SQL. The rules are judgement/sql/classify.sql; this module
loads the facts into DuckDB, runs the rules, then the second pass by order, and proves that nothing was lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import duckdb
import msgspec

from runbook.errors import BadInput
from runbook.judgement import questions
from runbook.judgement.classes import CLASSES
from runbook.judgement.columns import KINDS, Loaded, MetadataKeys, columns, load, with_intents
from runbook.judgement.reconciliation import ClassTotal, Identity, Item, Reconciliation
from runbook.money import THREE_DECIMAL, ZERO_DECIMAL

Meaning = Literal["pending", "completed", "failed", "refunded", "disputed", "canceled"]
# A day's payments need some tens of megabytes; the limit is there so that a surprise fails here and not on the host.
MEMORY_LIMIT = "1GB"
CONFIG = {
    "memory_limit": MEMORY_LIMIT,
    "threads": "2",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
}


@dataclass(frozen=True)
class ReconciliationFacts:
    """Both sides as read: gateway bodies as Stripe's API sends them, ledger rows with mapped column names.

    `complete_*` is False when a read was cut off, sampled or failed.
    """

    intents: Sequence[Mapping[str, Any]] = ()
    charges: Sequence[Mapping[str, Any]] = ()
    refunds: Sequence[Mapping[str, Any]] = ()
    disputes: Sequence[Mapping[str, Any]] = ()
    ledger: Sequence[Mapping[str, Any]] = ()
    complete_gateway: bool = True
    complete_ledger: bool = True


@dataclass(frozen=True)
class ReconciliationSettings:
    """Times in epoch seconds, the window from start (inclusive) to end (exclusive), the same on both sides.

    `gateway_grace_seconds` is how long Stripe may lag behind the ledger, `ledger_grace_seconds` the reverse (a webhook
    on its way). `stuck_after_seconds` parts a checkout still going on from an abandoned one: half an hour, as triage.
    `counterparts_asked_by_id` says that the other side of each lone object was also asked for by its id, whatever the
    window: then the window's edges excuse nothing.
    """

    window_start: int
    window_end: int
    as_of: int
    gateway_grace_seconds: int
    ledger_grace_seconds: int
    stuck_after_seconds: int = 1800
    status_map: Mapping[str, Meaning] = field(default_factory=dict)
    livemode_expected: bool = True
    counterparts_asked_by_id: bool = False
    metadata_keys: MetadataKeys = field(default_factory=MetadataKeys)

    def __post_init__(self) -> None:
        if self.window_end <= self.window_start:
            raise BadInput("The window ends before it starts; swap `window_start` and `window_end`.")
        if min(self.gateway_grace_seconds, self.ledger_grace_seconds, self.stuck_after_seconds) < 0:
            raise BadInput("A grace is less than 0 seconds; give 0 or more.")
        if unknown := sorted(set(self.status_map.values()) - set(get_args(Meaning))):
            raise BadInput(f"`status_map` leads to `{unknown[0]}`; allowed are {', '.join(get_args(Meaning))}.")


def reconcile(facts: ReconciliationFacts, settings: ReconciliationSettings) -> Reconciliation:
    """Classify everything that was read. Raises CannotLook for facts that cannot be read exactly."""
    loaded = _loaded(facts, settings.metadata_keys)
    with duckdb.connect(":memory:", config=CONFIG) as database:
        for table in loaded.values():
            _fill(database, table.kind, [(each.name, each.type) for each in table.columns], table.rows.values())
        _classify(database, settings)
        items = tuple(_structs(database, "FROM items", Item))
        by_class = tuple(_structs(database, questions.text("by_class"), ClassTotal))
        identities = tuple(_identities(database, loaded))
    reasons = tuple(_incomplete(facts, loaded, identities))
    broken = any(item.outcome == "break" for item in items)
    return Reconciliation(
        verdict="incomplete" if reasons else "breaks" if broken else "clean",
        incomplete_because=reasons,
        items=items,
        by_class=by_class,
        identities=identities,
        repeated={kind: table.repeated for kind, table in loaded.items()},
    )


def _loaded(facts: ReconciliationFacts, keys: MetadataKeys) -> dict[str, Loaded]:
    wanted = columns(keys)
    loaded = {kind: load(kind, wanted[kind], getattr(facts, kind)) for kind in KINDS}
    for kind in ("refunds", "disputes"):
        loaded[kind] = with_intents(loaded[kind], loaded["charges"])
    return loaded


def _classify(database: duckdb.DuckDBPyConnection, settings: ReconciliationSettings) -> None:
    """First pass by payment; if an order was paid twice, the rules once more with that knowledge."""
    text = [("word", "VARCHAR"), ("meaning", "VARCHAR")]
    _fill(database, "status_words", text, settings.status_map.items())
    text = [("class", "VARCHAR"), ("outcome", "VARCHAR"), ("priority", "VARCHAR")]
    _fill(database, "classes", text, [(each.name, each.outcome, each.priority) for each in CLASSES.values()])
    database.execute("CREATE TABLE double_charges (intent_id VARCHAR, kept_intent_id VARCHAR, order_key VARCHAR)")
    parameters = {
        "window_start": settings.window_start,
        "window_end": settings.window_end,
        "as_of": settings.as_of,
        "gateway_grace": settings.gateway_grace_seconds,
        "ledger_grace": settings.ledger_grace_seconds,
        "stuck_after": settings.stuck_after_seconds,
        "livemode_expected": settings.livemode_expected,
        "counterparts_asked_by_id": settings.counterparts_asked_by_id,
        "three_decimal": sorted(THREE_DECIMAL),
        "zero_decimal": sorted(ZERO_DECIMAL),
    }
    database.execute(f"CREATE TABLE items AS {questions.text('classify')}", parameters)
    database.execute(f"INSERT INTO double_charges {questions.text('double_charges')}")
    if database.execute("SELECT count(*) FROM double_charges").fetchone() != (0,):
        database.execute(f"CREATE OR REPLACE TABLE items AS {questions.text('classify')}", parameters)


def _identities(database: duckdb.DuckDBPyConnection, loaded: Mapping[str, Loaded]) -> Iterable[Identity]:
    found = {(row[0], row[1]): row[2:] for row in database.execute(questions.text("identities")).fetchall()}
    for kind, table in loaded.items():
        read = table.totals()
        for currency in sorted({*read, *(code for each, code in found if each == kind)}, key=str):
            count, amount = read.get(currency, (0, 0))
            objects, twice, amount_found, _ = found.get((kind, currency), (0, 0, 0, None))
            yield Identity(f"{kind}: number read, number in items", currency, count, objects)
            yield Identity(f"{kind}: none lies in two items", currency, 0, twice)
            yield Identity(f"{kind}: sum read, sum in items", currency, amount, int(amount_found))
    for (kind, currency), (_, _, held, explained) in found.items():
        if kind == "held":
            statement = "held at Stripe less counted by the ledger, sum of the differences"
            yield Identity(statement, currency, int(held), int(explained))


def _incomplete(
    facts: ReconciliationFacts, loaded: Mapping[str, Loaded], identities: Iterable[Identity]
) -> Iterable[str]:
    if not facts.complete_gateway:
        yield "Stripe's side was not read to its end."
    if not facts.complete_ledger:
        yield "The ledger's side was not read to its end."
    for kind, table in loaded.items():
        if table.contradictory:
            some = ", ".join(f"`{each}`" for each in table.contradictory[:3])
            count = len(table.contradictory)
            yield f"{count} of the {kind} came twice with different contents ({some}); read them again."
    for each in identities:
        if each.residual:
            yield f"{each.statement} ({each.currency}): {each.read} and {each.found} differ by {each.residual}."


def _fill(
    database: duckdb.DuckDBPyConnection, name: str, typed: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]
) -> None:
    """Make a table of rows with explicit types; a list per column, because row by row takes 50 times as long."""
    database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {type}' for column, type in typed)})")
    lists = [list(values) for values in zip(*rows, strict=True)]
    if lists:
        unnested = ", ".join(f"unnest(?::{type}[])" for _, type in typed)
        database.execute(f"INSERT INTO {name} SELECT {unnested}", lists)


def _structs(database: duckdb.DuckDBPyConnection, query: str, shape: type[Any]) -> Iterable[Any]:
    """Each row as one `shape`, matched by column name."""
    result = database.execute(query)
    names = [each[0] for each in result.description]
    return [msgspec.convert(dict(zip(names, row, strict=True)), shape) for row in result.fetchall()]
