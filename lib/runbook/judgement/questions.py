"""The SQL questions, one per file of `sql/`; the first line of each is the question itself.

Most are asked of the ledger. Four are reconciliation's own and asked of both sides' facts in DuckDB: classify (the
rules, which finance can read), double_charges, by_class, identities.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

SQL = Path(__file__).parent / "sql"


@cache
def text(name: str) -> str:
    """The SQL of one question."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def asked(name: str) -> str:
    """The question in words."""
    return text(name).splitlines()[0].removeprefix("-- ")
