"""JupyterLab on an incident: the notebooks with its parameters filled in, and nothing of the fixture left in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from runbook.display.approval import INTERACTIVE
from runbook.errors import BadInput
from runbook.headless import NOTEBOOKS
from runbook.incident import open_incident

# Without it JupyterLab asks on first sight whether it may fetch its project's news.
QUIET = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False}
}


def open_lab(target: str, incident: str, notebook: str) -> int:
    """Open JupyterLab with `notebook` on screen and return its exit code when it ends.

    The notebooks are copies in the incident's directory, because the committed ones are fixtures. The server listens
    on loopback, with a token of its own.
    """
    opened = open_incident(target, incident)
    desk = opened.directory / "desk"
    desk.mkdir(exist_ok=True)
    for original in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not (desk / original.name).exists():
            lay_out(original, desk / original.name, {"target": target, "incident": opened.id})
    settings = quiet_settings(opened.directory / ".jupyterlab")
    environment = {**os.environ, INTERACTIVE: "1", "JUPYTERLAB_SETTINGS_DIR": str(settings)}
    environment.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # a kernel of the same name in somebody's home must not win
    command = [
        sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={desk}",
        f"--LabApp.default_url=/lab/tree/{notebook}.ipynb",
    ]  # fmt: skip
    if os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.call(command, env=environment)


def lay_out(original: Path, copy: Path, parameters: dict[str, str]) -> None:
    """Copy a notebook without its outputs, its parameters replaced by the incident's."""
    book = nbformat.read(original, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = "\n".join(filled_in(line, parameters) for line in cell.source.splitlines())
    nbformat.write(book, copy)


def filled_in(line: str, parameters: dict[str, str]) -> str:
    """`incident: str = ""  # help` with another value; lines of other parameters stay."""
    name, colon, rest = line.partition(":")
    if not colon or name not in parameters:
        return line
    help_ = rest.partition("#")[2]
    if '"' in parameters[name]:
        raise BadInput(f"`{name}` must not hold a quotation mark.")
    return f'{name}: str = "{parameters[name]}"  #{help_}'


def quiet_settings(directory: Path) -> Path:
    for name, content in QUIET.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    return directory
