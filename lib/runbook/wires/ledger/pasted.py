"""A question to the ledger as the text that a person can paste: names filled in, parameters as literals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psycopg.sql import Composable, Literal

# In the driver's text a parameter is %(name)s and a per cent sign is doubled; in psql's neither is.
MARK = re.compile(r"%%|%\((\w+)\)s")


def statement(query: Composable, parameters: Mapping[str, Any]) -> str:
    """The statement that the server is asked, ended by a semicolon. One pass, so that nothing inside a value is taken
    for a parameter."""

    def filled(mark: re.Match[str]) -> str:
        return Literal(parameters[mark[1]]).as_string(None).strip() if mark[1] else "%"

    return MARK.sub(filled, query.as_string(None)).strip().removesuffix(";") + ";"


def command(variable: str, query: Composable, parameters: Mapping[str, Any]) -> str:
    """As a shell command. The address stays in its variable, and the quoted mark keeps the shell out of the text."""
    return f"psql \"${variable}\" <<'SQL'\n{statement(query, parameters)}\nSQL"
