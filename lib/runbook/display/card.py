"""A card: the one shape in which anything is shown. It holds plain text only; the renderers do the escaping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook import clock, money
from runbook.redact import redact

# A screen's worth. What is left out is always counted beside the table.
ROWS_SHOWN = 10


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int

    @property
    def cut(self) -> str:
        return f"{len(self.rows)} of {self.total:,} rows" if self.total > len(self.rows) else ""


@dataclass(frozen=True)
class Card:
    """`tone` is good, bad, unsure or plain; `struck` lines are shown crossed out."""

    title: str
    tone: str = "plain"
    lines: tuple[str, ...] = ()
    struck: tuple[str, ...] = ()
    table: Table | None = None
    note: str = ""
    by_hand: str = ""
    badge: str = ""  # a finding's answer


def table(rows: Sequence[Mapping[str, Any]], shown: int = ROWS_SHOWN) -> Table | None:
    """Rows as text: amounts with their currency, instants as times, nothing that could act on a screen."""
    if not rows:
        return None
    visible = [friendly(row) for row in rows[:shown]]
    columns = tuple(dict.fromkeys(name for row in visible for name in row))
    cells = tuple(tuple(cell(name, row.get(name)) for name in columns) for row in visible)
    return Table(columns, cells, len(rows))


def friendly(row: Mapping[str, Any]) -> dict[str, Any]:
    """`amount_minor` and `currency` as one amount; columns that only findings need left out."""
    shown = {name: value for name, value in row.items() if name not in HIDDEN}
    if "amount_minor" in row and "currency" in row:
        amount = money.show(row["amount_minor"], row["currency"]) if row["currency"] else ""
        shown = {name: amount if name == "amount_minor" else value for name, value in shown.items()}
        shown = {"amount" if name == "amount_minor" else name: value for name, value in shown.items()}
        del shown["currency"]
    return shown


HIDDEN = frozenset({"row_amount_minor", "row_currency", "customer", "order_key"})


def cell(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if name.endswith("_at") and isinstance(value, int):
        value = datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return clock.show(value).removesuffix(" UTC")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, tuple | list):
        return ", ".join(str(each) for each in value[:4]) + (f" and {len(value) - 4} more" if len(value) > 4 else "")
    return redact(str(value))
