"""Whom to tell: the level by elapsed time, raised by what triggers more; with every reason said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from runbook import money
from runbook.facts import Answer, Impact, Row
from runbook.target import Escalation

# What raises the level besides time: scale, sum, and what the public or a regulator must hear of.
BY_SCALE, BY_AMOUNT, BY_BREACH = 2, 3, 4
# A cause that cannot wait goes to whoever may stop the checkout, as a large sum does.
BY_CAUSE = BY_AMOUNT


@dataclass(frozen=True)
class Level:
    """`number` counts from 1; `reasons` say why it is this one; `steps` are all levels with their times."""

    number: int
    contact: str
    action: str
    reasons: tuple[str, ...]
    steps: tuple[Row, ...] = field(default=(), compare=False)


def level(
    settings: Escalation, impact: Impact, minutes: int, alerts: Sequence[str] = (), lasting_minutes: int = 0,
    critical: Sequence[str] = (),
) -> Level:
    """The level that applies `minutes` after the incident was opened. `alerts` are signs of a data breach;
    `lasting_minutes` is for how long customers have been affected, which may be longer than the incident is open;
    `critical` says why a cause cannot wait."""
    reasons = []
    by_time = sum(each.after_minutes <= minutes for each in settings.levels) or 1
    if by_time > 1:
        reasons.append(f"{minutes} minutes have passed")
    by_scale = BY_SCALE if impact.scale == "system-wide" else 1
    if by_scale > 1:
        reasons.append(f"{affected(impact)}: system-wide")
    dollars, rates, unconverted = in_dollars(settings, impact)
    by_amount = BY_AMOUNT if dollars > settings.amount_usd_above else 1
    if by_amount > 1:
        said = f" ({rates})" if rates else ""
        reasons.append(f"{dollars:,.2f} USD are affected{said}, above {settings.amount_usd_above:,}")
    by_cause = BY_CAUSE if critical else 1
    reasons += [f"its cause is critical at once: {reason}" for reason in critical]
    by_breach = BY_BREACH if alerts else 1
    reasons += [f"a sign of a data breach: {alert}" for alert in alerts]
    by_report = BY_BREACH if by_scale > 1 and lasting_minutes >= settings.report_after_minutes else 1
    if by_report > 1:
        reasons.append(
            f"it has lasted for {lasting_minutes:,} minutes and is system-wide: have it judged whether the regulator "
            "must be told"
        )
    if impact.scale == Answer.CANNOT_TELL:
        reasons.append("how many payments are affected cannot be told; judge it by hand")
    if not reasons:
        reasons.append("nothing raises it")
    if unconverted:
        reasons.append(f"{unconverted} not counted: the target file has no rate for it; judge it by hand")
    number = min(max(by_time, by_scale, by_amount, by_cause, by_breach, by_report), max(len(settings.levels), 1))
    chosen = settings.levels[number - 1] if settings.levels else None
    contact, action = (chosen.contact, chosen.action) if chosen else ("", "")
    return Level(number, contact, action, tuple(reasons), steps(settings, number))


def steps(settings: Escalation, number: int) -> tuple[Row, ...]:
    """Every level: when it applies at the latest, what raises it earlier, and who is told."""
    sooner = {BY_SCALE: "system-wide", BY_AMOUNT: f"more than {settings.amount_usd_above:,} USD; a critical cause",
              BY_BREACH: f"signs of a breach; system-wide for {settings.report_after_minutes} minutes"}  # fmt: skip
    return tuple(
        {"level": at, "after minutes": each.after_minutes, "sooner": sooner.get(at, ""), "tell": each.contact,
         "who then": each.action, "now": "this one" if at == number else ""}
        for at, each in enumerate(settings.levels, 1)
    )  # fmt: skip


def affected(impact: Impact) -> str:
    parts = [f"{impact.payments:,} payments are affected"] if impact.payments or not impact.turned_away else []
    parts += [f"{impact.turned_away:,} checkouts failed"] if impact.turned_away else []
    return ", ".join(parts)


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
