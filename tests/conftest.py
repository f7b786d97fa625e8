"""What the tests of the checkout itself share, and the figures at the end of a run."""

import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def launcher() -> ModuleType:
    """The launcher as a module; it has no `.py`, so Python must be told what it is."""
    module = ModuleType("launcher")
    module.__file__ = str(ROOT / "runbook")
    exec(compile((ROOT / "runbook").read_text(encoding="utf-8"), module.__file__, "exec"), module.__dict__)
    return module


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """Every file that git tracks and that is there; in a checkout without git, every file that is not ignored."""
    if not (ROOT / ".git").exists():
        lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        ignored = {line.rstrip("/") for line in lines if line.endswith("/")}
        incidents = set((ROOT / "outputs").iterdir()) - {ROOT / "outputs" / ".gitkeep"}
        files = (file for file in sorted(ROOT.rglob("*")) if not ignored & set(file.relative_to(ROOT).parts))
        return [file for file in files if file.is_file() and not incidents & {file, *file.parents}]
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for name in listing.split("\0") if name and (file := ROOT / name).is_file()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    done = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    calls = [report for report in done if report.when == "call"]
    cells = sum(".ipynb::" in report.nodeid for report in calls)
    routes = sum(dict(report.user_properties).get("simulator_routes_validated", 0) for report in calls)
    terminalreporter.write_line(
        f"figures: {len(calls) - cells} tests run, {cells} notebook cells compared, {routes} simulator routes validated"
    )
