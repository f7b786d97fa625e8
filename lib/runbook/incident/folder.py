"""Where incidents are kept: one folder each, named by its id, with the journal in it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.errors import BadInput, BrokenRecord, CannotLook
from runbook.journal import Journal

# The prefix keeps YAML from reading an id as a number or a date; the alphabet keeps it a plain folder name.
ID = re.compile(r"inc-[a-z0-9]+(-[a-z0-9]+)*")


def outputs() -> Path:
    """Where incident directories lie; `RUNBOOK_OUTPUTS` moves them, for instance to a share."""
    moved = os.environ.get("RUNBOOK_OUTPUTS")
    return Path(moved) if moved else Path(__file__).resolve().parents[3] / "outputs"


def directory_of(incident: str) -> Path:
    """The directory of an incident that exists; the id is checked before it becomes a path."""
    if not ID.fullmatch(incident):
        raise BadInput(f"`{incident}` is not an incident id; ids look like inc-20260115-120000 and lie in {outputs()}.")
    directory = outputs() / incident
    if not (directory / "journal.jsonl").exists():
        near = difflib.get_close_matches(incident, (path.name for path in outputs().glob("inc-*")), n=1)
        hint = f"did you mean `{near[0]}`?" if near else "check the id, or leave it empty for a new one."
        raise BadInput(f"There is no incident `{incident}` in {outputs()}; {hint}")
    return directory


def opened_with(journal: Journal) -> Mapping[str, Any]:
    """What an incident was opened with: target, window, symptom. Raises BrokenRecord where the journal lacks it."""
    entries = journal.entries()
    if not entries or entries[0].kind != "opened":
        raise BrokenRecord(
            f"The journal of {journal.path.parent.name} does not begin with its opening. Restore it from a copy, or "
            "open a new incident."
        )
    return entries[0].body


def reserve(base: str) -> str:
    """The first free name; creating the folder is the reservation, so two openers never share one."""
    for name in (base, *(f"{base}-{number}" for number in range(2, 1000))):
        try:
            (outputs() / name).mkdir(mode=0o750)  # it will hold customers' payments
        except FileExistsError:
            continue
        return name
    raise CannotLook(f"{outputs()} already holds a thousand incidents of {base}; move it away and run again.")


def cannot_write(error: OSError) -> CannotLook:
    return CannotLook(
        f"No incident can be kept in {outputs()}: {error.strerror}. Make it a folder that you may write, "
        "or name another in RUNBOOK_OUTPUTS."
    )
