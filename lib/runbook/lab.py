"""JupyterLab on the notebooks, with the incident's parameters filled in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from runbook import target as targets
from runbook.display.notebook import INTERACTIVE
from runbook.headless import NOTEBOOKS
from runbook.incident import outputs


def open_lab(target: str, incident: str, notebook: Path) -> int:
    """Open JupyterLab on a working copy of the notebooks, `notebook` on screen, and return when it ends.

    The copies have `target` and `incident` filled in and lie in outputs/, because the committed notebooks are fixtures.
    The server listens on loopback with a token of its own.
    """
    targets.load(target)
    desk = outputs() / f"lab-{target}"
    shutil.copytree(NOTEBOOKS, desk, dirs_exist_ok=True)
    for copy in desk.glob("*.ipynb"):
        fill_in(copy, target, incident)
    environment = {**os.environ, INTERACTIVE: "1", "JUPYTERLAB_SETTINGS_DIR": str(quiet_settings(desk))}
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={desk}",
               f"--LabApp.default_url=/lab/tree/{notebook.name}", "--ServerApp.open_browser=True"]  # fmt: skip
    if os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.call(command, env=environment)
