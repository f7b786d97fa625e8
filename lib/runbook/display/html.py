"""Cards as HTML. Every piece of text is made inert and escaped; no script, no link to anywhere, and styles that stand
in the element, because a notebook's page keeps nothing else."""

from __future__ import annotations

import html

from runbook.display.card import Card, Table
from runbook.redact import one_line, redact

COLOURS = {"good": "#1a7f37", "bad": "#b3261e", "unsure": "#9a6700", "plain": "#57606a"}
BOX = "border-left:4px solid {colour};padding:.4em .9em;margin:.2em 0;max-width:68em"
SMALL = "color:#57606a;font-size:.88em;margin:.25em 0"
CELL = "text-align:left;padding:.2em .9em .2em 0;vertical-align:top;border-bottom:1px solid #d0d7de66"

UNBROKEN_CHARACTERS = 36  # a UUID


def escape(text: str) -> str:
    """Text that is shown as it is written, on one line, and acts on nothing."""
    return html.escape(one_line(text))


def render(card: Card) -> str:
    colour = COLOURS[card.tone]
    badge = f' <span style="color:{colour}">{escape(card.badge)}</span>' if card.badge else ""
    parts = [f'<div style="{BOX.format(colour=colour)}"><div><strong>{escape(card.title)}</strong>{badge}</div>']
    parts += [f'<div style="margin:.2em 0">{escape(line)}</div>' for line in card.lines]
    parts += [f'<div style="{SMALL}"><s>{escape(line)}</s></div>' for line in card.struck]
    if card.table:
        parts.append(grid(card.table))
    if card.note:
        parts.append(f'<div style="{SMALL}">{escape(card.note)}</div>')
    if card.by_hand:
        hand = f"<summary>The same by hand</summary>{command(card.by_hand)}"
        parts.append(f'<details style="{SMALL}">{hand}</details>')
    return "".join([*parts, "</div>"])


def command(text: str) -> str:
    """As it is typed; one of several lines keeps them, because it is pasted. A pasted tab would ask psql what may
    follow, so it becomes spaces."""
    if "\n" not in text.strip():
        return f"<code>{escape(text)}</code>"
    return f'<pre style="white-space:pre-wrap;margin:.3em 0">{html.escape(redact(text).expandtabs(4))}</pre>'


def grid(table: Table) -> str:
    head = "".join(
        f'<th style="{CELL};font-weight:600">{escape(name).replace("_", " ")}</th>' for name in table.columns
    )
    rows = "".join("<tr>" + "".join(cell(text) for text in row) + "</tr>" for row in table.rows)
    cut = f'<div style="{SMALL}">{escape(table.cut)}</div>' if table.cut else ""
    return (
        '<table style="border-collapse:collapse;margin:.4em 0;font-size:.92em">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{cut}"
    )


def cell(text: str) -> str:
    """Ids, times and amounts stay on one line; only prose is broken."""
    wrap = "" if len(text) > UNBROKEN_CHARACTERS else ";white-space:nowrap"
    return f'<td style="{CELL}{wrap}">{escape(text)}</td>'
