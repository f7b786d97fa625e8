"""A window is read whole where that is quick, and otherwise its newest part whole and a page here and there."""

import itertools

import pytest
from runbook.judgement.slices import FUSE, NEWEST, PAGES, PIECES, WHOLE_MAX, Slice, slices

DAY = 86_400


def arrivals(each, slots=144):
    return [{"since": number * 600, "checkouts": each} for number in range(slots)]


def covered(pieces):
    """Whether the pieces, newest first, follow one another without a gap."""
    return all(later.start == sooner.end for later, sooner in itertools.pairwise(pieces))


def test_a_moderate_window_is_read_whole_in_pieces_of_about_as_many_checkouts():
    pieces = slices(arrivals(20), 0, DAY)
    assert len(pieces) == PIECES
    assert (pieces[0].end, pieces[-1].start) == (DAY, 0)
    assert covered(pieces)
    assert {piece.limit for piece in pieces} == {FUSE}
    assert all(abs(20 * (piece.end - piece.start) / 600 - 720) <= 20 for piece in pieces)


def test_a_large_window_is_read_whole_at_its_end_and_by_single_pages_before():
    pieces = slices(arrivals(70), 0, DAY)
    whole, pages = [each for each in pieces if each.limit == FUSE], [each for each in pieces if each.limit == 100]
    assert WHOLE_MAX < 70 * 144
    assert (len(whole), len(pages)) == (PIECES, PAGES)
    assert covered(pieces)
    assert (pieces[0].end, pieces[-1].start) == (DAY, 0)
    assert NEWEST <= 70 * (DAY - whole[-1].start) / 600 < NEWEST + 140


@pytest.mark.parametrize("rows", [[], arrivals(1, 1)])
def test_an_empty_ledger_leaves_one_bounded_piece(rows):
    """A ledger that lost its rows says little of how much there is at Stripe."""
    assert slices(rows, 0, DAY) == [Slice(0, DAY, FUSE)]


def test_everything_at_once_is_still_read():
    """An hour of a flood, and nothing before it."""
    pieces = slices([{"since": DAY - 600, "checkouts": 9_000}], 0, DAY)
    assert pieces[0].end == DAY
    assert pieces[-1].start == 0
    assert covered(pieces)
