"""Whom to tell: the level by elapsed time, raised by what triggers more; with every reason said."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from runbook import money
from runbook.facts import Impact
from runbook.target import Escalation


@dataclass(frozen=True)
class Level:
    """`number` counts from 1; `reasons` say why it is this one."""

    number: int
    contact: str
    action: str
    reasons: tuple[str, ...]


def level(settings: Escalation, impact: Impact, minutes: int) -> Level:
    """The level that applies `minutes` after the incident was opened."""
    reasons = []
    by_time = sum(each.after_minutes <= minutes for each in settings.levels) or 1
    if by_time > 1:
        reasons.append(f"{minutes} minutes have passed")
    by_scale = 2 if impact.scale == "system-wide" else 1
    if by_scale > 1:
        reasons.append(f"{impact.payments} payments are affected: system-wide")
    dollars, said = in_dollars(settings, impact)
    by_amount = 3 if dollars > settings.amount_usd_above else 1
    if by_amount > 1:
        reasons.append(f"about {dollars:,.0f} USD are affected ({said}), above {settings.amount_usd_above:,}")
    number = min(max(by_time, by_scale, by_amount), max(len(settings.levels), 1))
    chosen = settings.levels[number - 1] if settings.levels else None
    return Level(number, chosen.contact if chosen else "", chosen.action if chosen else "",
                 tuple(reasons) or ("nothing raises it",))  # fmt: skip


def in_dollars(settings: Escalation, impact: Impact) -> tuple[Decimal, str]:
    """The affected sums in US dollars at the target file's rates, and which rates those were."""
    total, said = Decimal(0), []
    for currency, amount_minor in sorted(impact.amounts_minor.items()):
        rate = "1" if currency == "usd" else settings.usd_rates.get(currency)
        if rate is None:
            said.append(f"{currency.upper()} left out: no rate in the target file")
            continue
        total += Decimal(amount_minor).scaleb(-money.exponent(currency)) * Decimal(rate)
        if currency != "usd":
            said.append(f"{currency.upper()} at {rate}")
    return total, ", ".join(said) or "US dollars only"
