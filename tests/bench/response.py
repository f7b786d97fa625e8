"""What does running a notebook cost beside what its cells do?

One practice world of 2,000 payments, one fault; triage's cells in a plain Python process (the floor), the same notebook
by papermill's own command, by `./runbook run`, and the whole dry response, which runs four notebooks. Wall seconds, the
median of three, all in one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from practice.world import World

ROUNDS = 3
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CELLS = """
import json, sys
space = {}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), space)
"""


def measure(arguments: Sequence[str] = ()) -> dict[str, float]:
    """Figure → seconds, or a ratio where its name says so."""
    triage = str(NOTEBOOKS / "00_triage.ipynb")
    with tempfile.TemporaryDirectory() as scratch:
        parameters = Path(scratch) / "triage.yaml"
        parameters.write_text("target: practice\n", encoding="utf-8")
        runbook = [sys.executable, "-m", "runbook"]
        commands = {
            "triage, its cells in a plain process": [sys.executable, "-c", CELLS, triage],
            "triage, papermill's command": [sys.executable, "-m", "papermill", triage, f"{scratch}/out.ipynb"],
            "triage, runbook run": [*runbook, "run", "00_triage", "-f", str(parameters)],
            "whole dry response, four notebooks": [*runbook, "respond", "--target", "practice"],
        }
        with World.open(Path(scratch) / "world", live=False) as world:
            world.inject("database_rollback", live=False)
            environment = {**os.environ, **world.environment, "RUNBOOK_OUTPUTS": f"{scratch}/outputs"}
            figures = {name: median(command, environment) for name, command in commands.items()}
    floor, papermill, ours, _ = figures.values()
    return {**figures, "ratio runbook run / plain cells": round(ours / floor, 2),
            "ratio runbook run / papermill's command": round(ours / papermill, 2)}  # fmt: skip


def median(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of wall time, the median of the rounds after one that is not counted."""
    seconds = []
    for _ in range(ROUNDS + 1):
        started = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1, 3):  # an incident is found in all of them
            raise SystemExit(f"bench: {' '.join(command[:4])} ended with {done.returncode}: {done.stderr[-300:]}")
        seconds.append(time.monotonic() - started)
    return round(statistics.median(seconds[1:]), 2)
