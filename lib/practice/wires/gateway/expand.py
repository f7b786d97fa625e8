"""`expand[]`: ids in an answer replaced by the objects they name."""

from typing import Any

from . import errors
from .base import KINDS, copy
from .engine import ModeEngine

DEPTH_MAX = 4
KIND_BY_PREFIX = {prefix: kind for kind, (_, prefix) in KINDS.items()}


def expand(engine: ModeEngine, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """`body` with every path expanded in place. Raises ApiError 400 for what cannot be."""
    for place, path in enumerate(paths):
        steps = path.split(".")
        if len(steps) > DEPTH_MAX:
            raise errors.invalid(f"You cannot expand more than {DEPTH_MAX} levels of a property ({path}).",
                                 param=f"expand[{place}]")
        _walk(engine, body, steps, f"This property cannot be expanded ({path}).", f"expand[{place}]")
    return body


def _walk(engine: ModeEngine, body: Any, steps: list[str], refusal: str, param: str) -> None:
    if not steps or not isinstance(body, dict):
        return
    name, rest = steps[0], steps[1:]
    if body.get("object") == "list" and name == "data":
        for item in body["data"]:
            _walk(engine, item, rest, refusal, param)
        return
    if body.get("object") == "charge" and name == "refunds":
        page = engine.listing("refund", {"charge": body["id"]})
        body[name] = page | {"url": f"/v1/charges/{body['id']}/refunds"}
    elif name not in body or not _may_expand(engine, body, name, rest):
        raise errors.invalid(refusal, param=param)
    elif isinstance(body[name], str):
        body[name] = _object(engine, body[name])
    _walk(engine, body[name], rest, refusal, param)


def _may_expand(engine: ModeEngine, body: dict[str, Any], name: str, rest: list[str]) -> bool:
    """An id may be expanded where the SDK says so; what is an object already may be walked through."""
    schema = engine.engine.schema
    definition = schema.definitions.get(body.get("object", ""), {})
    if definition.get("properties", {}).get(name, {}).get("x-expands"):
        return True
    return bool(rest) and isinstance(body[name], dict)


def _object(engine: ModeEngine, id: str) -> Any:
    """The object of that id; the id itself where we keep no such object, as for bank accounts."""
    kind = KIND_BY_PREFIX.get(id.partition("_")[0])
    with engine.engine.lock:
        item = engine.tables[kind].get(id) if kind else None
        return copy(engine.shown(item)) if item is not None else id
