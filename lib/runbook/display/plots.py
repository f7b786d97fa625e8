"""Plots. Each stands beside its numbers, because a picture alone can be neither compared nor read by a machine."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbook.facts import Evidence
from runbook.judgement.reconciliation import Reconciliation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 110
GREEN, RED, GREY = "#1a7f37", "#b3261e", "#8c959f"


def plot_minutes(minutes: Evidence, percent: int) -> Figure:
    """Payments per minute by how they ended, with the minutes below the target share marked red."""
    from matplotlib import dates
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    times = [datetime.fromtimestamp(row["minute_at"], UTC) for row in minutes.rows]
    bottom = [0] * len(times)
    for name, colour, label in (
        ("completed", GREEN, "completed"),
        ("not_completed", RED, "paid but not recorded, or failed by us"),
        ("declined_by_bank", GREY, "declined by the customer's bank"),
    ):
        counts = [row[name] for row in minutes.rows]
        axes.bar(times, counts, width=0.0006, bottom=bottom, color=colour, label=label)
        bottom = [low + count for low, count in zip(bottom, counts, strict=True)]
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=UTC))
    axes.set_ylabel("payments per minute")
    axes.set_title(
        f"How payments ended, by the minute they began (UTC); target above {percent} %", loc="left", fontsize=10
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_classes(result: Reconciliation) -> Figure:
    """How many payments lie in each class that is not plainly matched, by what it means."""
    from matplotlib.figure import Figure

    counts: dict[tuple[str, str], int] = {}
    for each in result.by_class:
        if each.class_ != "matched":
            counts[each.outcome, each.class_] = counts.get((each.outcome, each.class_), 0) + each.items
    ordered = sorted(counts, key=lambda key: (("ok", "pending", "break").index(key[0]), counts[key]))
    figure = Figure(figsize=(9, 0.4 + 0.3 * max(len(ordered), 1)), layout="constrained")
    axes = figure.subplots()
    colours = {"break": RED, "pending": "#9a6700", "ok": GREY}
    bars = axes.barh([name for _, name in ordered], [counts[key] for key in ordered],
                     color=[colours[outcome] for outcome, _ in ordered])  # fmt: skip
    axes.bar_label(bars, padding=3, fontsize=8)
    axes.set_title("Payments that are not plainly matched: breaks red, pending amber, ok grey", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_rate(minutes: Evidence, account_per_second: int, endpoint_per_second: int) -> Figure:
    """The busiest second of each minute: calls to Stripe against its limits, customers' requests as a line beside them.
    Minutes with refusals are red."""
    from matplotlib import dates
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    times = [datetime.fromtimestamp(row["minute_at"], UTC) for row in minutes.rows]
    for name, colour, kept in (
        ("calls to Stripe, none refused", GREY, [not row["refused"] for row in minutes.rows]),
        ("calls to Stripe, some refused", RED, [bool(row["refused"]) for row in minutes.rows]),
    ):
        drawn = [row["busiest second"] if keep else 0 for row, keep in zip(minutes.rows, kept, strict=True)]
        axes.bar(times, drawn, width=0.0006, color=colour, label=name)
    requests = [row["requests' busiest second"] for row in minutes.rows]
    axes.plot(times, requests, ".", color=GREEN, markersize=4, label="customers' requests")
    for limit, label, style in ((account_per_second, "the account", "-"), (endpoint_per_second, "an endpoint", "--")):
        axes.axhline(limit, color="#24292f", linewidth=0.8, linestyle=style, label=f"limit of {label}: {limit:,}")
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M", tz=UTC))
    axes.set_ylabel("in the busiest second")
    axes.set_title("Calls to Stripe in the busiest second of each minute (UTC)", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def as_png(figure: Figure) -> bytes:
    """The figure as a picture that is the same byte for byte whenever the same numbers are drawn."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return picture.getvalue()
