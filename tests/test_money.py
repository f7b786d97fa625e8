"""Money is exact: whole minor units with a currency, at any size and with any number of decimals."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runbook import money
from runbook.errors import BadInput

CURRENCIES = ["usd", "eur", "jpy", "krw", "bhd", "kwd", "isk", "ugx"]
BEYOND_FLOATS = 2**53 + 1


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("usd", 2), ("USD", 2), ("eur", 2), ("jpy", 0), ("JPY", 0), ("krw", 0), ("clp", 0), ("bhd", 3), ("tnd", 3),
     ("isk", 2), ("ugx", 2), ("huf", 2), ("twd", 2)],
)  # fmt: skip
def test_decimals_are_those_of_stripes_amounts(currency, decimals):
    assert money.exponent(currency) == decimals


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (1234, "usd", "12.34 USD"),
        (1234, "jpy", "1,234 JPY"),
        (1234, "bhd", "1.234 BHD"),
        (0, "usd", "0.00 USD"),
        (0, "jpy", "0 JPY"),
        (5, "usd", "0.05 USD"),
        (5, "kwd", "0.005 KWD"),
        (-5, "usd", "-0.05 USD"),
        (-123456, "eur", "-1,234.56 EUR"),
        (-1, "jpy", "-1 JPY"),
        (100_000_000, "usd", "1,000,000.00 USD"),
        (BEYOND_FLOATS, "usd", "90,071,992,547,409.93 USD"),
        (10**30 + 1, "usd", "10,000,000,000,000,000,000,000,000,000.01 USD"),
        (1234, "", "1,234"),
    ],
)
def test_an_amount_is_shown_with_its_currency_and_its_decimals(minor, currency, shown):
    assert money.show(minor, currency) == shown


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [
        ("12.34", "usd", 1234),
        ("12.3", "usd", 1230),
        ("12.340", "usd", 1234),
        (12, "usd", 1200),
        ("1234", "jpy", 1234),
        ("1234.0", "jpy", 1234),
        ("1.234", "bhd", 1234),
        ("-0.05", "usd", -5),
        (Decimal("90071992547409.93"), "usd", BEYOND_FLOATS),
        ("10000000000000000000000000000.01", "usd", 10**30 + 1),
        ("1e3", "usd", 100_000),
    ],
)
def test_major_units_become_minor_ones(major, currency, minor):
    assert money.to_minor(major, currency) == minor


@pytest.mark.parametrize(
    ("major", "currency"),
    [("12.345", "usd"), ("0.5", "jpy"), ("1.2345", "bhd"), ("10000000000000000000000000000.001", "usd")],
)
def test_what_a_currency_cannot_hold_is_refused_and_never_rounded(major, currency):
    with pytest.raises(BadInput) as refused:
        money.to_minor(major, currency)
    assert str(refused.value) == (
        f"`{major}` has more decimals than {currency.upper()} allows; correct the amount or its unit."
    )


@pytest.mark.parametrize("text", ["", "abc", "12,34", "1.2.3", "NaN", "Infinity", "-inf", "12 USD"])
def test_what_is_no_amount_is_refused_in_one_sentence(text):
    with pytest.raises(BadInput, match=r"is not an amount; write it like 12\.34"):
        money.to_minor(text, "usd")


def test_a_float_is_no_money():
    with pytest.raises(TypeError, match="money is never a float"):
        money.to_minor(12.34, "usd")


@settings(deadline=None)
@given(st.integers(-(10**24), 10**24), st.sampled_from(CURRENCIES))
def test_showing_and_reading_an_amount_gives_it_back(minor, currency):
    text = money.show(minor, currency).removesuffix(f" {currency.upper()}").replace(",", "")
    assert money.to_minor(text, currency) == minor


def test_currencies_are_never_added_up_together():
    amounts = [("usd", 5), ("eur", 1000), ("usd", -7), ("jpy", BEYOND_FLOATS), ("jpy", 1)]
    assert money.total(amounts) == {"eur": 1000, "jpy": BEYOND_FLOATS + 1, "usd": -2}
    assert list(money.total(amounts)) == ["eur", "jpy", "usd"]
    assert money.total([]) == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CURRENCIES), st.integers(-(2**63), 2**63))))
def test_a_total_is_the_sum_of_each_currency(amounts):
    sums = money.total(amounts)
    for currency in {each for each, _ in amounts}:
        assert sums[currency] == sum(amount for each, amount in amounts if each == currency)


@pytest.mark.parametrize(
    ("sums", "shown"),
    [
        ({"usd": 5, "eur": 1000}, "10.00 EUR + 0.05 USD"),
        ({"jpy": 7270}, "7,270 JPY"),
        ({"usd": 0}, "0.00 USD"),
        ({}, "nothing"),
    ],
)
def test_a_total_is_shown_currency_by_currency(sums, shown):
    assert money.show_total(sums) == shown
