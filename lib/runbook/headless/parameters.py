"""What a notebook may be given. papermill lets a misspelled name pass (the run then uses the defaults) and any type."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from runbook.errors import BadInput
from runbook.redact import one_line
from runbook.target import TARGETS
from runbook.target.read import Loader, Twice

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
WATCH = "watch_minutes"
OPENING = ("target", "incident", "window_start", "window_end", "symptom")
TYPES: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
SHOWN = 60

# Name → what papermill reads of it: `inferred_type_name`, `default` (as source), `help`.
Declared = Mapping[str, Mapping[str, Any]]


def notebook_path(name: str) -> Path:
    """`00_triage`, `00_triage.ipynb` or `notebooks/00_triage.ipynb` → the notebook."""
    given = Path(name)
    path = NOTEBOOKS / f"{given.name.removesuffix('.ipynb')}.ipynb"
    if given.parent not in (Path(), Path("notebooks")) and given.resolve() != path:
        raise BadInput(f"`{name}` is none of the notebooks in notebooks/; copy it there to run it.")
    if not path.is_file():
        known = sorted(each.stem for each in NOTEBOOKS.glob("*.ipynb"))
        raise BadInput(f"There is no notebook `{name}`; {suggestion(path.stem, known)}")
    return path


def parameter_file(file: str) -> dict[str, Any]:
    """A YAML file of parameters; found in parameters/ too, so that `-f audit.yaml` works from anywhere."""
    try:
        path = Path(file) if Path(file).exists() else TARGETS.parent / file
        content = yaml.load(path.read_bytes(), Loader)
    except FileNotFoundError:
        raise BadInput(f"There is no parameter file `{file}`; see parameters/ for examples.") from None
    except OSError as error:
        raise BadInput(f"`{file}` cannot be read: {error.strerror}. Name a file with `name: value` lines.") from None
    except Twice as error:
        raise BadInput(f"`{file}`: {error}; keep one.") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # no text, no date, a list as a key
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise BadInput(f"`{file}` is not readable YAML{line}; correct it and run again.") from None
    if not isinstance(content, dict):
        raise BadInput(f"`{file}` must hold `name: value` lines; parameters/incident.example.yaml shows them.")
    return content


def check(notebook: str, known: Declared, given: Mapping[str, Any]) -> None:
    """Refuse a name that the notebook does not have, and a value of another type."""
    for name, value in given.items():
        if name not in known:
            raise BadInput(f"{notebook} has no parameter `{name}`; {suggestion(str(name), list(known))}")
        wanted = known[name]["inferred_type_name"]
        fits = isinstance(value, TYPES.get(wanted, (list,)))
        if not fits or (isinstance(value, bool) and wanted != "bool"):
            must = WORDS.get(wanted, "a list")
            raise BadInput(f"Parameter `{name}` of {notebook} must be {must}; {told(value)}.{cure(value, wanted)}")
    if given.get(WATCH, 0) < 0:
        raise BadInput(f"Parameter `{WATCH}` of {notebook} is {given[WATCH]}; 0 looks back only, more watches so long.")


def suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known) or 'none'}."


def told(value: object) -> str:
    """What stands there, as YAML reads it."""
    if value is None:
        return "it is empty"
    if isinstance(value, dict | list):
        return "it is a section" if isinstance(value, dict) else "it is a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    kind = "a date or time" if isinstance(value, date) else kinds.get(type(value), type(value).__name__)
    return f"`{one_line(text)[:SHOWN]}` is {kind} to YAML"


def cure(value: object, wanted: str) -> str:
    if wanted == "str":
        return ' Write "" for none.' if value is None else " Put it into quotes."
    return " Write it without quotes." if isinstance(value, str) else ""


def defaults(known: Declared, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the notebook would open its incident with: as given, or its own default."""
    return {name: given.get(name, ast.literal_eval(known[name]["default"])) for name in OPENING if name in known}
