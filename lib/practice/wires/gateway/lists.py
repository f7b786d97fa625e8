"""Cursor lists: newest first, 1 to 100 at a time, walked by the id of the object before or after."""

from collections.abc import Callable
from functools import partial
from itertools import islice, takewhile
from typing import Any

from . import errors
from .table import Object, Table

LIMIT_DEFAULT, LIMIT_MAX = 10, 100
CURSORS = ("limit", "starting_after", "ending_before", "created", "expand")
TYPES_MAX = 20

Matches = Callable[[Object], bool]


def page(table: Table, url: str, params: dict[str, Any], matches: Matches) -> dict[str, Any]:
    """One page of the objects that match. Raises ApiError 400 for a cursor or a limit that Stripe would refuse."""
    limit = params.get("limit", LIMIT_DEFAULT)
    if not 1 <= limit <= LIMIT_MAX:
        word = "greater than or equal to 1" if limit < 1 else f"less than or equal to {LIMIT_MAX}"
        raise errors.invalid(f"This value must be {word}.", code="parameter_invalid_integer", param="limit")
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None and before is not None:
        raise errors.invalid("Received both starting_after and ending_before parameters. Please pass in only one.",
                             param="starting_after")
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and table.get(cursor) is None:
            raise errors.missing_object(table.kind, cursor, param=name)
    created = params.get("created")
    in_time, least = time_filter("created", created), _earliest(created)
    if before is not None:
        source = table.newer(before)
    else:
        source = takewhile(lambda item: item["created"] >= least, table.older(after, _latest(created)))
    found = list(islice((item for item in source if in_time(item) and matches(item)), limit + 1))
    data = found[:limit]
    return {"object": "list", "data": data[::-1] if before is not None else data, "has_more": len(found) > limit,
            "url": url}


def time_filter(name: str, wanted: int | dict[str, int] | None) -> Matches:
    """A time as Stripe takes it: a second, or bounds named gt, gte, lt, lte."""
    least, most = _earliest(wanted), _latest(wanted)
    return lambda item: least <= item[name] and (most is None or item[name] <= most)


def equal_filter(params: dict[str, Any]) -> Matches:
    """Every parameter that is no cursor must equal the object's field of that name, or bound it."""
    wanted = [time_filter(name, value) if isinstance(value, dict) else partial(_equals, name, value)
              for name, value in params.items() if name not in CURSORS]
    return lambda item: all(matches(item) for matches in wanted)


def event_filter(params: dict[str, Any], is_delivered: Matches) -> Matches:
    """`type` (which may end in `*`), or `types`, and `delivery_success`."""
    types = params.get("types")
    if "type" in params and types is not None:
        raise errors.invalid("You may only specify one of these parameters: type, types.", param="type")
    if types is not None and len(types) > TYPES_MAX:
        raise errors.invalid(f"You may pass at most {TYPES_MAX} types.", param="types")
    wanted, delivered = params.get("type"), params.get("delivery_success")
    stem = wanted[:-1] if wanted is not None and wanted.endswith("*") else None

    def matches(event: Object) -> bool:
        kind = event["type"]
        of_type = kind.startswith(stem) if stem is not None else wanted in (None, kind)
        return of_type and (types is None or kind in types) and (delivered is None or is_delivered(event) == delivered)

    return matches


def _equals(name: str, value: Any, item: Object) -> bool:
    return item.get(name) == value


def _earliest(wanted: int | dict[str, int] | None) -> int:
    if isinstance(wanted, int):
        return wanted
    bounds = wanted or {}
    return max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)


def _latest(wanted: int | dict[str, int] | None) -> int | None:
    if isinstance(wanted, int):
        return wanted
    bounds = wanted or {}
    ends = [bounds["lte"]] if "lte" in bounds else []
    ends += [bounds["lt"] - 1] if "lt" in bounds else []
    return min(ends, default=None)
