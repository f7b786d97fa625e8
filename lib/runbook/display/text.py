"""Cards as plain text, for terminals, logs and the comparison of committed notebooks.

Whatever a card holds, its text is inert: no control character, no direction mark, and one line where one is meant.
"""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from runbook.display.card import Card, Table
from runbook.redact import one_line

WIDTH = 110
CELL_MAX = 60
MARKS = {"good": "[ok] ", "bad": "[!!] ", "unsure": "[??] ", "plain": ""}


def render(card: Card, width: int = WIDTH) -> str:
    parts = [MARKS[card.tone] + one_line(card.title)]
    parts += [wrapped(line, width) for line in card.lines]
    parts += [wrapped(f"struck out: {line}", width) for line in card.struck]
    if card.table:
        parts.append(textwrap.indent(grid(card.table), "  "))
    if card.note:
        parts.append(wrapped(card.note, width))
    if card.by_hand:
        parts.append(f"  by hand: {by_hand(card.by_hand)}")  # unbroken, because it is copied
    return "\n".join(parts)


def by_hand(command: str) -> str:
    """A command of one line; of a longer one the first, and where the whole of it is."""
    first, *rest = command.splitlines() or [""]
    return f"{one_line(first)} … {len(rest)} more lines, all in .by_hand" if rest else one_line(first)


def wrapped(line: str, width: int = WIDTH) -> str:
    return textwrap.fill(one_line(line), width, initial_indent="  ", subsequent_indent="    ", break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def grid(table: Table) -> str:
    """Columns as wide as their widest text; what is longer than a cell goes on below, because the end may matter."""
    rows = [tuple(folded(text) for text in row) for row in (table.columns, *table.rows)]
    widths = [max(len(line) for row in rows for line in row[index]) for index in range(len(table.columns))]
    lines = ["  ".join("-" * width for width in widths)]
    for row in rows[1:]:
        lines += aligned(row, widths)
    return "\n".join([*aligned(rows[0], widths), *lines, *([table.cut] if table.cut else [])])


def folded(text: str) -> list[str]:
    return textwrap.wrap(one_line(text), CELL_MAX, break_on_hyphens=False) or [""]


def aligned(row: tuple[list[str], ...], widths: list[int]) -> list[str]:
    """The lines of one row, each cell's beside each other."""
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*row, fillvalue="")
    ]
