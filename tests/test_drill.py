"""One incident through papermill, by the commands a person would type: respond, approve, apply, undo."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import psycopg
import pytest
from practice import runs
from practice.wires.service.provision import DATABASE
from practice.world import World

STATUSES = 'SELECT id, status FROM "Transaction" ORDER BY id'


@pytest.fixture
def runbook(drill_world, tmp_path, monkeypatch):
    """A function that runs a command of the runbook on the broken world; returns its exit code and what it said."""
    drill_world.inject("database_rollback", "mixed", seed=23, live=False)
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))

    def run(*words: str) -> tuple[int, str]:
        said: list[str] = []
        return runs.runbook(list(words), drill_world.environment, said.append), "\n".join(said)

    return run


def rows(world: World) -> list[tuple]:
    with psycopg.connect(world.cluster.dsn(DATABASE)) as conn:
        return conn.execute(STATUSES).fetchall()


@pytest.mark.slow
def test_an_incident_is_diagnosed_repaired_verified_and_partly_undone(runbook, drill_world, tmp_path):
    before = rows(drill_world)
    code, said = runbook("respond", "--target", "practice")
    assert code == 3, said
    assert rows(drill_world) == before
    directory = next((tmp_path / "outputs").glob("inc-*"))
    record = json.loads((directory / "record.json").read_text())
    assert record["verdict"] == "incident_found"
    assert record["diagnosis"]["causes"] == ["database_rollback"]
    remedy, payment = (plan["fingerprint"] for plan in record["plans"])

    assert runbook("apply", directory.name, remedy)[0] == 3, "no approval, no repair"
    assert rows(drill_world) == before
    for plan in (remedy, payment):
        assert runbook("approve", directory.name, plan)[0] == 0
        code, said = runbook("apply", directory.name, plan)
    assert code == 0, said
    record = json.loads((directory / "record.json").read_text())
    assert (record["status"], record["verdict"]) == ("completed", "recovered")
    assert {check["answer"] for check in record["checks"]["after"]} == {"holds"}
    assert drill_world.referee().judge().is_recovered

    repaired = rows(drill_world)
    code, said = runbook("undo", directory.name)
    assert code == 3, said
    undo = re.search(r"plan-[0-9a-f]{16}", said)[0]
    assert runbook("approve", directory.name, undo)[0] == 0
    code, said = runbook("apply", directory.name, undo)
    assert code == 1, said
    taken_back = {row for row, status in set(rows(drill_world)) - set(repaired)}
    settled = [one.transaction for one in drill_world.truth.affected if one.cure == "settle"]
    assert taken_back == set(map(type(next(iter(taken_back))), settled))
    assert runbook("verify-record", directory.name)[0] == 0
    look_at_what_is_kept(directory)


def look_at_what_is_kept(directory: Path) -> None:
    """Every executed notebook ran through, and the report loads nothing and runs nothing."""
    books = sorted(directory.glob("*.ipynb"))
    assert len(books) == 8
    for book in books:
        outputs = [output for cell in nbformat.read(book, 4).cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.output_type == "error"], book
    report = (directory / "report.html").read_text()
    assert not re.search(r"<script|<iframe|<link|\son\w+=|(src|href)=[\"'](?!data:|#)", report)
