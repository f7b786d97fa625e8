"""Running notebooks without a person: parameters checked, cells bounded in time, success by the record alone.

papermill is imported only where a notebook runs: it costs a second that no other command should pay.
"""

from __future__ import annotations

import ast
import difflib
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runbook.errors import BadInput, CannotLook, RunbookError
from runbook.incident import directory_of, open_incident
from runbook.journal import Entry, Journal
from runbook.target import TARGETS

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# The longest honest cell is the live watch, which brings its own minutes; everything else ends within a few.
CELL_SECONDS_MAX = 600
TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool}


@dataclass(frozen=True)
class Run:
    """One notebook's run: where it lies, which incident it belongs to, its headline, its seconds."""

    notebook: str
    path: Path
    incident: str
    headline: str
    seconds: float


def notebook_path(name: str) -> Path:
    """`00_triage`, `00_triage.ipynb` or `notebooks/00_triage.ipynb` → the notebook."""
    path = NOTEBOOKS / f"{Path(name).stem}.ipynb"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in NOTEBOOKS.glob("*.ipynb")))
        raise BadInput(f"There is no notebook `{name}`; there are: {known}.")
    return path


def papermill() -> Any:
    """The papermill package, without the second that `rfc3987_syntax` takes to compile grammars nobody here uses."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import papermill as module

    return module


def declared(path: Path) -> dict[str, dict[str, Any]]:
    """The notebook's parameters as papermill reads them: name → type, default, help."""
    return papermill().inspect_notebook(str(path))


def check_parameters(notebook: str, known: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Refuse what papermill would let through: an unknown name (it runs on defaults) and a wrong type."""
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(known)}."
            raise BadInput(f"{notebook} has no parameter `{name}`; {hint}")
        wanted = known[name]["inferred_type_name"]
        fits = isinstance(value, TYPES.get(wanted, list)) and not (isinstance(value, bool) and wanted != "bool")
        if not fits:
            raise BadInput(
                f"Parameter `{name}` of {notebook} must be {wanted}, not {type(value).__name__} (`{value}`)."
            )


def run(notebook: str, parameters: Mapping[str, Any]) -> Run:
    """Execute one notebook into its incident's directory.

    The incident is opened here when none is named, so that a target that cannot be right is told before a kernel is
    started. Raises BadInput for parameters that the notebook does not have, and the cell's own error, as its sentence,
    when one fails. A run succeeds only when every cell ran *and* the journal holds the notebook's closing entry.
    """
    path = notebook_path(notebook)
    known = declared(path)
    check_parameters(path.stem, known, parameters)
    started = time.monotonic()
    given = with_incident(known, parameters)
    directory = directory_of(given["incident"])
    before = len(closings(directory, path.stem))
    final = directory / free_name(directory, path.stem)
    execute(path, final, given)
    entries = closings(directory, path.stem)
    if len(entries) == before:
        raise CannotLook(
            f"{path.stem} ended without its closing entry in the journal, so it does not count as run. "
            f"Its output lies in {final}."
        )
    return Run(path.stem, final, directory.name, entries[-1].body["headline"], time.monotonic() - started)


def with_incident(known: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with an incident to join: the one named, or a new one from the notebook's own defaults."""
    if parameters.get("incident"):
        return dict(parameters)
    opening = ("target", "incident", "window_start", "window_end", "symptom")
    values = {name: parameters.get(name, ast.literal_eval(known[name]["default"])) for name in opening if name in known}
    return {**parameters, "incident": open_incident(**values).id}


def closings(directory: Path, notebook: str) -> list[Entry]:
    entries = Journal(directory / "journal.jsonl").entries("finished")
    return [entry for entry in entries if entry.body["notebook"] == notebook]


def execute(path: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Run the cells. The kernel is reached over sockets of this user's own: over TCP, others on the host could read."""
    from traitlets.config import Config

    pm = papermill()
    with tempfile.TemporaryDirectory(prefix="runbook-") as sockets:
        try:
            pm.execute_notebook(
                str(path),
                str(output),
                dict(parameters),
                progress_bar=False,
                cwd=str(NOTEBOOKS),
                kernel_name="python3",
                execution_timeout=CELL_SECONDS_MAX,
                log_output=False,
                request_save_on_cell_execute=False,
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
            )
        except pm.PapermillExecutionError as error:
            kind = {each.__name__: each for each in RunbookError.__subclasses__()}.get(error.ename)
            if kind:
                raise kind(error.evalue) from None
            raise CannotLook(
                f"{path.stem} stopped at cell {error.exec_count} ({error.ename}: {error.evalue}). "
                f"Its output lies in {output}."
            ) from None


def free_name(directory: Path, stem: str) -> str:
    """`12_x.ipynb`, then `12_x-2.ipynb`: an executed notebook is never overwritten."""
    names = [f"{stem}.ipynb", *(f"{stem}-{number}.ipynb" for number in range(2, 1000))]
    return next(name for name in names if not (directory / name).exists())


def parameter_file(file: str) -> dict[str, Any]:
    """A YAML file of parameters; found beside the targets too, so that `-f audit.yaml` works from anywhere."""
    path = Path(file) if Path(file).exists() else TARGETS.parent / file
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"There is no parameter file `{file}`; see parameters/ for examples.") from None
    except yaml.YAMLError:
        raise BadInput(f"`{file}` is not readable YAML; correct it and run again.") from None
    if not isinstance(content, dict):
        raise BadInput(f"`{file}` must hold `name: value` lines.")
    return content
