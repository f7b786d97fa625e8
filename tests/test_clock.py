"""When: one instant means the same to everybody, and a window is what was asked for or an error."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runbook import clock
from runbook.clock import Clock, Window
from runbook.errors import BadInput

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15 12:00:00+00:00", NOON),
        ("2026-01-15T13:00:00+01:00", NOON),
        ("2026-01-15T07:00-05:00", NOON),
        ("20260115T120000Z", NOON),
        (" 2026-01-15T12:00:00Z\n", NOON),
        ("2026-01-15T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
    ],
)
def test_a_time_with_an_offset_becomes_utc(text, moment):
    parsed = clock.parse(text, "window_start")
    assert parsed == moment
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "12:00", "2026-13-01T00:00:00Z", "15.01.2026 12:00", "0001-01-01T00:00:00+14:00", "1768"]
)
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(BadInput) as refused:
        clock.parse(text, "window_end")
    assert str(refused.value) == (
        f"`window_end` is `{text}`, which is not an ISO time; write it like 2026-01-15T12:00:00Z."
    )


@pytest.mark.parametrize("text", ["2026-01-15T12:00:00", "2026-01-15", "2026-01-15 12:00"])
def test_a_time_without_an_offset_is_refused(text):
    with pytest.raises(BadInput) as refused:
        clock.parse(text, "window_start")
    assert str(refused.value) == (
        f"`window_start` is `{text}` without an offset; add Z for UTC, or the offset of the clock you read, "
        "like +01:00."
    )


def test_times_are_shown_in_utc_and_say_so():
    assert clock.show(datetime(2026, 1, 15, 13, 5, 9, tzinfo=timezone(HOUR))) == "2026-01-15 12:05:09 UTC"


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_shown_time_reads_back_to_the_second(moment):
    text = clock.show(moment).replace(" UTC", "Z")
    assert clock.parse(text, "time") == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("", "", NOON - DAY, NOON),
        ("2026-01-15T10:00:00Z", "", NOON - 2 * HOUR, NOON),
        ("", "2026-01-15T10:00:00Z", NOON - 2 * HOUR - DAY, NOON - 2 * HOUR),
        ("2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z", NOON - 2 * HOUR, NOON - HOUR),
        ("2026-01-15T10:00:00.9Z", "2026-01-15T11:00:00.9Z", NOON - 2 * HOUR, NOON - HOUR),
    ],
)
def test_an_empty_end_is_now_and_an_empty_start_is_a_day_before(start, end, first, last):
    assert clock.window(start, end, NOON, DAY) == Window(first, last)


def test_a_window_is_in_whole_seconds_as_stripes_times_are():
    window = clock.window("", "", NOON + timedelta(microseconds=999_999), DAY)
    assert window == Window(NOON - DAY, NOON)
    assert window.epochs == (int(NOON.timestamp()) - 86_400, int(NOON.timestamp()))


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(BadInput) as refused:
        clock.window("2026-01-15T11:00:00Z", "2026-01-15T10:00:00Z", NOON, DAY)
    assert str(refused.value) == (
        "The window ends (2026-01-15 10:00:00 UTC) before it starts (2026-01-15 11:00:00 UTC). "
        "Correct `window_start` and `window_end`, or leave both empty for the last hours."
    )


def test_a_window_of_no_length_is_refused():
    with pytest.raises(BadInput, match="when it starts"):
        Window(NOON, NOON)


def test_a_window_that_starts_in_the_future_is_refused_by_what_was_typed():
    with pytest.raises(BadInput) as refused:
        clock.window("2026-01-15T13:00:00Z", "", NOON, DAY)
    assert str(refused.value) == (
        "`window_start` (2026-01-15 13:00:00 UTC) lies in the future; it is 2026-01-15 12:00:00 UTC. Check its offset."
    )


def test_a_window_holds_its_start_and_not_its_end():
    window = Window(NOON - HOUR, NOON)
    assert NOON - HOUR in window
    assert NOON - timedelta(microseconds=1) in window
    assert NOON not in window
    assert NOON - HOUR - timedelta(microseconds=1) not in window


def test_a_widened_window_grows_on_both_sides():
    assert Window(NOON - HOUR, NOON).widened(HOUR, DAY) == Window(NOON - 2 * HOUR, NOON + DAY)


def test_a_fixed_clock_stands_still():
    assert Clock(NOON).now() == Clock(NOON).now() == NOON


def test_a_clock_that_is_not_fixed_goes_on():
    running = Clock()
    assert datetime.now(UTC) - running.now() < timedelta(minutes=1)
    assert running.now().tzinfo is UTC
