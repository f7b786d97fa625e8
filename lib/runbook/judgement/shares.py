"""Shares of counted things, and how much a number of them can say: Wilson's interval, and words for too few."""

from __future__ import annotations

import math

# The normal distribution's two-sided 95 % point: of a hundred such intervals ninety-five hold the true share.
Z = 1.959964


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Between which shares the true one lies, as fractions. Of nothing it may be anything.

    Unlike the usual formula it does not claim certainty where all of a few went well: 5 of 5 is 57 % or more.
    """
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, Z * Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    reach = Z / (1 + square / whole) * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return max(0.0, middle - reach) if part else 0.0, min(1.0, middle + reach) if part < whole else 1.0


def show_share(part: int, whole: int) -> str:
    """`97.4 %`, never rounded up to 100 while something is missing."""
    return f"{part * 1000 // whole / 10:.1f} %" if whole else "no payments"


def show_interval(part: int, whole: int) -> str:
    """`88.9 % to 97.9 %`, rounded outwards, so that it is never narrower than what is known; empty for nothing."""
    if not whole:
        return ""
    low, high = wilson(part, whole)
    return f"{math.floor(low * 1000) / 10:.1f} % to {math.ceil(high * 1000) / 10:.1f} %"


def middle(values: list[float]) -> float | None:
    """The median by nearest rank: a value that really occurred. None of nothing."""
    return percentile(values, 50)


def percentile(values: list[float], percent: int) -> float | None:
    """The smallest value that `percent` of all do not exceed. None of nothing."""
    if not values:
        return None
    rank = -(-percent * len(values) // 100)
    return sorted(values)[max(rank, 1) - 1]
