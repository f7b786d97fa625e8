"""All objects of one kind in one key mode, in order of their creation."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
Place = tuple[int, int]


class Table:
    """Objects by id, and by (created, serial); history may be added in any order."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._objects: dict[str, Object] = {}
        self._places: dict[str, Place] = {}
        self._order: list[tuple[int, int, str]] = []
        self._serial = 0

    def add(self, item: Object) -> None:
        self._serial += 1
        place = (item["created"], self._serial)
        self._objects[item["id"]] = item
        self._places[item["id"]] = place
        insort(self._order, (*place, item["id"]))

    def remove(self, id: str) -> None:
        del self._order[bisect_left(self._order, (*self._places.pop(id), id))]
        del self._objects[id]

    def get(self, id: str) -> Object | None:
        return self._objects.get(id)

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Object]:
        """Oldest first."""
        return (self._objects[id] for _, _, id in self._order)

    def older(self, than: str | None, latest: int | None) -> Iterator[Object]:
        """Newest first: what was created before object `than` and not after second `latest`."""
        end = len(self._order) if latest is None else bisect_right(self._order, (latest, self._serial + 1))
        if than is not None:
            end = min(end, bisect_left(self._order, (*self._places[than], than)))
        return (self._objects[self._order[at][2]] for at in range(end - 1, -1, -1))

    def newer(self, than: str) -> Iterator[Object]:
        """Oldest first: what was created after object `than`."""
        start = bisect_right(self._order, (*self._places[than], than))
        return (self._objects[self._order[at][2]] for at in range(start, len(self._order)))
