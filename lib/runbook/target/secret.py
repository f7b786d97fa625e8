"""Secrets by the name of their environment variable, and the sentences for a variable that is not there."""

from __future__ import annotations

import os

from runbook.errors import BadInput, CannotLook, RunbookError


class Secret:
    """A secret by the name of its environment variable; printing it shows the name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"env:{self.name}" if self.name else "(none)"

    def __bool__(self) -> bool:
        return bool(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def reveal(self) -> str:
        """The value; an unset or empty variable is an error that names it."""
        if not self.name:
            raise BadInput("This target names no such secret; add it to the target file as env:NAME.")
        value = os.environ.get(self.name, "")
        if not value:
            raise missing(self.name, "a secret")
        return value

    def given(self) -> str:
        """The value, or nothing while the variable is not set: for what is only needed once there is a cure."""
        return os.environ.get(self.name, "") if self.name else ""


class Held(Secret):
    """A secret that was read where it is used, such as the key in a container: in memory only."""

    __slots__ = ("_value",)

    def __init__(self, source: str, value: str) -> None:
        super().__init__(source)
        self._value = value

    def __repr__(self) -> str:
        return f"(held: {self.name})"

    def reveal(self) -> str:
        return self._value


NO_SECRET = Secret("")


def missing(name: str, purpose: str) -> RunbookError:
    """The error for a variable that is not set. Those of the practice world are set by an open world alone."""
    if name.startswith("PRACTICE_"):
        return CannotLook("No practice world is open. Open one with: ./runbook drill database_rollback --lab")
    return BadInput(f"The environment variable `{name}` ({purpose}) is not set; set it and run again.")
