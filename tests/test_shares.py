"""Shares and their intervals, held against published values."""

import pytest
from runbook.judgement import shares


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # Newcombe 1998, table I: the score method's intervals, to four digits.
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
        (5, 5, 0.5655, 1.0), (0, 0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_wilson_s_interval_is_the_published_one(part, whole, low, high):
    assert shares.wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_an_interval_never_claims_more_than_it_knows():
    for whole in range(1, 60):
        for part in range(whole + 1):
            low, high = shares.wilson(part, whole)
            assert 0 <= low <= part / whole <= high <= 1
            assert (low == 0) == (part == 0)
            assert (high == 1) == (part == whole)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(5, 5, "56.5 % to 100.0 %"), (0, 20, "0.0 % to 16.2 %"), (0, 0, ""), (951, 1000, "93.5 % to 96.3 %")],
)
def test_an_interval_is_rounded_outwards(part, whole, shown):
    assert shares.show_interval(part, whole) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 1, "100.0 %"), (999_999, 1_000_000, "99.9 %"), (974, 1000, "97.4 %"), (0, 7, "0.0 %"), (0, 0, "no payments"),
     (2**60 - 1, 2**60, "99.9 %")],
)  # fmt: skip
def test_a_share_is_never_rounded_up_to_all(part, whole, shown):
    assert shares.show_share(part, whole) == shown


@pytest.mark.parametrize(
    ("values", "median", "p95"),
    [([], None, None), ([3], 3, 3), ([4, 1], 1, 4), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50, 95)],
)
def test_a_percentile_is_a_value_that_occurred(values, median, p95):
    assert (shares.middle(values), shares.percentile(values, 95)) == (median, p95)
