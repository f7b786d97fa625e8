"""Cards as plain text, for terminals, logs and the comparison of committed notebooks."""

from __future__ import annotations

import textwrap

from runbook.display.card import Card, Table

WIDTH = 110
CELL_MAX = 60
MARKS = {"good": "[ok] ", "bad": "[!!] ", "unsure": "[??] ", "plain": ""}


def render(card: Card) -> str:
    parts = [MARKS[card.tone] + card.title]
    parts += [wrapped(line) for line in card.lines]
    parts += [wrapped(f"struck out: {line}") for line in card.struck]
    if card.table:
        parts.append(textwrap.indent(grid(card.table), "  "))
    if card.note:
        parts.append(wrapped(card.note))
    if card.by_hand:
        parts.append(wrapped(f"by hand: {card.by_hand}"))
    return "\n".join(parts)


def wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def grid(table: Table) -> str:
    rows = [tuple(short(text) for text in row) for row in (table.columns, *table.rows)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines + ([table.cut] if table.cut else []))


def short(text: str) -> str:
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"
