"""Opening an incident with what a tired person gives: one sentence, the right code, and nothing written."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
from practice.world import World
from runbook import errors, evidence, planning, record, repair, target
from runbook.display import nouns, text
from runbook.errors import CannotLook
from runbook.facts import Answer
from runbook.incident import Incident, open_incident
from runbook.journal import Journal
from runbook.wires.gateway import client
from runbook.wires.ledger import session
from untouched import Refused, closed_port, counters, refusal, target_file

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
GATEWAY, LEDGER = "PRACTICE_GATEWAY_URL", "PRACTICE_LEDGER_READ_DSN"


@pytest.fixture
def outputs(fixture_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Target files of the test's own, practice beside them."""
    monkeypatch.setattr(target.read, "TARGETS", tmp_path / "targets")
    target_file(tmp_path / "targets", "practice")
    return tmp_path / "targets"


@pytest.fixture
def refused(fixture_world: World, outputs: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    return refusal(fixture_world, capsys)


@pytest.fixture(scope="module")
def other_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("other"), seed=77, payments=40, users=10, live=False) as opened:
        yield opened


@pytest.fixture
def hanging() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def respond(name: str, *more: str) -> list[str]:
    return ["respond", "--target", name, *more]


# What is changed in the target file, and what the sentence must say.
WRONG_FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a misspelled section": ({"legder": {}}, ["shop.yaml: `legder`", "did you mean `ledger`?"]),
    "a misspelled key": ({"ledger__colums": {}}, ["`colums` in `ledger`", "did you mean `columns`?"]),
    "a date for text": ({"about__review_date": date(2027, 1, 31)},
                        ["`about.review_date` must be text", "Put it into quotes"]),
    "a number for text": ({"ledger__table": 42}, ["`ledger.table`"]),
    "text for a number": ({"thresholds": {"grace_seconds": "soon"}}, ["`thresholds.grace_seconds`", "whole number"]),
    "a list for text": ({"ledger__table": ["a", "b"]}, ["`ledger.table`", "a list"]),
    "a secret in the file": ({"gateway__read_key": "rk_" + "live_abcdefghijkl"}, ["`gateway.read_key`", "env:NAME"]),
    "a variable that is not set": ({"gateway__read_key": "env:SHOP_KEY"}, ["`SHOP_KEY`", "is not set"]),
    "a table that is not there": ({"ledger__table": "Transactions"},
                                  ["`ledger.table`", "no `Transactions`", "did you mean `Transaction`?"]),
    "a column that is not there": ({"ledger__columns__intent_id": "stripe_payment_intent_id"},
                                   ["`ledger.columns.intent_id`", "did you mean `stripePaymentIntentId`?"]),
    "a users table that is not there": ({"ledger__users__table": "Users"}, ["did you mean `User`?"]),
    "a status word that is not mapped": ({"ledger__status__refunded": None}, ["`REFUNDED` (", "`ledger.status`"]),
    "another database": ({"ledger__database": "staging"}, ["leads to database `shop`", "expects `staging`"]),
    "another account": ({"gateway__account": "acct_other"}, ["not the same environment", "acct_other"]),
    "another mode": ({"gateway__expected_mode": "test"}, ["not the same environment", "the target expects test"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_target_that_cannot_be_right_is_refused(refused: Refused, targets: Path, case: str) -> None:
    changes, fragments = WRONG_FILES[case]
    told = refused(respond(target_file(targets, **changes)), 64)
    assert [part for part in fragments if part not in told] == [], told


@pytest.mark.parametrize(
    ("name", "hint"),
    [("practise", "did you mean `practice`?"), ("../targets/practice", "not a target name"), ("", "not a target name"),
     ("practice.yaml", "did you mean `practice`?"), ("x" * 300, "not a target name")],
)  # fmt: skip
def test_a_target_that_is_not_there(refused: Refused, name: str, hint: str) -> None:
    assert hint in refused(respond(name), 64)


def test_a_world_that_was_never_opened(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PRACTICE_")]:
        monkeypatch.delenv(name)
    assert "No practice world is open. Open one with: ./runbook drill" in refused(respond("practice"), 2)


def test_a_world_that_was_killed_and_left_its_addresses(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    away(monkeypatch, GATEWAY, LEDGER)
    told = refused(respond("practice"), 2)
    assert "The practice world was closed" in told
    assert "./runbook drill" in told


def away(monkeypatch: pytest.MonkeyPatch, *sides: str, port: int = 0) -> None:
    port = port or closed_port()
    addresses = {GATEWAY: f"http://127.0.0.1:{port}", LEDGER: f"postgresql://reader:hunter2@127.0.0.1:{port}/shop"}
    for side in sides:
        monkeypatch.setenv(side, addresses[side])
    if GATEWAY in sides:
        monkeypatch.setenv("PRACTICE_STATUS_URL", addresses[GATEWAY])


def test_two_real_sides_that_are_both_away_are_each_told(
    refused: Refused, targets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(monkeypatch, GATEWAY, LEDGER)
    told = refused(respond(target_file(targets, environment="staging", fixed_clock=None)), 2)
    assert "Neither side can be read" in told
    assert "`api_base`" in told
    assert "refused the connection" in told
    assert "hunter2" not in told


def test_a_ledger_of_another_world_beside_a_live_key_is_a_finding(
    outputs: Path, fixture_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The staging database beside the live key: every payment looks orphaned, and no plan may be made of that."""
    with World.open(outputs.parent / "other", 77, fixture_world.clock, payments=40, users=10, live=False) as other:
        monkeypatch.setenv(LEDGER, other.environment[LEDGER])
        incident = open_incident("practice")
        found = incident.same_environment
        assert (found.answer, found.implicates) == (Answer.DOES_NOT_HOLD, ("wrong_environment",))
        assert "knows none of 6 payment intents" in found.because
        with pytest.raises(errors.Refused, match="No plan is made"):
            planning.sealing.require_same_environment(incident)


def test_a_dsn_that_leads_to_another_database_is_told_before_its_tables_are_missed(
    refused: Refused, fixture_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEDGER, fixture_world.environment[LEDGER].replace("/shop", "/postgres"))
    told = refused(respond("practice"), 64)
    assert f"`{LEDGER}` leads to database `postgres`" in told


def test_a_test_key_where_a_live_one_is_expected(
    refused: Refused, fixture_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRACTICE_GATEWAY_READ_KEY", fixture_world.gateway.keys["test"].read_only)
    assert "key is test, the target expects live" in refused(respond("practice"), 64)


@pytest.mark.parametrize("key", ["rk_live_ with a space", "whatever"])
def test_a_key_that_is_none(refused: Refused, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("PRACTICE_GATEWAY_READ_KEY", key)
    assert key not in refused(respond("practice"), 64)


WINDOWS = {
    "ends before it starts": ("2026-01-15T11:00:00Z", "2026-01-15T09:00:00Z", "ends (2026-01-15 09:00:00 UTC) before"),
    "is empty": ("2026-01-15T11:00:00Z", "2026-01-15T11:00:00Z", "when it starts"),
    "has no offset": ("2026-01-15T09:00:00", "", "`window_start` is `2026-01-15T09:00:00` without an offset; add Z"),
    "is no time": ("", "yesterday", "`window_end` is `yesterday`, which is not an ISO time"),
    "is a day that is none": ("2026-02-30T00:00:00Z", "", "`window_start`"),
    "lies ahead": ("2026-01-15T13:00:00Z", "", "lies in the future"),
}


@pytest.mark.parametrize("case", WINDOWS)
def test_a_window_that_cannot_be(refused: Refused, case: str) -> None:
    start, end, fragment = WINDOWS[case]
    told = refused(respond("practice", "--window-start", start, "--window_end", end), 64)
    assert fragment in told


@pytest.fixture
def opened(outputs: Path) -> Incident:
    return open_incident("practice", window_start="2026-01-15T09:00:00Z", window_end="2026-01-15T12:00:00Z")


def test_joining_an_incident_of_another_target(refused: Refused, opened: Incident, targets: Path) -> None:
    told = refused(respond(target_file(targets), "--incident", opened.id), 64)
    assert f"`{opened.id}` was opened for target `practice`, not `shop`" in told


@pytest.mark.parametrize("option", ["--window-start", "--window-end"])
def test_joining_with_another_window(refused: Refused, opened: Incident, option: str) -> None:
    told = refused(respond("practice", "--incident", opened.id, option, "2026-01-15T10:00:00Z"), 64)
    assert "was frozen at" in told


def test_joining_keeps_window_and_symptom_and_writes_nothing(opened: Incident, outputs: Path) -> None:
    before = (opened.directory / "journal.jsonl").read_bytes()
    joined = open_incident("practice", opened.id, window_start="2026-01-15T10:00:00+01:00")
    assert (joined.window, joined.id, joined.directory) == (opened.window, opened.id, opened.directory)
    assert (opened.directory / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b'{"seq": 1, "at"', b'{"not": "an entry"}\n'])
def test_joining_a_journal_without_its_opening(refused: Refused, opened: Incident, content: bytes) -> None:
    (opened.directory / "journal.jsonl").write_bytes(content)
    told = refused(respond("practice", "--incident", opened.id), 2)
    assert opened.id in told
    assert "open a new incident" in told


@pytest.mark.parametrize("place", ["occupied", "occupied/below", "/proc/runbook"])
def test_a_folder_that_cannot_be_written(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "occupied").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / place))
    told = refused(respond("practice"), 2)
    assert f"No incident can be kept in {tmp_path / place}" in told
    assert "RUNBOOK_OUTPUTS" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(refused: Refused, outputs: Path) -> None:
    outputs.mkdir(mode=0o500)
    assert "Permission denied" in refused(respond("practice"), 2)


def test_a_full_disk_leaves_no_half_opened_incident(outputs: Path) -> None:
    """No file may grow: what a full disk, or an exceeded quota, does to the journal's first entry."""
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from runbook.__main__ import main; sys.exit(main(['respond', '--target', 'practice']))"
    )
    done = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith(f"runbook: No incident can be kept in {outputs}: ")
    assert done.stderr.count("\n") == 1
    assert list(outputs.iterdir()) == []


def test_incidents_of_the_same_second_each_get_a_name_and_a_journal(outputs: Path) -> None:
    with ThreadPoolExecutor(4) as together:
        ids = [each.id for each in together.map(lambda _: open_incident("practice"), range(4))]
    assert sorted(ids) == ["inc-20260115-120000", *(f"inc-20260115-120000-{number}" for number in (2, 3, 4))]
    assert {len(Journal(outputs / each / "journal.jsonl").entries("opened")) for each in ids} == {1}


@pytest.mark.parametrize("side", [GATEWAY, LEDGER])
@pytest.mark.parametrize("how", ["closed", "hanging"])
def test_one_side_away_is_evidence_and_no_refusal(
    outputs: Path, targets: Path, hanging: int, monkeypatch: pytest.MonkeyPatch, side: str, how: str
) -> None:
    monkeypatch.setattr(session, "CONNECT_SECONDS", 1)
    away(monkeypatch, side, port=hanging if how == "hanging" else 0)
    incident = open_incident(target_file(targets, gateway__timeout_seconds=1))
    assert incident.same_environment.answer is Answer.CANNOT_TELL
    assert [isinstance(each, CannotLook) for each in (incident.account, incident.database)] == [
        side == GATEWAY, side == LEDGER
    ]  # fmt: skip
    with pytest.raises(CannotLook):
        _ = incident.identity


def test_a_side_that_refuses_us_is_away_too(outputs: Path, fixture_world: World) -> None:
    """A revoked key is an incident to be looked at, and not a reason to look away."""
    key = os.environ["PRACTICE_GATEWAY_READ_KEY"]
    fixture_world.gateway.faults.revoke(key)
    try:
        incident = open_incident("practice")
    finally:
        fixture_world.gateway.faults.restore(key)
    assert "rejects the key (401)" in incident.same_environment.because


def run_cells(notebook: str, incident: str) -> tuple[dict[str, Any], list[str]]:
    """The notebook's cells in this process: what they leave behind, and what they show."""
    space: dict[str, Any] = {}
    shown: list[str] = []
    for cell in nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        bare = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, notebook, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space["incident"] = incident
        if bare is not None:
            value = eval(compile(ast.Expression(bare.value), notebook, "eval"), space)
            shown += [text.render(nouns.card(value))] if type(value) in nouns.card.registry else []
    return space, shown


@pytest.mark.parametrize("side", [GATEWAY, LEDGER])
@pytest.mark.slow
def test_with_one_side_away_every_notebook_ends_calmly_and_nothing_is_called_well(
    outputs: Path, fixture_world: World, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    before = counters(fixture_world)
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)  # nobody will answer the second time either
    away(monkeypatch, side)
    incident, shown = "", []
    for notebook in sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        space, cards = run_cells(notebook, incident)
        incident = space["inc"].id
        shown += cards
        assert not space.get("plan"), f"{notebook} made a plan"
        assert notebook != "20_reconciliation" or "100.0 %" not in "".join(cards)
    folded = record.write(outputs / incident)
    assert (folded["status"], folded["verdict"], record.exit_code(folded)) == ("completed", "incomplete", 2)
    assert (folded["plans"], folded["work_list"]) == ([], [])
    assert folded["impact"]["scale"] == "cannot tell"
    assert folded["diagnosis"]["cannot_tell"]
    assert "none" not in folded["diagnosis"]["causes"]
    # The service's own face and logs are still there to be asked; of payments nobody can say that they are well.
    of_payments = [each["answer"] for each in folded["checks"]["before"] if "payment that" in each["statement"]]
    assert set(of_payments) == {"cannot tell"}
    page = "\n".join(shown)
    assert "Nothing is wrong" not in page
    assert "nothing that a machine should change" not in page
    assert "0 payments" not in page
    assert "0 discrepancies" not in page
    assert "0 missing" not in page
    assert counters(fixture_world) == before


@pytest.mark.parametrize("side", [GATEWAY, LEDGER])
def test_an_approved_plan_is_not_carried_out_with_one_side_away(
    outputs: Path, fixture_world: World, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    incident = open_incident("practice")
    plan = planning.plan_for_missing(incident, evidence.missing_payments(incident, complete=True))
    planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
    before = counters(fixture_world)
    away(monkeypatch, side)
    with pytest.raises(CannotLook):
        repair.apply(open_incident("practice", incident.id), plan.fingerprint)
    assert counters(fixture_world) == before
    assert not incident.journal.entries("begun", "outcomes")


@pytest.mark.parametrize(("side", "cause"), [(GATEWAY, "gateway_outage"), (LEDGER, "unknown")])
def test_a_world_without_a_fault_is_not_called_well_either(
    outputs: Path, other_world: World, monkeypatch: pytest.MonkeyPatch, side: str, cause: str
) -> None:
    for name, value in other_world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)
    away(monkeypatch, side)
    space, cards = run_cells("00_triage", "")
    folded = record.fold(space["inc"].id, space["inc"].journal.entries())
    assert folded["diagnosis"]["causes"] == [cause]
    assert folded["verdict"] in ("incomplete", "incident_found")
    run_cells("20_reconciliation", space["inc"].id)
    folded = record.fold(space["inc"].id, space["inc"].journal.entries())
    assert (folded["verdict"], record.exit_code(folded)) == ("incomplete", 2)
    assert "Nothing is wrong" not in "\n".join(cards)
