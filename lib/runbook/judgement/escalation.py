"""Whom to tell: the level by elapsed time, raised by what triggers more; with every reason said."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from runbook import money
from runbook.facts import Answer, Impact
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
        reasons.append(f"{impact.payments:,} payments are affected: system-wide")
    dollars, rates, unconverted = in_dollars(settings, impact)
    by_amount = 3 if dollars > settings.amount_usd_above else 1
    if by_amount > 1:
        said = f" ({rates})" if rates else ""
        reasons.append(f"{dollars:,.2f} USD are affected{said}, above {settings.amount_usd_above:,}")
    if impact.scale == Answer.CANNOT_TELL:
        reasons.append("how many payments are affected cannot be told; judge it by hand")
    if not reasons:
        reasons.append("nothing raises it")
    if unconverted:
        reasons.append(f"{unconverted} not counted: the target file has no rate for it; judge it by hand")
    number = min(max(by_time, by_scale, by_amount), max(len(settings.levels), 1))
    chosen = settings.levels[number - 1] if settings.levels else None
    return Level(number, chosen.contact if chosen else "", chosen.action if chosen else "", tuple(reasons))


def in_dollars(settings: Escalation, impact: Impact) -> tuple[Decimal, str, str]:
    """The affected sums in US dollars at the target file's rates, which rates those were, and the sums without one."""
    total, rates, unconverted = Decimal(0), [], {}
    for currency, amount_minor in sorted(impact.amounts_minor.items()):
        rate = "1" if currency == "usd" else settings.usd_rates.get(currency)
        if rate is None:
            unconverted[currency] = amount_minor
            continue
        total += Decimal(amount_minor).scaleb(-money.exponent(currency)) * Decimal(rate)
        if currency != "usd":
            rates.append(f"{currency.upper()} at {rate}")
    return total, ", ".join(rates), money.show_total(unconverted) if unconverted else ""
