"""A card: the one shape in which anything is shown. It holds plain text; the renderers make it inert and escape it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook import clock, money
from runbook.redact import one_line

# A screen's worth. What is left out is always counted beside the table.
ROWS_SHOWN, LISTED = 10, 4
# Year 5138: a larger number counts something else than seconds.
EPOCH_MAX = 100_000_000_000


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
    return Table(tuple(heading(name) for name in columns), cells, len(rows))


def heading(name: str) -> str:
    """Times say in the heading that they are UTC, and not in every cell."""
    return f"{name} UTC" if name.endswith("_at") else name


def friendly(row: Mapping[str, Any]) -> dict[str, Any]:
    """`amount_minor` and `currency` as one amount; columns that only findings need left out."""
    shown = {name: value for name, value in row.items() if name not in HIDDEN}
    if "amount_minor" in row and "currency" in row:
        minor, currency = row["amount_minor"], row["currency"] or ""
        amount = money.show(minor, currency) if currency and minor is not None else minor or None
        shown = {"amount" if name == "amount_minor" else name: value for name, value in shown.items()}
        shown["amount"] = amount
        del shown["currency"]
    return shown


HIDDEN = frozenset({"row_amount_minor", "row_currency", "row_updated", "customer", "order_key"})


def cell(name: str, value: Any) -> str:
    if value is None or value in ("", (), []):
        return "—"
    if name.endswith("_at"):
        return instant(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if name.endswith("id") else f"{value:,}"
    if isinstance(value, tuple | list):
        more = f" and {len(value) - LISTED} more" if len(value) > LISTED else ""
        return ", ".join(one_line(str(each)) for each in value[:LISTED]) + more
    return one_line(str(value))


def instant(value: Any) -> str:
    """An epoch or a datetime as a time; what is neither stays as it came."""
    if isinstance(value, int) and abs(value) < EPOCH_MAX:
        value = datetime.fromtimestamp(value, UTC)
    return clock.show(value).removesuffix(" UTC") if isinstance(value, datetime) else one_line(str(value))
