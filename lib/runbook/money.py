"""Exact money: integer minor units with a currency, never a float.

The exponents are Stripe's (docs.stripe.com/currencies), which is what its amounts mean, and not always ISO 4217's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from runbook.errors import BadInput

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Stripe lists ISK and UGX with two decimals although they have none: their amounts are given in hundredths.


def exponent(currency: str) -> int:
    """Decimal places of `currency` in Stripe's amounts: 0, 2 or 3."""
    code = currency.lower()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def show(amount_minor: int, currency: str) -> str:
    """`1234, "usd"` → `12.34 USD`; `1234, "jpy"` → `1,234 JPY`. Digit by digit, so exact at any size.

    Without a currency it is the bare minor units, since nobody knows their decimals.
    """
    places = exponent(currency) if currency else 0
    whole, part = divmod(abs(amount_minor), 10**places)
    sign = "-" if amount_minor < 0 else ""
    decimals = f".{part:0{places}d}" if places else ""
    return f"{sign}{whole:,}{decimals} {currency.upper()}".rstrip()


def to_minor(major: Decimal | str | int, currency: str) -> int:
    """Major units to minor units; more decimals than the currency has are an error, never rounded."""
    if isinstance(major, float):
        raise TypeError("money is never a float")
    try:
        amount = Decimal(major)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise BadInput(f"`{major}` is not an amount; write it like 12.34, with a point and no separators.")
    numerator, denominator = amount.as_integer_ratio()
    minor, rest = divmod(numerator * 10 ** exponent(currency), denominator)
    if rest:
        raise BadInput(f"`{major}` has more decimals than {currency.upper()} allows; correct the amount or its unit.")
    return minor


def total(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum `(currency, amount_minor)` pairs by currency; currencies are never added up together."""
    sums: dict[str, int] = {}
    for currency, amount_minor in amounts:
        sums[currency] = sums.get(currency, 0) + amount_minor
    return dict(sorted(sums.items()))


def show_total(sums: Mapping[str, int]) -> str:
    """`{"eur": 1000, "usd": 5}` → `10.00 EUR + 0.05 USD`; nothing → `nothing`."""
    return " + ".join(show(amount, currency) for currency, amount in sorted(sums.items())) or "nothing"
