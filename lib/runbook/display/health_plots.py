"""The pictures of monitoring. Each stands beside its numbers, and is drawn from exactly those rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runbook.display.plots import GREEN, GREY, RED
from runbook.facts import Evidence, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORT = 15  # where nobody waited longer, a picture of a minute would be mostly empty
AMBER = "#9a6700"
ENDS = (("completed", GREEN, "completed"), ("failed_by_us", RED, "failed by us"),
        ("declined", GREY, "declined by the customer's bank"))  # fmt: skip
DELIVERIES = (("delivered", GREEN, "delivered"), ("undelivered", RED, "undelivered"),
              ("settled otherwise", AMBER, "settled otherwise"), ("on their way", GREY, "on their way"))  # fmt: skip


def plot_success(pieces: Evidence) -> Figure:
    """Payments by how they ended, piece by piece of the time."""
    days = len(pieces.rows) == 7
    labels = [datetime.fromtimestamp(row["from_at"], UTC).strftime("%d %b" if days else "%H:%M") for row in pieces.rows]
    figure, axes = canvas(2.6)
    stacked(axes, labels, pieces.rows, ENDS)
    return titled(figure, axes, f"How payments ended, from each {'day' if days else 'time'} on (UTC)", "payments")


def plot_deliveries(periods: Evidence) -> Figure:
    """Stripe's events by what became of them, in hundredths, because an hour beside a week would not be seen."""
    figure, axes = canvas(2.2)
    totals = [sum(row[name] for name, _, _ in DELIVERIES) for row in periods.rows]
    shares = [
        {name: 100 * row[name] / total if total else 0 for name, _, _ in DELIVERIES}
        for row, total in zip(periods.rows, totals, strict=True)
    ]
    labels = [f"{row['period']}\n{total:,} events" for row, total in zip(periods.rows, totals, strict=True)]
    stacked(axes, labels, shares, DELIVERIES)
    return titled(figure, axes, "What became of Stripe's events", "% of events")


def plot_waits(seconds: Sequence[float]) -> Figure:
    """From payment to confirmation: how many customers waited how long. Slower than a minute stands at a minute."""
    figure, axes = canvas(2.2)
    top = 60 if max(seconds, default=0) > SHORT else SHORT
    axes.hist([min(each, top) for each in seconds], bins=[*range(0, top + 1)], color=GREEN)
    axes.set_xlabel("seconds from payment to confirmation" + ("; 60: a minute or more" if top > SHORT else ""))
    return titled(figure, axes, f"How long {len(seconds):,} customers waited in the last week", "customers")


def plot_reasons(reasons: Evidence) -> Figure:
    """Reasons of failures in the last week, those of ours red."""
    rows = list(reversed(reasons.rows))
    figure, axes = canvas(0.6 + 0.25 * max(len(rows), 2))
    colours = [RED if row["whose"] == "ours" else GREY for row in rows]
    bars = axes.barh([row["reason"] for row in rows], [row["last week"] for row in rows], color=colours)
    axes.bar_label(bars, padding=3, fontsize=8)
    return titled(figure, axes, "Why payments failed in the last week: ours red, customers' banks grey", "")


def plot_stuck(ages: Evidence) -> Figure:
    """Stuck payments by how long they have waited."""
    figure, axes = canvas(2.0)
    bars = axes.bar([row["waiting"] for row in ages.rows], [row["payments"] for row in ages.rows], color=RED)
    axes.bar_label(bars, padding=2, fontsize=8)
    axes.margins(y=0.2)  # room for the numbers under the title
    return titled(figure, axes, "How long stuck payments have waited", "payments")


def canvas(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, figure.subplots()


def stacked(axes: Axes, labels: Sequence[str], rows: Sequence[Row], parts: Sequence[tuple[str, str, str]]) -> None:
    bottom: list[Any] = [0] * len(labels)
    for name, colour, label in parts:
        counts = [row[name] for row in rows]
        axes.bar(range(len(labels)), counts, bottom=bottom, color=colour, label=label)
        bottom = [low + count for low, count in zip(bottom, counts, strict=True)]
    axes.set_xticks(range(len(labels)), labels)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def titled(figure: Figure, axes: Axes, title: str, counted: str) -> Figure:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel(counted)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
