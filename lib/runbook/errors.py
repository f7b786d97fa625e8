"""What can go wrong, as one calm sentence each: the thing, the cause, the next move.

RunbookError
├── BadInput      a parameter, target file or command line that cannot be right     exit 64
├── CannotLook    a side that could not be read; never taken for an absent fact     exit 2
├── Refused       the journal, the policy or the environment says no                exit 64
└── BrokenRecord  a journal whose chain does not hold                               exit 2
"""

from __future__ import annotations


class RunbookError(Exception):
    """Shown to people as its message alone; `exit_code` is what a command ends with."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """IPython shows this in place of a stack trace: a user's mistake is not a crash."""
        return [str(self)]


class BadInput(RunbookError):
    exit_code = 64


class CannotLook(RunbookError):
    exit_code = 2


class Refused(RunbookError):
    exit_code = 64


class BrokenRecord(RunbookError):
    exit_code = 2
