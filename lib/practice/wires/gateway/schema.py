"""One schema for every body and every parameter, derived from the installed stripe SDK's own annotations.

The SDK is read, not imported: the simulator is an independent witness and shares no code with the client.
The result is kept as JSON under the checkout's `.run/`, named after the SDK's version and this reader's hash.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from . import annotations
from .annotations import Schema

CHECKOUT = Path(__file__).parents[4]

# Wire name of every resource that the simulator serves, and the class that describes it in the SDK.
RESOURCES = {
    "account": "Account", "balance": "Balance", "balance_transaction": "BalanceTransaction", "charge": "Charge",
    "customer": "Customer", "dispute": "Dispute", "event": "Event", "payment_intent": "PaymentIntent",
    "payment_method": "PaymentMethod", "payout": "Payout", "refund": "Refund", "webhook_endpoint": "WebhookEndpoint",
}

# What the Stripe CLI's resend sends. The SDK has no word for that call, so this one line is ours.
EVENT_RETRY = {"type": "object", "additionalProperties": False, "required": [],
               "properties": {"webhook_endpoint": {"type": "string"},
                              "expand": {"type": "array", "items": {"type": "string"}}}}


class StripeSchema:
    """The derived schema: `api_version`, `sdk_version`, and JSON Schema by name."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.api_version: str = document["x-api-version"]
        self.sdk_version: str = document["x-sdk-version"]
        self.definitions: dict[str, Schema] = document["$defs"]

    def body(self, name: str) -> Schema:
        """The schema of a response: a resource, `list of` one, `deleted` one, or `error`."""
        if name.startswith("list of "):
            return self._rooted(annotations.list_of(_ref(name.removeprefix("list of "))))
        return self._rooted(_ref(name))

    def params(self, name: str) -> Schema:
        """The schema of a parameter class, such as `RefundCreateParams`."""
        return self.definitions[name]

    def resolved(self, schema: Schema) -> Schema:
        """`schema`, or what it refers to."""
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def _rooted(self, schema: Schema) -> Schema:
        return {"$schema": self.document["$schema"], "$defs": self.definitions, **schema}


def load(directory: Path | None = None) -> StripeSchema:
    """The schema of the installed SDK, from the cache in `directory` if it is there (default: `.run/`)."""
    directory = directory or CHECKOUT / ".run"
    path = directory / f"stripe-schema-{_sdk_version()}-{_reader_hash()}.json"
    try:
        return StripeSchema(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        schema = StripeSchema(derive())
    _keep(path, schema.document)
    return schema


@cache
def shared() -> StripeSchema:
    """The schema that all gateways of this process use."""
    return load()


def derive() -> dict[str, Any]:
    """Read the SDK's resources and parameter classes; takes about a second."""
    package = _package()
    definitions: dict[str, Schema] = {}
    for name in RESOURCES:
        definitions |= _resource(package, name)
    for path in sorted((package / "params").glob("_*_params.py")):
        if path.stem.removeprefix("_").startswith(tuple(f"{name}_" for name in RESOURCES)):
            definitions |= _params(path)
    definitions |= _error(package) | {"EventRetryParams": EVENT_RETRY}
    version = re.search(r'CURRENT = "([^"]+)"', (package / "_api_version.py").read_text())
    if version is None:
        raise ValueError("the stripe SDK no longer names its API version in _api_version.py")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-api-version": version[1],
            "x-sdk-version": _sdk_version(), "$defs": definitions}


def _resource(package: Path, name: str) -> dict[str, Schema]:
    """A resource and its nested classes, each a definition of its own; and the shape it has once deleted."""
    tree = ast.parse((package / f"_{name}.py").read_bytes())
    node = _class(tree, RESOURCES[name])
    definitions = _nested(node, RESOURCES[name])
    definitions[name] = definitions.pop(RESOURCES[name])
    properties = definitions[name]["properties"]
    if "deleted" in properties:
        kept = {field: properties[field] for field in ("id", "object")} | {"deleted": {"enum": [True]}}
        definitions[f"deleted {name}"] = {"type": "object", "additionalProperties": False, "required": list(kept),
                                          "properties": kept}
        del properties["deleted"]
    return definitions


def _nested(node: ast.ClassDef, path: str) -> dict[str, Schema]:
    inner = {item.name: item for item in node.body if isinstance(item, ast.ClassDef)}
    wire_names = {class_name: wire for wire, class_name in RESOURCES.items()}

    def resolve(name: str) -> Schema | None:
        if name in inner:
            return _ref(f"{path}.{name}")
        return _ref(wire_names[name]) if name in wire_names else None

    definitions = {path: annotations.object_schema(node, resolve)}
    for name, item in inner.items():
        definitions |= _nested(item, f"{path}.{name}")
    return definitions


def _params(path: Path) -> dict[str, Schema]:
    classes = {node.name: node for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.ClassDef)}

    def resolve(name: str) -> Schema | None:
        return _ref(name) if name in classes else None

    return {name: annotations.object_schema(node, resolve) for name, node in classes.items()}


def _error(package: Path) -> dict[str, Schema]:
    node = _class(ast.parse((package / "_error_object.py").read_bytes()), "ErrorObject")
    inner = _nested(node, "ErrorObject")
    return inner | {"error": {"type": "object", "additionalProperties": False, "required": ["error"],
                              "properties": {"error": _ref("ErrorObject")}}}


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _package() -> Path:
    found = importlib.util.find_spec("stripe")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the stripe SDK is not installed; `./runbook` builds an environment that has it")
    return Path(found.submodule_search_locations[0])


@cache
def _sdk_version() -> str:
    return importlib.metadata.version("stripe")


def _reader_hash() -> str:
    digest = hashlib.sha256()
    for module in (__file__, annotations.__file__):
        digest.update(Path(module).read_bytes())
    return digest.hexdigest()[:8]


def _keep(path: Path, document: dict[str, Any]) -> None:
    """Write whole or not at all: several test workers may come by at once. A directory we may not write is no error."""
    part = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        part.write_text(json.dumps(document, separators=(",", ":")))
        part.replace(path)
