"""The form encoding of Stripe's wire: `a[b]=c`, `a[0]=x`, `a[]=x` become dicts and lists of texts."""

import re
from typing import Any
from urllib.parse import parse_qsl

from .errors import invalid

# Deeper than any parameter of Stripe's, and shallow enough to be walked.
DEPTH_MAX = 12
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")


def decode(text: str) -> dict[str, Any]:
    """Nested dicts, lists and texts, as sent. Raises ApiError 400 for a key that cannot be read."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found = KEY.match(name)
        if not found or name.count("[") > DEPTH_MAX:
            raise invalid(f"Invalid request: cannot read the parameter name {name!r}", param=name)
        _put(tree, [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])], value, name)
    return {name: _lists(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise invalid(f"Invalid request: {name} is given as a text and as more than that", param=name)
    last = path[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise invalid(f"Invalid request: {name} is given as a text and as more than that", param=name)
    tree[last] = value


def _lists(value: Any) -> Any:
    """A dict whose keys count 0, 1, 2 … is a list; everything else stays as it is."""
    if not isinstance(value, dict):
        return value
    plain = {key: _lists(item) for key, item in value.items()}
    indices = sorted(plain, key=lambda key: (len(key), key))
    if indices == [str(number) for number in range(len(plain))]:
        return [plain[key] for key in indices]
    return plain
