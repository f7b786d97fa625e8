"""Bad input leaves no trace: what a refused command may say, and what must be the same afterwards."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from practice.wires.service.provision import DATABASE
from practice.world import World
from runbook.__main__ import main
from runbook.redact import SECRETS

PRACTICE = Path(__file__).parent.parent / "parameters" / "targets" / "practice.yaml"
COUNTERS = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"

Refused = Callable[..., str]


def counters(world: World) -> list[Any]:
    """Rows ever written, by table."""
    with psycopg.connect(world.cluster.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return connection.execute(COUNTERS).fetchall()


def files(directory: Path) -> dict[str, bytes]:
    """Every file and folder below a folder, with what is in it."""
    found = sorted(directory.rglob("*")) if directory.is_dir() else []
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in found}


def refusal(world: World, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused; returns its one sentence after looking that nothing was written."""

    def refused(arguments: Sequence[str], code: int) -> str:
        outputs = Path(os.environ["RUNBOOK_OUTPUTS"])
        before = counters(world), files(outputs)
        capsys.readouterr()
        try:
            ended = main(arguments)
        except SystemExit as stop:
            ended = stop.code
        said = capsys.readouterr()
        assert (ended, said.out) == (code, ""), said.err
        assert (counters(world), files(outputs)) == before
        return sentence(said.err)

    return refused


def sentence(told: str) -> str:
    """The one line that a person reads: who speaks, what is wrong, what to do."""
    assert told.startswith("runbook: "), told
    assert told.count("\n") == 1, told
    assert told.rstrip("\n")[-1] in ".?" or "./runbook" in told, told
    assert "Traceback" not in told
    assert not any(pattern.search(told) for pattern in SECRETS), told
    return told.removeprefix("runbook: ").strip()


def target_file(directory: Path, name: str = "shop", **changes: Any) -> str:
    """A target like practice's, with some keys set (`ledger__table="x"`) or, by None, removed. Returns its name."""
    content = yaml.safe_load(PRACTICE.read_text(encoding="utf-8"))
    for place, value in changes.items():
        *sections, key = place.split("__")
        part = content
        for section in sections:
            part = part[section]
        part.pop(key, None)
        if value is not None:
            part[key] = value
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return name


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
