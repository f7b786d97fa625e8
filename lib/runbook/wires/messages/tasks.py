"""Tasks in the tracker of the program `bd`, which some installations call `beads`. Called with a list of arguments
and no shell, so that a title is a title whatever it holds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from runbook.redact import one_line
from runbook.wires.messages.sending import NOT_SENT, SENT, UNCLEAR, Sending

PROGRAMS = ("bd", "beads")
SECONDS = 30


class TaskReader:
    def program(self) -> str:
        """Where the program is; empty when neither of its names is installed."""
        return next((found for name in PROGRAMS if (found := shutil.which(name))), "")


class TaskWriter:
    def create(self, task: Mapping[str, Any]) -> Sending:
        """Create one task; the answer's detail is the id that the program gave it."""
        program = TaskReader().program()
        if not program:
            return Sending(NOT_SENT, "neither bd nor beads is installed here")
        try:
            done = subprocess.run([program, *arguments(task)], input=task["body"], capture_output=True, text=True,
                                  timeout=SECONDS, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            return Sending(UNCLEAR, f"{PROGRAMS[0]} gave no answer within {SECONDS} s; look whether the task is there")
        except OSError as error:
            return Sending(NOT_SENT, f"{PROGRAMS[0]} could not be started ({type(error).__name__})")
        if done.returncode:
            said = one_line(done.stderr or done.stdout)[:120]
            return Sending(NOT_SENT, f"{PROGRAMS[0]} ended with {done.returncode}: {said}")
        return Sending(SENT, one_line(done.stdout)[:60] or "created")


def arguments(task: Mapping[str, Any]) -> list[str]:
    """What follows the program's name. The title is tied to its option, so that none is taken for an option itself;
    the body comes by standard input."""
    return ["create", f"--title={task['title']}", "--type", "task", "--priority", str(task["priority"]),
            "--external-ref", task["incident"], "--body-file", "-", "--silent"]  # fmt: skip
