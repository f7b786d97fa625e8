"""Answers held against the schema: in tests always, at run time when asked."""

from functools import cache
from typing import Any

from .schema import StripeSchema


class Bodies:
    """Validators by the name of the body."""

    def __init__(self, schema: StripeSchema) -> None:
        from jsonschema import Draft202012Validator  # two seconds, which a world that validates nothing need not wait

        self._validator = cache(lambda name: Draft202012Validator(schema.body(name)))
        self._known = schema.definitions

    def faults(self, name: str, body: dict[str, Any]) -> list[str]:
        """What is wrong with a body, one sentence each; the object inside an event is looked at too."""
        found = [f"{name}{error.json_path[1:]}: {error.message[:200]}"
                 for error in self._validator(name).iter_errors(body)]
        for event in self._events(body):
            kind = event["data"]["object"]["object"]
            found += self.faults(kind, event["data"]["object"])
        return found

    def _events(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        items = body["data"] if body.get("object") == "list" else [body]
        return [item for item in items if item.get("object") == "event"]
