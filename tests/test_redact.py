"""What is shown holds no secret, no address and no card number, and is otherwise what was written."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from runbook.redact import is_card, mask, one_line, redact

SECRETS = [
    ("Invalid API Key provided: sk_live_51Habcd", "Invalid API Key provided: sk_live_…"),
    ("Invalid API Key provided: sk_test_****1234", "Invalid API Key provided: sk_test_…"),
    ("Expired API Key provided: rk_live_***qhyLI9", "Expired API Key provided: rk_live_…"),
    ("STRIPE_SECRET_KEY=sk_live_51Habc", "STRIPE_SECRET_KEY=sk_live_…"),
    ("the_sk_live_51Habc", "the_sk_live_…"),
    ("pk_live_51Habc", "pk_live_…"),
    ("secret whsec_" "MfKQ9r8GK+qr/TwjUP==", "secret whsec_…"),
    ("pi_3NabcdefghIJ_secret_XYZabc confirmed", "pi_3NabcdefghIJ_secret_… confirmed"),
    ("postgresql://shop:hunter2@db:5432/shop", "postgresql://shop:…@db:5432/shop"),
    ("postgresql://shop:p@ss:w@db/shop", "postgresql://shop:…@db/shop"),
    ("postgresql://shop:pa/ss?w@db/shop", "postgresql://shop:…@db/shop"),
    ("postgresql+psycopg://shop:12345@db/shop", "postgresql+psycopg://shop:…@db/shop"),
    ("redis://:hunter2@cache:6379", "redis://:…@cache:6379"),
    ('{"dsn":"postgres://u:p@h/db","mail":"x@y.com"}', '{"dsn":"postgres://u:…@h/db","mail":"…@y.com"}'),
    ("host=db user=shop password=hunter2 dbname=shop", "host=db user=shop password=… dbname=shop"),
    ("host=db password='hunter 2' dbname=shop", "host=db password=… dbname=shop"),
    ("/login?password=hunter2&next=/", "/login?password=…&next=/"),
    ('{"password": "hunter 2", "user": "shop"}', '{"password": …, "user": "shop"}'),
    ("PGPASSWORD=hunter2 psql", "PGPASSWORD=… psql"),
    ("https://hooks.slack.com/services/T00/B00/xyzXYZ", "https://hooks.slack.com/services/…"),
    ("Authorization: Bearer abc.def-123456", "Authorization: Bearer …"),
    ("authorization: basic c2tfbGl2ZV81MTo=", "authorization: basic …"),
]


@pytest.mark.parametrize(("text", "shown"), SECRETS, ids=[text[:40] for text, _ in SECRETS])
def test_no_piece_of_a_secret_is_shown(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail to jane.doe+shop@example.co.uk failed", "mail to …@example.co.uk failed"),
        ("<jürgen.o'neill@bücher.example>", "<…@bücher.example>"),
        ("a@b.com,c@d.org", "…@b.com,…@d.org"),
    ],
)
def test_of_a_mail_address_only_the_domain_is_shown(text, shown):
    assert redact(text) == shown


# The published test numbers of the networks; none of them is anybody's.
CARDS = [
    "4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222", "378282246310005",
    "6011111111111117", "3056930009020004", "36227206271667", "3566002020360505", "6205500000000000004",
    "4242 4242 4242 4242", "4242-4242-4242-4242", "3782 822463 10005", "3056 930009 0200 04".replace(" ", ""),
]  # fmt: skip


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("around", ["{}", "card {}.", "card={},", '"{}"', "5 {} x", "({})"])
def test_a_card_number_is_hidden_wherever_it_stands(number, around):
    assert redact(around.format(number)) == around.format("…card number…")


def test_a_card_number_behind_other_digits_is_still_found():
    assert redact("1234 4111 1111 1111 1111") == "1234 …card number…"
    assert redact("4200 4111 1111 1111 1111") == "4200 …card number…"


EVIDENCE = [
    "pi_3NabcdefghIJKLMNOPQRSTUV", "evt_gDgmfMDhotzboOnBKR54tsTr", "acct_1WYAW1rYRt9gxWSN", "we_2Xwi3I34dxHo6dYg",
    "pi_4242424242424242", "order-4242424242424242", "plan-4242424242424242",
    "bb7f5959-60dd-4d4c-a383-6b9efa410671", "42424242-4242-4242-4242-424242424242",
    "order 4242424242424241", "tracking 1234567890123", "1768478400000", "1768478400123456", "1768478400123456789",
    "20260115120000", "2026-01-15 12:00:00.123456+00", "2026-01-15T11:54:00Z", "4,242,424,242,424,242", "12.34 USD",
    "127.0.0.1:5432", "http://127.0.0.1:8080/api/payments?page=2", "https://shop.example:443",
    "shop@sha256:42ab", "stripe@16.1.0", "usr_fa6c2b2fd5772513e12f", "23505", "task_live_queue",
    'password authentication failed for user "shop"', "Basic authentication is not supported", "bearer of bad news",
    "Key (\"stripePaymentIntentId\")=(pi_3N) already exists.", "[Nest] 7  - 01/15/2026, 12:00:00 PM",
]  # fmt: skip


@pytest.mark.parametrize("text", EVIDENCE)
def test_ids_amounts_times_and_words_survive(text):
    assert redact(text) == text
    assert redact(f"a {text} b") == f"a {text} b"


@settings(deadline=None)
@given(st.integers(10**12, 10**19 - 1).map(str))
def test_an_id_of_digits_survives_unless_it_is_a_card_number(digits):
    assert redact(f"id {digits}") == (f"id {digits}" if not is_card(digits) else "id …card number…")


@settings(deadline=None)
@given(st.integers(1_000_000_000, 1_999_999_999), st.sampled_from([10**3, 10**6, 10**9]), st.integers(0, 999))
def test_no_time_between_2001_and_2033_is_taken_for_a_card(seconds, unit, rest):
    assert redact(str(seconds * unit + rest)) == str(seconds * unit + rest)


@settings(deadline=None)
@given(st.text(alphabet="0123456789", min_size=12, max_size=20))
def test_a_number_that_fails_luhn_is_no_card(digits):
    doubled = [int(digit) if at % 2 == 0 else sum(divmod(2 * int(digit), 10)) for at, digit in enumerate(digits[::-1])]
    assume(sum(doubled) % 10)
    assert not is_card(digits)
    assert redact(digits) == digits


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;5;196mred\x1b[K", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("a\x00b\x08c\x7fd\x85e\rf", "abcdef"),
        ("paid \u202eDSU 00.1\u202c", "paid DSU 00.1"),
        ("\u2066a\u2069\u200b\u200f\u061c\ufeff\u2028b\u00ad", "ab"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_nothing_that_a_screen_would_act_upon_survives(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize("at", range(1, 20))
@pytest.mark.parametrize("mark", ["\x1b[31m", "\u200b", "\x00"])
def test_a_mark_in_the_midst_of_a_secret_hides_no_piece_of_it_from_us(mark, at):
    key = "sk_live_51Habcd"
    assert redact(f"key {key[:at]}{mark}{key[at:]} end") == "key sk_live_… end"


@pytest.mark.parametrize("mark", ["\x07", "\x1b[0m", "\u202e", "\u200b"])
def test_a_mark_that_goes_does_not_glue_a_secret_to_the_word_before(mark):
    assert redact(f"key{mark}sk_live_51Habc card{mark}4242424242424242") == "keysk_live_… card…card number…"


def test_one_line_is_one_line():
    assert one_line("a\n  b\tc\r\n\x1b[31md ") == "a b c d"


@settings(deadline=None)
@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    once = redact(text)
    assert redact(once) == once


@settings(deadline=None)
@given(st.from_regex(re.compile(r"[sr]k_(live|test)_[A-Za-z0-9]{8,40}"), fullmatch=True), st.text(max_size=20))
def test_a_key_is_hidden_in_whatever_text_follows_a_space(key, text):
    assert key not in redact(f"{text} {key}")


def test_a_line_of_one_endless_word_costs_no_more_than_its_length():
    # A quadratic pattern takes minutes here; the test would not come back.
    for line in ("a" * 60_000, "a." * 30_000, "4" * 60_000, "http://" + "a" * 60_000, "x@" * 30_000):
        redact(line)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jane.doe@example.com", "j…@example.com"), ("@example.com", "…@example.com"), ("no address", "…"), ("", "…")],
)
def test_a_masked_address_shows_its_first_letter_and_its_domain(address, shown):
    assert mask(address) == shown
