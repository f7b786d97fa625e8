"""Python type annotations, read as syntax trees, said again as JSON Schema.

Rules. `Optional[X]` and `NotRequired[X]` may be left out, `Optional` may also be null. An open enumeration
(`Literal[...] | str`) is closed to the values it names: a simulator must not invent one. An `ExpandableField` is
marked `x-expands`. A class that is not at hand becomes an object of any shape.
"""

import ast
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Resolve = Callable[[str], Schema | None]

PLAIN: dict[str, Schema] = {
    "str": {"type": "string"}, "int": {"type": "integer"}, "bool": {"type": "boolean"}, "float": {"type": "number"},
    "Any": {}, "None": {"type": "null"},
}
LIST_ENVELOPE = {"object": {"enum": ["list"]}, "has_more": {"type": "boolean"}, "url": {"type": "string"}}


def list_of(items: Schema) -> Schema:
    """The envelope of a cursor list."""
    return {"type": "object", "required": ["object", "data", "has_more", "url"], "additionalProperties": False,
            "properties": {**LIST_ENVELOPE, "data": {"type": "array", "items": items}}}


def fields(node: ast.ClassDef) -> dict[str, ast.expr]:
    """The annotated fields of a class body, without constants of the class and private ones."""
    return {item.target.id: _unquoted(item.annotation) for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
            and not item.target.id.startswith("_") and not ast.unparse(item.annotation).startswith("ClassVar")}


def object_schema(node: ast.ClassDef, resolve: Resolve) -> Schema:
    """The schema of a class: closed, with the fields that must be there."""
    annotated = fields(node)
    required = [name for name, note in annotated.items() if _head(note) not in ("Optional", "NotRequired")]
    return {"type": "object", "additionalProperties": False, "required": required,
            "properties": {name: translate(note, resolve) for name, note in annotated.items()}}


def translate(node: ast.expr, resolve: Resolve) -> Schema:
    """One annotation as JSON Schema."""
    node = _unquoted(node)
    if isinstance(node, ast.BinOp):
        return _union(_alternatives(node), resolve)
    if isinstance(node, ast.Subscript):
        return _generic(_head(node), _arguments(node), resolve)
    name = ast.unparse(node)
    # A class of the file comes before a plain type: an object may well have a nested class called Any or List.
    return resolve(name) or PLAIN.get(name, {"type": "object"})


def _generic(head: str, arguments: list[ast.expr], resolve: Resolve) -> Schema:
    match head:
        case "Optional":
            return _nullable(translate(arguments[0], resolve))
        case "NotRequired" | "Required":
            return translate(arguments[0], resolve)
        case "Literal":
            return {"enum": [ast.literal_eval(value) for value in arguments]}
        case "Union":
            return _union(arguments, resolve)
        case "List":
            return {"type": "array", "items": translate(arguments[0], resolve)}
        case "ListObject":
            return list_of(translate(arguments[0], resolve))
        case "ExpandableField":
            return {"anyOf": [{"type": "string"}, translate(arguments[0], resolve)], "x-expands": True}
        case "Dict" | "UntypedStripeObject":
            return {"type": "object", "additionalProperties": translate(arguments[-1], resolve)}
    raise ValueError(f"the SDK uses an annotation that this reader does not know: {head}")


def _union(parts: list[ast.expr], resolve: Resolve) -> Schema:
    schemas: list[Schema] = []
    for part in parts:
        schema = translate(part, resolve)
        if schema not in schemas:
            schemas.append(schema)
    values = [schema for schema in schemas if "enum" in schema and schema["enum"] != [""]]
    if values:
        schemas = [schema for schema in schemas if schema != PLAIN["str"]]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _nullable(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and set(schema) == {"type"}:
        return {"type": [schema["type"], "null"]}
    marks = {name: value for name, value in schema.items() if name == "x-expands"}
    return {"anyOf": [schema, {"type": "null"}], **marks}


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _arguments(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def _head(node: ast.expr) -> str:
    return ast.unparse(node.value) if isinstance(node, ast.Subscript) else ""
