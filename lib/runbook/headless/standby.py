"""Staying at hand: what is approved while a response waits is carried out at once, by kernels that are warm."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from runbook import record
from runbook.journal import Journal

# Somebody who approves from another terminal notices no delay, and a journal on a share is not hammered.
LOOK_EVERY_SECONDS = 0.2


def next_approved(directory: Path, minutes: int) -> dict[str, Any] | None:
    """The next plan of this incident that somebody has approved and nobody has carried out, as the record holds it.

    Waits at most so many minutes for the approval. None when the time is over, or no plan waits for a yes.
    """
    give_up = time.monotonic() + 60 * minutes
    while True:
        plans = open_plans(directory)
        approved = [plan for plan in plans if plan["state"] == "approved"]
        if approved or not plans or time.monotonic() > give_up:
            return approved[0] if approved else None
        time.sleep(LOOK_EVERY_SECONDS)


def open_plans(directory: Path) -> list[dict[str, Any]]:
    """The newest plan of each remedy, where it has steps and was not carried out."""
    plans = record.fold(directory.name, Journal(directory / "journal.jsonl").entries())["plans"]
    newest = {plan["remedy"]: plan for plan in plans}
    return [plan for plan in newest.values() if plan["steps"] and plan["state"] in ("awaiting approval", "approved")]
