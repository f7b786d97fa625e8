"""One notebook from its parameters to its closing entry. papermill is imported only here, and only when a notebook
runs: it costs a second that no other command should pay."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook import planning
from runbook.errors import CannotLook, RunbookError
from runbook.headless import parameters
from runbook.headless.kernels import Kernels
from runbook.headless.parameters import WATCH
from runbook.incident import directory_of, join, open_incident
from runbook.journal import Entry, Journal

# Ten minutes end a cell that hangs. The one honest cell that may take longer is the live watch, which says how long.
CELL_SECONDS_MAX = 600
ENGINE = "runbook"  # papermill's own, but for keeping what a dead kernel has shown
KEEP_AT = "keep_at"


@dataclass(frozen=True)
class Accepted:
    """A notebook whose parameters fit; `opening` is what its incident is opened or joined with."""

    path: Path
    parameters: Mapping[str, Any]
    opening: Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """A notebook that may be run: it exists, its parameters fit, and its incident is open."""

    path: Path
    incident: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One notebook's run: where it lies, which incident it belongs to, its headline, its seconds."""

    notebook: str
    path: Path
    incident: str
    headline: str
    seconds: float


def run(notebook: str, given: Mapping[str, Any]) -> Run:
    ready = prepare(notebook, given)
    with Kernels(1) as kernels:
        return carry_out(ready, kernels)


def prepare(notebook: str, given: Mapping[str, Any]) -> Prepared:
    """Everything that can be refused is refused here, before a cell runs."""
    return enter(accept(notebook, given))


def accept(notebook: str, given: Mapping[str, Any]) -> Accepted:
    """Refuse what can be told without asking anybody outside: unknown parameters and wrong types, an incident or a
    plan that is not there, an incident of another target."""
    path = parameters.notebook_path(notebook)
    known = papermill().inspect_notebook(str(path))
    parameters.check(path.stem, known, given)
    opening = parameters.defaults(known, given)
    if plan := given.get("approved_plan"):
        planning.sealed(Journal(directory_of(opening["incident"]) / "journal.jsonl"), plan)
    if opening["incident"]:
        join(opening["target"], opening["incident"], opening.get("window_start", ""), opening.get("window_end", ""))
    return Accepted(path, given, opening)


def enter(accepted: Accepted) -> Prepared:
    """Open an incident where none is named; refuses a target that cannot be right."""
    incident = accepted.opening["incident"] or open_incident(**accepted.opening).id
    return Prepared(accepted.path, incident, {**accepted.parameters, "incident": incident})


def carry_out(ready: Prepared, kernels: Kernels) -> Run:
    """Execute a notebook into its incident's directory.

    It succeeds only when every cell ran *and* the journal holds the notebook's closing entry. Raises the failing
    cell's own error where it is one sentence already, else CannotLook.
    """
    started, directory = time.monotonic(), directory_of(ready.incident)
    before = len(closings(directory, ready.path.stem))
    kept = execute(ready.path, directory, ready.parameters, kernels)
    entries = closings(directory, ready.path.stem)
    if len(entries) == before:
        raise CannotLook(
            f"{ready.path.stem} ended without its closing entry in the journal, so it does not count as run. "
            f"What it showed lies in {kept}."
        )
    headline = entries[-1].body["headline"]
    return Run(ready.path.stem, kept, ready.incident, headline, time.monotonic() - started)


def closings(directory: Path, notebook: str) -> list[Entry]:
    entries = Journal(directory / "journal.jsonl").entries("finished")
    return [entry for entry in entries if entry.body["notebook"] == notebook]


def execute(path: Path, directory: Path, given: Mapping[str, Any], kernels: Kernels) -> Path:
    """Run the cells and return where the executed notebook lies; it is kept however the run ends."""
    running = directory / ".running" / f"{path.stem}-{os.getpid()}.ipynb"
    running.parent.mkdir(exist_ok=True)
    try:
        with kernels.kernel() as kernel:
            problem = run_cells(path, running, given, kernel)
    finally:
        kept = keep(running, path.stem)
    if isinstance(problem, RunbookError):
        raise problem
    if problem:
        raise CannotLook(f"{path.stem} {problem} What it showed lies in {kept}.")
    return kept


def keep(running: Path, stem: str) -> Path:
    """Give an executed notebook its place and its name, `12_x.ipynb`, then `12_x-2.ipynb`: none is overwritten, and
    none appears before it is complete."""
    directory = running.parent.parent
    if not running.exists():
        return directory
    for number in itertools.count(1):
        final = directory / (f"{stem}-{number}.ipynb" if number > 1 else f"{stem}.ipynb")
        with contextlib.suppress(FileExistsError):
            final.touch(exist_ok=False)
            running.replace(final)
            with contextlib.suppress(OSError):  # another run is in it
                running.parent.rmdir()
            return final
    raise AssertionError("numbers do not end")


def run_cells(path: Path, output: Path, given: Mapping[str, Any], kernel: Any) -> RunbookError | str:
    """Run the cells in a kernel that is ready; what stopped them, empty when nothing did."""
    pm = papermill()
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    seconds = CELL_SECONDS_MAX + 60 * given.get(WATCH, 0)
    try:
        pm.execute_notebook(
            str(path),
            str(output),
            dict(given),
            engine_name=ENGINE,
            progress_bar=False,
            cwd=str(parameters.NOTEBOOKS),
            kernel_name="python3",
            km=kernel,
            execution_timeout=seconds,
            log_output=False,
            request_save_on_cell_execute=False,
            **{KEEP_AT: str(output)},
        )
    except pm.PapermillExecutionError as error:
        if kind := {each.__name__: each for each in kinds(RunbookError)}.get(error.ename):
            return kind(error.evalue)
        return f"stopped at cell {error.exec_count} ({error.ename}: {error.evalue})."
    except CellTimeoutError:
        return f"has a cell that took longer than {seconds} s; it was stopped."
    except DeadKernelError:
        return "lost its kernel, which was killed or ran out of memory."
    return ""


def kinds(error: type[RunbookError]) -> Iterator[type[RunbookError]]:
    for each in error.__subclasses__():
        yield each
        yield from kinds(each)


def papermill() -> Any:
    """The papermill package, with an engine that keeps what was shown when a kernel dies or a cell takes too long."""
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # a kernel of the same name in somebody's home must not win
    import papermill as module
    from papermill.engines import NBClientEngine, papermill_engines

    class Keeping(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **settings: Any) -> Any:
            output = settings.pop(KEEP_AT)
            try:
                return super().execute_managed_notebook(nb_man, kernel_name, **settings)
            finally:
                nb_man.output_path = output  # from here on it is saved; after each cell would take a second or two

    papermill_engines.register(ENGINE, Keeping)
    return module
