"""Success only by the closing entry in the journal; whatever else a notebook does is told in one sentence and kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from practice.world import World
from runbook import headless
from runbook.__main__ import main
from runbook.errors import CannotLook, Refused, RunbookError
from runbook.headless import execution, kernels, parameters
from runbook.incident import Incident, open_incident
from untouched import counters, sentence

PARAMETERS = 'target: str = "practice"  # which\nincident: str = ""  # which\nwatch_minutes: int = 0  # how long'
CLOSING = """
from datetime import UTC, datetime
from pathlib import Path
import os
from runbook.journal import Journal
path = Path(os.environ["RUNBOOK_OUTPUTS"]) / incident / "journal.jsonl"
Journal(path).append("finished", {"notebook": "NAME", "headline": "all is said"}, datetime.now(UTC))
"""


@pytest.fixture
def outputs(fixture_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


@pytest.fixture
def incident(outputs: Path) -> Incident:
    return open_incident("practice")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tiny notebooks in place of the real one; their kernels need nothing imported ahead."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(parameters, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(kernels, "AHEAD", "")
    return tmp_path / "notebooks"


def write(folder: Path, name: str, *cells: str, closing: bool = True) -> str:
    book = new_notebook(cells=[new_code_cell(PARAMETERS), *map(new_code_cell, cells)])
    book.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    book.cells[0].metadata["tags"] = ["parameters"]
    book.cells += [new_code_cell(CLOSING.replace("NAME", name))] if closing else []
    nbformat.write(book, folder / f"{name}.ipynb")
    return name


def shown(path: Path) -> str:
    book = nbformat.read(path, as_version=4)
    return "".join(output.get("text", "") for cell in book.cells for output in cell.get("outputs", ()))


def failed(name: str, incident: Incident) -> RunbookError:
    with pytest.raises(RunbookError) as raised:
        headless.run(name, {"incident": incident.id})
    sentence(f"runbook: {raised.value}\n")
    return raised.value


def test_every_cell_ran_and_the_journal_says_so(folder: Path, incident: Incident, outputs: Path) -> None:
    name = write(folder, "10_well", "print('here', incident)")
    done = headless.run(name, {"incident": incident.id})
    assert (done.notebook, done.incident, done.headline) == (name, incident.id, "all is said")
    assert done.path == incident.directory / "10_well.ipynb"
    assert shown(done.path) == f"here {incident.id}\n"
    again = headless.run(name, {"incident": incident.id})
    assert again.path == incident.directory / "10_well-2.ipynb"
    assert shown(done.path) == shown(again.path)
    assert sorted(path.name for path in incident.directory.iterdir()) == [
        "10_well-2.ipynb", "10_well.ipynb", "journal.jsonl"
    ]  # fmt: skip


STOPS = {
    # A cell's number is the one that stands beside it; the given parameters are a cell of their own.
    "ends early as if all were well": ("import sys; sys.exit(0)", "without its closing entry"),
    "fails": ("1 / 0", "stopped at cell 4 (ZeroDivisionError: division by zero)"),
    "loses its kernel": ("import os; os.kill(os.getpid(), 9)", "lost its kernel"),
}


@pytest.mark.parametrize("case", STOPS)
def test_a_notebook_that(folder: Path, incident: Incident, case: str) -> None:
    cell, fragment = STOPS[case]
    error = failed(write(folder, "10_ill", "print('before')", cell), incident)
    assert isinstance(error, CannotLook)
    assert fragment in str(error)
    kept = incident.directory / "10_ill.ipynb"
    assert str(kept) in str(error)
    assert shown(kept).startswith("before\n")


def test_a_notebook_without_its_closing_cell(folder: Path, incident: Incident) -> None:
    """Every cell ran, and nobody knows whether it came to its end: an earlier run's entry does not say so, nor does
    another notebook's."""
    incident.log("finished", notebook="10_open", headline="yesterday's")
    other = CLOSING.replace("NAME", "20_other")
    error = failed(write(folder, "10_open", "print('before')", other, closing=False), incident)
    assert "without its closing entry in the journal, so it does not count as run" in str(error)
    assert shown(incident.directory / "10_open.ipynb") == "before\n"


def test_a_cell_that_exceeds_the_time_limit(folder: Path, incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "CELL_SECONDS_MAX", 1)
    cell = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    error = failed(write(folder, "10_slow", cell), incident)
    assert "took longer than 1 s" in str(error)
    kernel = int(shown(incident.directory / "10_slow.ipynb"))
    assert is_gone(kernel), "the kernel ends with the run"


def is_gone(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_cell_that_says_one_sentence_keeps_it_and_its_code(folder: Path, incident: Incident) -> None:
    cell = "from runbook.errors import Refused\nraise Refused('The thing is so. Do this.')"
    error = failed(write(folder, "10_told", cell), incident)
    assert (type(error), str(error)) == (Refused, "The thing is so. Do this.")
    assert (incident.directory / "10_told.ipynb").exists()


def test_a_kernel_that_does_not_start(folder: Path, incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first act is to die, as under a memory limit that it does not fit into."""
    monkeypatch.setattr(kernels, "AHEAD", "import os; os._exit(1)")
    monkeypatch.setattr(kernels, "READY_SECONDS_MAX", 3)
    error = failed(write(folder, "10_well"), incident)
    assert "No kernel was ready within 3 s" in str(error)
    assert not list(incident.directory.glob("*.ipynb"))


def test_the_command_says_the_sentence_writes_the_record_and_ends_with_the_code(
    fixture_world: World, folder: Path, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counters(fixture_world)
    write(folder, "10_ill", "from runbook.incident import open_incident",
          "open_incident(target, incident).log('started', notebook='10_ill')", "print('before')", "1 / 0")  # fmt: skip
    (tmp_path / "given.yaml").write_text("target: practice\n", encoding="utf-8")
    assert main(["run", "10_ill", "-f", str(tmp_path / "given.yaml")]) == 2
    said = capsys.readouterr()
    incident = said.out.removeprefix("incident ").strip()
    assert sentence(said.err.splitlines()[0] + "\n").startswith("10_ill stopped at cell 6 (ZeroDivisionError")
    folded = json.loads((outputs / incident / "record.json").read_text(encoding="utf-8"))
    assert folded["status"] == "failed"
    assert (outputs / incident / "report.html").exists()
    assert counters(fixture_world) == before


def test_an_interrupted_run_keeps_what_it_has_shown_and_leaves_no_kernel(
    folder: Path, incident: Incident, tmp_path: Path
) -> None:
    asleep = tmp_path / "asleep"
    sleep = f"open({str(asleep)!r}, 'w')\ntime.sleep(600)"
    name = write(folder, "10_slow", "import os, time\nprint(os.getpid(), flush=True)", sleep)
    (tmp_path / "given.yaml").write_text(f"incident: {incident.id}\n", encoding="utf-8")
    script = (
        "import sys; from pathlib import Path; from runbook.headless import kernels, parameters;"
        f"parameters.NOTEBOOKS = Path({str(folder)!r}); kernels.AHEAD = '';"
        "from runbook.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "run", name, "-f", str(tmp_path / "given.yaml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for(asleep)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "nothing that was begun is lost" in sentence(said)
    assert is_gone(int(shown(incident.directory / "10_slow.ipynb")))


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def test_running_a_notebook_compiles_no_grammar(folder: Path, incident: Incident) -> None:
    """papermill brings jsonschema, which compiles two grammars that nobody here uses: a second of every run."""
    name = write(folder, "10_well")
    script = (
        "import sys; from pathlib import Path; from runbook import headless; from runbook.headless import kernels,"
        f" parameters; parameters.NOTEBOOKS = Path({str(folder)!r}); kernels.AHEAD = '';"
        f"headless.run({name!r}, {{'incident': {incident.id!r}}});"
        "print('papermill' in sys.modules, 'lark' in sys.modules, bool(sys.modules.get('rfc3987_syntax')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True False False\n", "")


def test_a_live_watch_has_its_minutes_beside_the_limit(
    folder: Path, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch of half an hour must not end in the time limit of a cell that hangs."""
    monkeypatch.setattr(execution, "CELL_SECONDS_MAX", 1)
    name = write(folder, "10_watch", "import time; time.sleep(1.5)")
    assert headless.run(name, {"incident": incident.id, "watch_minutes": 1}).headline == "all is said"


@pytest.fixture
def executed(incident: Incident) -> Path:
    running = incident.directory / ".running" / "10_x-1.ipynb"
    running.parent.mkdir()
    running.write_text("executed", encoding="utf-8")
    return running


def test_an_executed_notebook_is_never_overwritten(executed: Path, incident: Incident) -> None:
    for name in ("10_x.ipynb", "10_x-2.ipynb"):
        (incident.directory / name).write_text("earlier", encoding="utf-8")
    assert execution.keep(executed, "10_x").name == "10_x-3.ipynb"
    assert (incident.directory / "10_x.ipynb").read_text(encoding="utf-8") == "earlier"
    assert not executed.parent.exists()
