"""Parameters: texts of the wire become typed values by the schema; what does not fit is refused by name."""

import re
from typing import Any

from . import errors
from .annotations import Schema
from .schema import StripeSchema

INTEGER = re.compile(r"-?\d{1,18}\Z")
# How the SDK says that an empty text is taken, and unsets.
UNSET = [""]
BOOLEANS = {"true": True, "false": False}

# Stripe's limits on metadata: 50 keys of 40 letters, values of 500.
METADATA_KEYS_MAX, METADATA_KEY_LENGTH_MAX, METADATA_VALUE_LENGTH_MAX = 50, 40, 500


def coerce(schema: StripeSchema, name: str, decoded: dict[str, Any]) -> dict[str, Any]:
    """The typed parameters of class `name`; None stands for what is to be unset. Raises ApiError 400."""
    definition = schema.params(name)
    typed = _object(schema, definition, decoded, "")
    absent = [field for field in definition["required"] if field not in typed]
    if absent:
        raise errors.missing_param(absent[0])
    _check_metadata(typed.get("metadata"))
    return typed


def _object(schema: StripeSchema, definition: Schema, value: dict[str, Any], path: str) -> dict[str, Any]:
    properties = definition.get("properties", {})
    extra = definition.get("additionalProperties", True)
    unknown = [_below(path, name) for name in value if name not in properties]
    if unknown and extra is False:
        raise errors.unknown_params(unknown)
    if isinstance(extra, dict):
        # A table with keys of the caller's own, such as metadata: an empty text is a value there.
        return {name: item if item == "" else _value(schema, extra, item, _below(path, name))
                for name, item in value.items()}
    return {name: _value(schema, properties[name], item, _below(path, name)) for name, item in value.items()}


def _value(schema: StripeSchema, definition: Schema, value: Any, path: str) -> Any:
    definition = schema.resolved(definition)
    if "anyOf" in definition:
        if value == "" and {"enum": UNSET} in definition["anyOf"]:
            return None
        return _value(schema, _alternative(schema, definition["anyOf"], value), value, path)
    if "enum" in definition:
        return _enumerated(definition["enum"], value, path)
    kind = definition.get("type")
    if kind == "object":
        if not isinstance(value, dict):
            raise errors.invalid("Invalid object", param=path)
        return _object(schema, definition, value, path)
    if kind == "array":
        if not isinstance(value, list):
            raise errors.invalid("Invalid array", param=path)
        return [_value(schema, definition["items"], item, f"{path}[{place}]") for place, item in enumerate(value)]
    return _scalar(kind, value, path)


def _alternative(schema: StripeSchema, choices: list[Schema], value: Any) -> Schema:
    """The branch whose shape is the value's: a table, a list, a text it takes; or else one to complain by."""
    resolved = [schema.resolved(choice) for choice in choices]
    wanted = {dict: "object", list: "array"}.get(type(value))
    if wanted:
        return next((choice for choice in resolved if choice.get("type") == wanted), resolved[0])
    others = [choice for choice in resolved if choice.get("enum") != UNSET]
    plain = [choice for choice in others if choice.get("type") not in ("object", "array")]
    return next((choice for choice in plain if _takes(choice, value)), (plain or others)[0])


def _takes(choice: Schema, text: str) -> bool:
    kind = choice.get("type")
    if "enum" in choice:
        return text in choice["enum"]
    return {"integer": bool(INTEGER.match(text)), "boolean": text in BOOLEANS}.get(kind, True)


def _enumerated(values: list[Any], value: Any, path: str) -> Any:
    by_text = {str(item).lower() if isinstance(item, bool) else item: item for item in values}
    if isinstance(value, (dict, list)) or value not in by_text:
        *most, last = [str(item) for item in by_text]
        choices = f"{', '.join(most)}, or {last}" if len(most) > 1 else " or ".join([*most, last])
        raise errors.invalid(f"Invalid {path}: must be one of {choices}", param=path)
    return by_text[value]


def _scalar(kind: str | None, value: Any, path: str) -> Any:
    if kind is None:
        return value
    if isinstance(value, (dict, list)):
        raise errors.invalid(f"Invalid {kind}: {value}", param=path)
    if value == "":
        raise errors.invalid(f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
                             f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
                             "request or supply a non-empty value.", code="parameter_invalid_empty", param=path)
    if kind == "integer":
        if not INTEGER.match(value):
            raise errors.invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
        return int(value)
    if kind == "boolean":
        if value not in BOOLEANS:
            raise errors.invalid(f"Invalid boolean: {value}", param=path)
        return BOOLEANS[value]
    return value


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict):
        return
    if len(metadata) > METADATA_KEYS_MAX:
        raise errors.invalid(f"Metadata can have at most {METADATA_KEYS_MAX} keys", param="metadata")
    for name, value in metadata.items():
        if len(name) > METADATA_KEY_LENGTH_MAX or len(value) > METADATA_VALUE_LENGTH_MAX:
            raise errors.invalid(f"Metadata keys can have up to {METADATA_KEY_LENGTH_MAX} characters and values up to "
                                 f"{METADATA_VALUE_LENGTH_MAX}", param=f"metadata[{name}]")


def _below(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
