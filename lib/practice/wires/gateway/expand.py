"""`expand[]`: ids in an answer replaced by the objects they name."""

from typing import Any

from . import errors
from .annotations import Schema
from .base import KINDS, copy
from .engine import ModeEngine
from .schema import StripeSchema

DEPTH_MAX = 4
KIND_BY_PREFIX = {prefix: kind for kind, (_, prefix) in KINDS.items()}


def check(schema: StripeSchema, returns: str, paths: list[str]) -> None:
    """Raise ApiError 400 unless the SDK's types allow every path; done before the act, so that a wrong path costs
    nothing but the question."""
    for place, path in enumerate(paths):
        steps, where = path.split("."), f"expand[{place}]"
        if len(steps) > DEPTH_MAX:
            raise errors.invalid(f"You cannot expand more than {DEPTH_MAX} levels of a property ({path}).", param=where)
        definition: Schema | None = schema.body(returns)
        for step in steps:
            definition = _below(schema, definition, step, is_last=step is steps[-1])
        if definition is None:
            raise errors.invalid(f"This property cannot be expanded ({path}).", param=where)


def expand(engine: ModeEngine, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """`body` with every path, which `check` let pass, expanded in place."""
    for path in paths:
        _walk(engine, body, path.split("."))
    return body


def _below(schema: StripeSchema, definition: Schema | None, step: str, is_last: bool) -> Schema | None:
    """The schema of what stands under `step`, if that may be expanded or, on the way, walked through."""
    found = schema.resolved(definition or {}).get("properties", {}).get(step)
    if found is None:
        return None
    choices = [schema.resolved(choice) for choice in found.get("anyOf", [found])]
    inner = [choice for choice in choices if choice.get("type") in ("object", "array") or "anyOf" in choice]
    if found.get("x-expands"):
        return next((_inside(schema, choice) for choice in inner), {})
    reached = _inside(schema, inner[0]) if inner else None
    is_list = reached is not None and "has_more" in reached.get("properties", {})
    return reached if is_list or not is_last else None


def _inside(schema: StripeSchema, definition: Schema) -> Schema:
    """Past the wrapping of an array or of a choice, down to an object."""
    while "anyOf" in definition or definition.get("type") == "array":
        definition = schema.resolved(definition["items"] if "items" in definition else definition["anyOf"][-1])
    return definition


def _walk(engine: ModeEngine, body: Any, steps: list[str]) -> None:
    if not steps or not isinstance(body, dict):
        return
    name, rest = steps[0], steps[1:]
    if body.get("object") == "list" and name == "data":
        for item in body["data"]:
            _walk(engine, item, rest)
        return
    if body.get("object") == "charge" and name == "refunds":
        page = engine.listing("refund", {"charge": body["id"]})
        body[name] = page | {"url": f"/v1/charges/{body['id']}/refunds"}
    elif isinstance(body.get(name), str):
        body[name] = _object(engine, body[name])
    _walk(engine, body.get(name), rest)


def _object(engine: ModeEngine, id: str) -> Any:
    """The object of that id; the id itself where we keep no such object, as for bank accounts."""
    kind = KIND_BY_PREFIX.get(id.partition("_")[0])
    with engine.engine.lock:
        item = engine.tables[kind].get(id) if kind else None
        return copy(engine.shown(item)) if item is not None else id
