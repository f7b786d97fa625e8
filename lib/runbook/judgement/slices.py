"""How a window of payments is read in bounded time: which pieces of it whole, and of which only a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runbook.facts import Row

# A page holds a hundred payments, and a page of Stripe's takes a fifth of a second or more. Thirty pages, read by four
# at a time, are a day of a mid-sized shop within two seconds.
WHOLE_MAX = 3_000
# Of a larger window the newest are read whole, since that is where a trouble that goes on shows, and from the rest so
# many pages at even distances.
NEWEST, PAGES = 1_500, 10
PIECES = 4
# A ledger that lost its rows says little of how much there is at Stripe; no piece is read further than this.
FUSE = 1_500


@dataclass(frozen=True)
class Slice:
    """From `start` to before `end`, in unix seconds; the newest `limit` payments of it."""

    start: int
    end: int
    limit: int = FUSE


def slices(arrivals: Sequence[Row], start: int, end: int) -> list[Slice]:
    """The pieces to read, newest first. `arrivals` rows: `since` (the start of ten minutes), `checkouts`."""
    total = sum(row["checkouts"] for row in arrivals)
    if total <= WHOLE_MAX:
        return [Slice(*edges) for edges in _cut(arrivals, start, end, PIECES)]
    newest: list[Row] = []
    count = 0
    for row in reversed(arrivals):
        if count >= NEWEST:
            break
        newest.insert(0, row)
        count += row["checkouts"]
    edge = max(start, newest[0]["since"])
    older = [row for row in arrivals if row["since"] < newest[0]["since"]]
    return [
        *(Slice(*edges) for edges in _cut(newest, edge, end, PIECES)),
        *(Slice(*edges, limit=100) for edges in _cut(older, start, edge, PAGES)),
    ]


def _cut(arrivals: Sequence[Row], start: int, end: int, pieces: int) -> list[tuple[int, int]]:
    """The time from `start` to `end` in pieces of about as many checkouts, newest first."""
    total, count, edges = sum(row["checkouts"] for row in arrivals), 0, [start]
    for row in arrivals:
        if len(edges) < pieces and count >= total * len(edges) / pieces and row["since"] > edges[-1]:
            edges.append(row["since"])
        count += row["checkouts"]
    return [(first, last) for first, last in zip(edges, [*edges[1:], end], strict=True) if first < last][::-1]
