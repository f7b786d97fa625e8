"""What customers are written: templates with the facts filled in. Pure; nobody's name or address stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook import money
from runbook.facts import Row
from runbook.redact import one_line

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


def letter(template: str, payments: Sequence[Row], signature: str, refund_procedure: str = "") -> tuple[str, str]:
    """Subject and text. The template's first line is the subject."""
    facts: list[dict[str, Any]] = [
        {
            "amount": money.show(each["amount_minor"], each["currency"]),
            "day": day(each["created_at"]),
            "order": one_line(each["order"]),
        }
        for each in payments
    ]
    text = compiled(template).render(payments=facts, signature=signature, refund_procedure=refund_procedure)
    subject, _, body = text.partition("\n")
    return subject.strip(), body.strip() + "\n"


def day(at: int) -> str:
    """`15 January 2026`; the day in UTC, because the customer's own zone is not known."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y}"


@cache
def compiled(template: str) -> Template:
    """Plain text, so nothing is escaped; a fact that is missing is an error and no empty place."""
    from jinja2 import Environment, StrictUndefined

    rules = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return rules.from_string((TEMPLATES / f"{template}.txt.j2").read_text(encoding="utf-8"))
