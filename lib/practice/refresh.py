"""Run the notebooks on the fixture world and keep what they show: the outputs that are committed."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from practice.drill import ROOT, RUN, say
from practice.fixture import FAULTS, USUAL, open_fixture_world

NOTEBOOKS = ROOT / "notebooks"
CELL_SECONDS_MAX = 120
# What a kernel adds of the machine it ran on; none of it belongs into a committed notebook.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
VOLATILE = ("execution", "papermill", "ExecuteTime")


class RefreshError(RuntimeError):
    """A notebook could not be run; the text is one sentence, and that notebook was left as it was."""


class UnknownNotebook(ValueError):
    """There is no such notebook; the text is one sentence."""


def refresh(names: Sequence[str]) -> int:
    """All notebooks, or the named ones, in order. Raises RefreshError, UnknownNotebook, WorldError."""
    books = chosen(names)
    scratch = Path(tempfile.mkdtemp(prefix="refresh-"))
    # A kernelspec of the same name in somebody's home must not win over the one of .venv.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    try:
        # Those of one world together, so that each world is opened once.
        for fault, same in itertools.groupby(sorted(books, key=fault_of), key=fault_of):
            alike = list(same)
            with open_fixture_world(RUN / "fixture", alike[0].stem) as world:
                say(f"on a world with {fault[0]}:")
                os.environ.update(world.environment)
                for book in alike:
                    os.environ["RUNBOOK_OUTPUTS"] = tempfile.mkdtemp(prefix=f"{book.stem}-", dir=scratch)
                    say(f"{book.stem:34} {'refreshed' if ink(book) else 'unchanged'}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def fault_of(book: Path) -> tuple[str, str]:
    return FAULTS.get(book.stem, USUAL)


def chosen(names: Sequence[str]) -> list[Path]:
    present = {book.stem: book for book in sorted(NOTEBOOKS.glob("*.ipynb"))}
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
    for name in wanted:
        if name not in present:
            raise UnknownNotebook(f"There is no notebook `{name}`; choose from: {', '.join(present) or 'none yet'}.")
    return [present[name] for name in wanted] if wanted else list(present.values())


def ink(book: Path) -> bool:
    """Execute one notebook in place, as nbval will: in its own folder. True when its text changed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    before = book.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    # Over sockets of this user's own: over TCP a kernel warns that others on the host could read.
    sockets = tempfile.mkdtemp(prefix="kernel-")
    private = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/s"}})
    client = NotebookClient(
        notebook, config=private, timeout=CELL_SECONDS_MAX, kernel_name="python3", record_timing=False,
        store_widget_state=False, coalesce_streams=True, resources={"metadata": {"path": str(book.parent)}},
    )  # fmt: skip
    try:
        client.execute()
    except CellExecutionError as problem:
        raise RefreshError(f"`{book.stem}` failed with {problem.ename}: {problem.evalue}.") from problem
    except CellTimeoutError as problem:
        raise RefreshError(f"`{book.stem}` has a cell that ran longer than {CELL_SECONDS_MAX} s.") from problem
    except DeadKernelError as problem:
        raise RefreshError(f"The kernel of `{book.stem}` died.") from problem
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for name in VOLATILE:
            cell.metadata.pop(name, None)
    after = nbformat.writes(notebook) + "\n"
    if after == before:
        return False
    draft = book.with_name(f".{book.name}.{os.getpid()}")
    draft.write_text(after, encoding="utf-8")
    draft.replace(book)
    return True
