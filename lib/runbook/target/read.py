"""From a YAML file to a Target, key by key, so that an error names file and key, what is wrong and what is allowed.

What stands in an environment variable is never repeated in a sentence: it may be a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import os
import re
import types
import typing
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import yaml

from runbook.errors import BadInput
from runbook.redact import SECRETS, one_line
from runbook.target.rules import check
from runbook.target.secret import NO_SECRET, Secret, missing
from runbook.target.shape import Part, Target

TARGETS = Path(__file__).resolve().parents[3] / "parameters" / "targets"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
NOT_IN_FILE = frozenset({"name"})  # a target's name is its file's


class Twice(yaml.YAMLError):
    """A key that stands twice in one section; YAML itself would silently keep the second."""


class Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            if key.value in names:
                raise Twice(f"`{key.value}` stands there twice, again at line {key.start_mark.line + 1}")
            names.add(str(key.value))
        return super().construct_mapping(node, deep)


def load(name: str, directory: Path | None = None) -> Target:
    """The target called `name`.

    Raises BadInput naming the file, the key, what was wrong and what is allowed, and CannotLook for a practice world
    that is closed.
    """
    directory = directory or TARGETS
    if not NAME.fullmatch(name):
        raise BadInput(
            f"`{one_line(name)[:80]}` is not a target name; use a file's name in parameters/targets, without .yaml."
        )
    path = directory / f"{name}.yaml"
    target = convert(parsed(path, name, directory), path.name)
    return msgspec.structs.replace(target, name=name)


def parsed(path: Path, name: str, directory: Path) -> object:
    try:
        return yaml.load(path.read_bytes(), Loader)
    except FileNotFoundError:
        raise BadInput(no_such_target(name, sorted(found.stem for found in directory.glob("*.yaml")))) from None
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}. Correct its permissions.") from None
    except Twice as error:
        raise BadInput(f"{path.name}: {error}; keep one.") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # no text, a section as a key
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path.name} is not readable YAML{line}; correct it and run again.") from None


def no_such_target(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.removesuffix(".yaml"), known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known) or 'none'}."
    return f"There is no target `{name}` in parameters/targets; {hint}"


def convert(raw: object, file: str) -> Target:
    """The parsed YAML as a Target; the file's name only serves the error sentence."""
    target = read(raw, Target, "", file)
    check(target, file)
    return target


def read(value: object, kind: Any, key: str, file: str) -> Any:
    """`value` as `kind`, which is a type that a Part's field can have."""
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and type(None) in options:
        return None
    kind = options[0]
    if kind is Secret:
        return secret(value, key, file)
    if isinstance(kind, type) and issubclass(kind, Part):
        return section(value, kind, key, file)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            wrong(file, key, "must be a list, like [one, two]", value)
        return tuple(read(each, typing.get_args(kind)[0], f"{key}[{at}]", file) for at, each in enumerate(value))
    if typing.get_origin(kind) is dict:
        return named(value, *typing.get_args(kind), key, file)
    return leaf(value, kind, key, file)


def section(value: object, part: type[Part], key: str, file: str) -> Part:
    if not isinstance(value, Mapping):
        place = f"{file}: `{key}`" if key else file
        raise BadInput(f"{place} must be a section with keys of its own; practice.yaml shows one.")
    kinds = typing.get_type_hints(part, include_extras=True)
    known = sorted(kinds.keys() - NOT_IN_FILE) if part is Target else sorted(kinds)
    for name in value:
        if name not in known:
            raise BadInput(unknown(str(name), known, key, file))
    for field in msgspec.structs.fields(part):
        if field.required and value.get(field.name, "") == "":
            raise BadInput(f"{file}: `{inside(key, field.name)}` is missing or empty; practice.yaml shows one.")
    return part(**{name: read(each, kinds[name], inside(key, name), file) for name, each in value.items()})


def named(value: object, names: Any, values: Any, key: str, file: str) -> dict[str, Any]:
    """A section whose keys are names of the user's own, or words of a list."""
    if not isinstance(value, Mapping):
        wrong(file, key, "must be a section of `name: value` lines", value)
    allowed = typing.get_args(names) if typing.get_origin(names) is Literal else ()
    for name in value:
        if allowed and name not in allowed:
            raise BadInput(unknown(str(name), list(allowed), key, file))
    return {read(name, str, key, file): read(each, values, inside(key, name), file) for name, each in value.items()}


def leaf(value: object, kind: Any, key: str, file: str) -> Any:
    """Text, a whole number or one of several words; `env:NAME` is replaced by what the variable holds."""
    variable = VARIABLE.fullmatch(value) if isinstance(value, str) else None
    if variable:
        if variable[1] not in os.environ:
            raise missing(variable[1], f"`{key}` in {file}")
        value = os.environ[variable[1]]
    if isinstance(value, str) and any(pattern.search(value) for pattern in SECRETS):
        raise BadInput(misplaced(key, file, variable[1]) if variable else plain_secret(key, file))
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        wrong(file, key, f"must be {wanted(kind)}", value, variable[1] if variable else "")


def secret(value: object, key: str, file: str) -> Secret:
    variable = VARIABLE.fullmatch(value) if isinstance(value, str) else None
    if variable:
        return Secret(variable[1])
    if value == "" or value is None:
        return NO_SECRET
    raise BadInput(plain_secret(key, file))


def plain_secret(key: str, file: str) -> str:
    return f"{file}: `{key}` holds a secret as plain text; put it into an environment variable and write env:NAME."


def misplaced(key: str, file: str, variable: str) -> str:
    return f"{file}: `{key}` is shown to people, and the variable `{variable}` holds a secret; name another one."


def wanted(kind: Any) -> str:
    """`text`, `one of live, test`, `a whole number from 0 to 100`."""
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(typing.get_args(kind))}"
    if typing.get_origin(kind) is not Annotated:
        return "text"
    limits = kind.__metadata__[0]
    return f"a whole number {f'from {limits.ge} to {limits.le}' if limits.le else f'of {limits.ge} or more'}"


def wrong(file: str, key: str, must: str, value: object, variable: str = "") -> NoReturn:
    found = f"what `{variable}` holds is not" if variable else f"it is {shown(value)}"
    hint = " Put it into quotes." if must == "must be text" and isinstance(value, bool | int | float | date) else ""
    raise BadInput(f"{file}: `{key}` {must}; {found}.{hint}")


def shown(value: object) -> str:
    """A wrong value, short; sections and lists by their kind alone."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping | list):
        return "a section" if isinstance(value, Mapping) else "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:60]}`"


def unknown(name: str, known: list[str], key: str, file: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"allowed: {', '.join(known)}."
    where = f" in `{key}`" if key else ""
    return f"{file}: `{name}`{where} is not a known key; {hint}"


def inside(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)
