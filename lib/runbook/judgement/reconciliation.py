"""What a reconciliation says: items, totals by class, identities, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import pandas


class Item(msgspec.Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One pair or one lone object; amounts in minor units, times in epoch seconds.

    `gateway_minor` is what Stripe received (asked for, while unpaid), `ledger_minor` what the row says.
    `difference_minor` is what Stripe holds for us today less what the ledger counts as ours, None where that cannot be
    said. `would_be` is the class that a grace or the edge of the window holds back.
    """

    side: Literal["both", "gateway", "ledger"]
    intent_id: str | None
    row_id: str | None
    object_ids: tuple[str, ...]
    user_id: str | None
    order_key: str | None
    class_: str
    outcome: Literal["ok", "pending", "break"]
    priority: Literal["P1", "P2", "P3", "P4", "none"]
    age_bucket: str
    currency: str | None
    gateway_minor: int | None
    ledger_minor: int | None
    difference_minor: int | None
    gateway_status: str | None
    ledger_status: str | None
    created_at: int | None
    break_on: int | None
    reason: str
    would_be: str | None
    ledger_currency: str | None
    ledger_meaning: str | None
    gateway_held_minor: int | None
    ledger_held_minor: int | None
    paid_at: int | None
    metadata_row_id: str | None
    metadata_user_id: str | None


class ClassTotal(msgspec.Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What lies in one class and currency."""

    class_: str
    outcome: str
    priority: str
    currency: str | None
    items: int
    gateway_minor: int
    ledger_minor: int
    difference_minor: int


class Identity(msgspec.Struct, frozen=True):
    """Two numbers that must be equal: as read, and as found again in the items."""

    statement: str
    currency: str | None
    read: int
    found: int

    @property
    def residual(self) -> int:
        return self.read - self.found


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """The result. The same facts give the same result in whatever order they come, byte for byte (`to_json`)."""

    verdict: Literal["clean", "breaks", "incomplete"]
    incomplete_because: tuple[str, ...]
    items: tuple[Item, ...]
    by_class: tuple[ClassTotal, ...]
    identities: tuple[Identity, ...]
    repeated: dict[str, int]

    @property
    def discrepancies(self) -> tuple[Item, ...]:
        """The breaks, most urgent first, then oldest first."""
        breaks = (item for item in self.items if item.outcome == "break")
        return tuple(sorted(breaks, key=lambda item: (item.priority, item.created_at or 0, *_ids(item))))

    @property
    def headline(self) -> str:
        if not self.identities:
            return f"{self.verdict}: nothing could be classified"
        return f"{self.verdict}: {len(self.discrepancies)} discrepancies in {len(self.items):,} items"

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)


def as_frame(rows: Sequence[Item | ClassTotal]) -> pandas.DataFrame:
    """The same rows for tables and plots; amounts stay whole numbers (`Int64`), missing ones `<NA>`."""
    import pandas  # a second of import that a headless check need not pay

    names = [each.encode_name for each in msgspec.structs.fields(type(rows[0]))] if rows else []
    frame = pandas.DataFrame({name: [] for name in names})
    columns = zip(names, zip(*map(msgspec.structs.astuple, rows), strict=True), strict=True)
    for name, values in columns:
        whole = name == "items" or name.endswith(("_minor", "_at", "_on"))
        frame[name] = pandas.array(values, dtype="Int64") if whole else pandas.Series(values, dtype=object)
    return frame


def _ids(item: Item) -> tuple[str, str, tuple[str, ...]]:
    return item.intent_id or "", item.row_id or "", item.object_ids
