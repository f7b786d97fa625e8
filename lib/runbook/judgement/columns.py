"""Which columns of Stripe's bodies and of the ledger's rows a reconciliation reads, and as what.

Bodies are cut down to these columns and nothing else, every value with its type: an amount that is not a whole
number of minor units is refused, because a silent rounding would reconcile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from runbook.errors import CannotLook

Row = tuple[Any, ...]
BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True)
class Column:
    """`path` leads through a body to the value; `type` is DuckDB's word for it."""

    name: str
    type: str
    path: tuple[str, ...]
    fold: Callable[[str], str] = str.strip


def _code(text: str) -> str:
    return text.strip().lower()


def _text(name: str, *path: str) -> Column:
    return Column(name, "VARCHAR", path or (name,))


def _number(name: str, *path: str) -> Column:
    return Column(name, "BIGINT", path or (name,))


def _flag(name: str) -> Column:
    return Column(name, "BOOLEAN", (name,))


CURRENCY = Column("currency", "VARCHAR", ("currency",), _code)
AMOUNT = _number("amount_minor", "amount")
CREATED = _number("created_at", "created")
INTENT = _text("intent_id", "payment_intent")
CHARGE = _text("charge_id", "charge")
KINDS = ("intents", "charges", "refunds", "disputes", "ledger")


@dataclass(frozen=True)
class MetadataKeys:
    """Under which metadata keys the service names its own row, user and order on a payment intent."""

    row: str = "transactionId"
    user: str = "userId"
    order: str = "orderId"


def columns(keys: MetadataKeys) -> dict[str, tuple[Column, ...]]:
    """The tables that sql/classify.sql reads, first column always the id."""
    return {
        "intents": (
            *(_text("id"), _flag("livemode"), _text("status"), AMOUNT, _number("received_minor", "amount_received")),
            *(CURRENCY, CREATED, _text("named_row", "metadata", keys.row)),
            *(_text("named_user", "metadata", keys.user), _text("named_order", "metadata", keys.order)),
        ),
        "charges": (
            *(_text("id"), INTENT, _flag("livemode"), _text("status"), _flag("captured"), AMOUNT),
            *(_number("captured_minor", "amount_captured"), _number("refunded_minor", "amount_refunded")),
            *(CURRENCY, _flag("disputed"), CREATED),
        ),
        "refunds": (_text("id"), INTENT, CHARGE, _text("status"), AMOUNT, CURRENCY, CREATED),
        "disputes": (_text("id"), INTENT, CHARGE, _flag("livemode"), _text("status"), AMOUNT, CURRENCY, CREATED),
        "ledger": (
            *(_text("row_id"), _text("intent_id"), _text("user_id"), _number("amount_minor"), CURRENCY),
            *(_text("status"), _text("order_key"), _number("created_at"), _number("updated_at")),
        ),
    }


@dataclass(frozen=True)
class Loaded:
    """One kind of object, each id once. `repeated` counts what overlapping pages brought again; `contradictory` names
    ids that came with different contents."""

    kind: str
    columns: tuple[Column, ...]
    rows: Mapping[str, Row]
    repeated: int
    contradictory: tuple[str, ...]

    def position(self, name: str) -> int:
        return next(place for place, column in enumerate(self.columns) if column.name == name)

    def totals(self) -> dict[str | None, tuple[int, int]]:
        """Currency → (objects, sum of their amounts in minor units)."""
        amount, currency = self.position("amount_minor"), self.position("currency")
        sums: dict[str | None, tuple[int, int]] = {}
        for row in self.rows.values():
            count, minor = sums.get(row[currency], (0, 0))
            sums[row[currency]] = (count + 1, minor + (row[amount] or 0))
        return sums


def load(kind: str, wanted: tuple[Column, ...], bodies: Iterable[Mapping[str, Any]]) -> Loaded:
    """Cut bodies down to rows, one per id; raises CannotLook for a body that cannot be read exactly."""
    rows: dict[str, Row] = {}
    repeated, contradictory = 0, set()
    for body in bodies:
        row = tuple(_value(kind, column, body) for column in wanted)
        if row[0] is None:
            raise CannotLook(f"One of the {kind} came without an id; the export is damaged, read it again.")
        known = rows.setdefault(row[0], row)
        if known is row:
            continue
        repeated += 1
        if known != row:
            contradictory.add(row[0])
            rows[row[0]] = min(known, row, key=repr)  # whichever came first, the result stays the same
    return Loaded(kind, wanted, rows, repeated, tuple(sorted(contradictory)))


def with_intents(children: Loaded, charges: Loaded) -> Loaded:
    """Refunds or disputes that name only a charge get the intent of that charge, and so find their payment."""
    intent, charge = children.position("intent_id"), children.position("charge_id")
    of_charge = {row[0]: row[charges.position("intent_id")] for row in charges.rows.values()}
    rows = {
        id: row if row[intent] else (*row[:intent], of_charge.get(row[charge]), *row[intent + 1 :])
        for id, row in children.rows.items()
    }
    return Loaded(children.kind, children.columns, rows, children.repeated, children.contradictory)


def _value(kind: str, column: Column, body: Mapping[str, Any]) -> Any:
    value: Any = body
    for step in column.path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):  # an expanded object stands where its id would
        value = value.get("id")
    if value is None:
        return None
    if column.type == "VARCHAR" and isinstance(value, (str, int, UUID)) and not isinstance(value, bool):
        return column.fold(str(value)) or None
    if column.type == "BOOLEAN" and isinstance(value, bool):
        return value
    if column.type == "BIGINT" and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= BIGINT_MAX:
        return value
    wanted = {"VARCHAR": "text", "BOOLEAN": "true or false", "BIGINT": "a whole number"}[column.type]
    raise CannotLook(
        f"`{'.'.join(column.path)}` of one of the {kind} is `{value!r}`, which is not {wanted}; "
        "correct the export, amounts are whole minor units."
    )
