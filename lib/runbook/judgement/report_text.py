"""The post-incident report as Markdown. Pure; every fact goes in as it is, on one line and without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runbook.redact import one_line
from runbook.target import About

TEMPLATE = Path(__file__).parent / "templates" / "post_incident.md.j2"


def render(about: About, **facts: Any) -> str:
    from jinja2 import Environment, StrictUndefined

    # `finalize` sees each value that is printed: a symptom may hold anything that somebody typed.
    rules = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                        finalize=lambda value: one_line(value) if isinstance(value, str) else value)  # fmt: skip
    text = rules.from_string(TEMPLATE.read_text(encoding="utf-8")).render(headlines=headlines(about), **facts)
    return text.rstrip() + "\n"


def headlines(about: About) -> list[tuple[str, str]]:
    """Owner, review date and links from the target file; what it does not name is said to be missing."""
    named = (("owner", about.owner), ("review date", about.review_date), ("refund procedure", about.refund_procedure),
             ("reconciliation guide", about.reconciliation_guide))  # fmt: skip
    return [(name, value or "not named in the target file") for name, value in named]
