"""Triage's notebook in this process, on any world: what its cells leave behind."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from practice.light import LightWorld
from runbook import target

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "00_triage.ipynb"


def triage_of(world: LightWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The notebook's variables after its last cell: `diagnosis`, `suspects`, `log`, …"""
    name = world.target_file(tmp_path / "targets")
    monkeypatch.setattr(target.read, "TARGETS", tmp_path / "targets")
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    for variable, value in world.environment.items():
        monkeypatch.setenv(variable, value)
    space: dict[str, Any] = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        exec(compile(ast.parse(cell.source), NOTEBOOK.stem, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space["target"] = name
    return space
