"""The command line as a tired person types it: the thing, the cause, the next move, in one sentence, and the code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from practice.world import World
from runbook import headless, planning, target
from runbook.__main__ import main
from runbook.errors import BadInput
from runbook.incident import Incident, open_incident
from runbook.journal import Journal
from runbook.plan import Plan, Step
from untouched import Refused, closed_port, counters, refusal, sentence, target_file

MISTYPED = {
    "no command": ([], "required: command"),
    "an unknown command": (["respnd", "--target", "practice"], "'respnd'"),
    "a misspelled option": (["respond", "--tagret", "practice"], "no option `--tagret`; did you mean `--target`?"),
    "a misspelled option, with =": (["lab", "--targt=practice"], "did you mean `--target`?"),
    "an abbreviated option": (["respond", "--tar", "practice"], "did you mean `--target`?"),
    "a window option run together": (["respond", "--target", "practice", "--windowstart", "x"], "`--window-start`?"),
    "an option of no command": (["doctor", "--xyz"], "there are: --help, --target, --json"),
    "a missing option": (["respond"], "required: --target"),
    "a missing value": (["respond", "--target"], "--target: expected one argument"),
    "a missing file": (["run", "00_triage"], "required: -f/--file"),
    "a missing plan": (["approve", "inc-20260115-120000"], "required: plan"),
    "one word too many": (["undo", "inc-20260115-120000", "now"], "unrecognized arguments: now"),
    "an unknown notebook": (["lab", "--target", "practice", "--notebook", "00_triag"], "did you mean `00_triage`?"),
    "a notebook from elsewhere": (["run", "/tmp/00_triage.ipynb", "-f", "x.yaml"], "is none of the notebooks"),
    "a notebook that is a target": (["run", "practice.yaml", "-f", "x.yaml"], "no notebook `practice.yaml`"),
    "a parameter file that is not there": (["run", "00_triage", "-f", "none.yaml"], "no parameter file `none.yaml`"),
}


@pytest.fixture
def outputs(fixture_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


@pytest.fixture
def refused(fixture_world: World, outputs: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    return refusal(fixture_world, capsys)


@pytest.fixture
def incident(outputs: Path) -> Incident:
    return open_incident("practice")


@pytest.mark.parametrize("case", MISTYPED)
def test_a_mistyped_command_is_refused(refused: Refused, case: str) -> None:
    arguments, fragment = MISTYPED[case]
    assert fragment in refused(arguments, 64)


COMMANDS = [["respond", "--target", "practice", "--incident"], ["lab", "--target", "practice", "--incident"],
            ["approve"], ["apply"], ["undo"], ["verify-record"]]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("name", ["../../etc", "inc-2026/../..", "INC-20260115-120000", "inc-20260115-120000\n", "."])
def test_an_id_that_is_none_never_becomes_a_path(refused: Refused, command: list[str], name: str) -> None:
    plan = ["plan-1"] if command[0] in ("approve", "apply") else []
    assert "is not an incident id; ids look like inc-" in refused([*command, name, *plan], 64)


def test_an_incident_that_is_not_there_comes_with_the_one_that_was_meant(refused: Refused, incident: Incident) -> None:
    told = refused(["verify-record", "inc-20260115-12000"], 64)
    assert f"did you mean `{incident.id}`?" in told
    assert "check the id" in refused(["verify-record", "inc-elsewhere"], 64)


def test_what_is_repeated_of_the_input_is_inert(refused: Refused) -> None:
    key = "sk_" + "live_abcdefghijklmnop"
    told = refused(["verify-record", f"\x1b[2J{key}\nRun this now"], 64)
    assert "\x1b" not in told
    assert key not in told


FILES: dict[str, tuple[bytes, str]] = {
    "is empty": (b"", "must hold `name: value` lines"),
    "is a list": (b"- target\n- practice\n", "must hold `name: value` lines"),
    "is one word": (b"practice", "must hold `name: value` lines"),
    "is no YAML": (b"target: [practice\nincident: x\n", "is not readable YAML at line 2"),
    "is no text": (b"target: \xff\xfe\n", "is not readable YAML"),
    "names one twice": (b"target: practice\ntarget: production\n", "`target` stands there twice, again at line 2"),
    "is a template": (b"target: {{ target }}\n", "is not readable YAML"),
    "holds a day that is none": (b"window_start: 2026-02-30\n", "is not readable YAML"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_parameter_file_that_cannot_be_read(refused: Refused, tmp_path: Path, case: str) -> None:
    content, fragment = FILES[case]
    file = tmp_path / "given.yaml"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"given\.yaml") as raised:
        headless.parameter_file(str(file))
    assert fragment in sentence(f"runbook: {raised.value}\n")


def test_a_parameter_file_that_is_a_folder_or_has_no_end(refused: Refused, tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in refused(["run", "00_triage", "-f", str(tmp_path)], 64)
    assert "cannot be read: File name too long" in refused(["run", "00_triage", "-f", "x" * 300], 64)


PARAMETERS: dict[str, tuple[dict[Any, Any], str]] = {
    "is misspelled": ({"tagret": "practice"}, "no parameter `tagret`; did you mean `target`?"),
    "is unknown": ({"speed": 1}, "no parameter `speed`; there are: target, incident, approved_plan, watch_minutes."),
    "has a number for a name": ({7: "practice"}, "no parameter `7`"),
    "is a number": ({"incident": 20260115}, "must be text; `20260115` is a whole number to YAML. Put it into quotes."),
    "is yes": ({"target": True}, "must be text; `true` is true or false to YAML. Put it into quotes."),
    "is a list": ({"target": ["practice"]}, "must be text; it is a list"),
    "is nothing": ({"incident": None}, 'must be text; it is empty. Write "" for none.'),
    "is text for a number": ({"watch_minutes": "30"}, "must be a whole number; `30` is text to YAML. Write it without"),
    "is a fraction": ({"watch_minutes": 0.5}, "must be a whole number; `0.5` is a number to YAML."),
    "is true for a number": ({"watch_minutes": True}, "must be a whole number; `true`"),
    "is below nothing": ({"watch_minutes": -5}, "`watch_minutes` of 30_verification is -5; 0 looks back only"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_parameter_that(outputs: Path, case: str) -> None:
    given, fragment = PARAMETERS[case]
    with pytest.raises(BadInput) as raised:
        headless.prepare("30_verification", given)
    assert fragment in sentence(f"runbook: {raised.value}\n")
    assert not outputs.exists()


def test_nothing_is_started_for_a_parameter_that_is_misspelt(
    refused: Refused, incident: Incident, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel takes a second and a half to start, and as long to be waited for before it can be ended."""

    def started(count: int) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(headless, "Kernels", started)
    unmade = f"incident: {incident.id}\napproved_plan: plan-1"
    for line in ("tagret: practice", "incident: inc-20260115-999999", unmade):
        (tmp_path / "given.yaml").write_text(line, encoding="utf-8")
        refused(["run", "30_verification", "-f", str(tmp_path / "given.yaml")], 64)
    refused(["apply", incident.id, "plan-1"], 64)


@pytest.mark.parametrize("line", ["window_start: 2026-01-15T09:00:00Z", "window_end: 2026-01-15"])
def test_a_time_that_yaml_takes_for_itself(refused: Refused, tmp_path: Path, line: str) -> None:
    (tmp_path / "given.yaml").write_text(f"target: practice\n{line}\n", encoding="utf-8")
    told = refused(["run", "00_triage", "-f", str(tmp_path / "given.yaml")], 64)
    assert "is a date or time to YAML. Put it into quotes." in told


@pytest.mark.parametrize(
    ("kind", "value"),
    [("bool", "false"), ("bool", 1), ("float", "0.5"), ("float", False), ("list[str]", "one"), ("list", {"a": 1})],
)
def test_types_that_no_notebook_of_ours_has_yet(kind: str, value: object) -> None:
    from runbook.headless import parameters

    with pytest.raises(BadInput, match=r"must be (true or false|a number|a list)"):
        parameters.check("x", {"x": {"inferred_type_name": kind}}, {"x": value})
    parameters.check("x", {"x": {"inferred_type_name": "float"}, "y": {"inferred_type_name": "list[str]"}},
                     {"x": 1, "y": ["a"]})  # fmt: skip


def test_a_plan_without_an_incident_and_one_that_nobody_made(outputs: Path, incident: Incident) -> None:
    with pytest.raises(BadInput, match="is not an incident id"):
        headless.prepare("30_verification", {"target": "practice", "approved_plan": "plan-0123456789abcdef"})
    with pytest.raises(BadInput, match="holds no plan `plan-0123456789abcdef`"):
        headless.prepare("30_verification", {"incident": incident.id, "approved_plan": "plan-0123456789abcdef"})


def test_an_incident_of_another_target_is_told_before_anything_runs(
    refused: Refused, incident: Incident, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target.read, "TARGETS", tmp_path / "targets")
    name = target_file(tmp_path / "targets")
    with pytest.raises(BadInput, match="was opened for target `practice`, not `shop`"):
        headless.prepare("00_triage", {"target": name, "incident": incident.id})
    with pytest.raises(BadInput, match="was frozen at"):
        headless.prepare("00_triage", {"incident": incident.id, "window_end": "2026-01-15T11:00:00Z"})


@pytest.mark.parametrize("command", ["approve", "apply"])
def test_a_plan_that_the_journal_does_not_hold(refused: Refused, incident: Incident, command: str) -> None:
    told = refused([command, incident.id, "plan-0123456789abcdef"], 64)
    assert "holds no plan `plan-0123456789abcdef`; it holds: none" in told


def test_undo_with_nothing_applied(refused: Refused, incident: Incident) -> None:
    assert f"`{incident.id}` has applied nothing that can be undone" in refused(["undo", incident.id], 64)


@pytest.fixture
def plan(incident: Incident) -> Plan:
    step = Step("update_row", "row-1", "Set it.", {"status": "PENDING"}, {"status": "COMPLETED"}, undo="Set it back.")
    return planning.seal(incident, Plan("practice", "elsewhere", "test", "12_scenario_c_database_rollback", (step,)))


def test_a_journal_that_is_whole(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-record", incident.id]) == 0
    head = incident.journal.entries()[-1].hash
    assert capsys.readouterr().err == f"{incident.id}: 1 entries, an unbroken chain; head {head}\n"


@pytest.mark.parametrize("command", ["verify-record", "approve", "apply", "undo"])
def test_a_tampered_journal_is_told_and_nothing_goes_on(
    refused: Refused, incident: Incident, plan: Plan, command: str
) -> None:
    path = incident.directory / "journal.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("COMPLETED", "REFUNDED"), encoding="utf-8")
    given = [plan.fingerprint] if command in ("approve", "apply") else []
    told = refused([command, incident.id, *given], 2)
    assert f"of {incident.id} was changed at entry 2" in told


def test_a_journal_that_was_never_begun(refused: Refused, incident: Incident) -> None:
    (incident.directory / "journal.jsonl").write_bytes(b"")
    for command in (["verify-record", incident.id], ["approve", incident.id, "plan-1"], ["undo", incident.id]):
        assert "does not begin with its opening" in refused(command, 2)


def test_approving_says_what_it_is_worth_and_writes_one_entry(
    fixture_world: World, incident: Incident, plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    before = counters(fixture_world)
    assert main(["approve", incident.id, plan.fingerprint]) == 0
    said = capsys.readouterr().err
    assert "as strong as the accounts of the operating system" in said
    assert f"./runbook apply {incident.id} {plan.fingerprint}" in said
    assert [entry.kind for entry in incident.journal.entries()] == ["opened", "plan", "approval"]
    assert counters(fixture_world) == before


def test_approving_in_a_closed_world_still_tells_an_unknown_plan_first(
    refused: Refused, incident: Incident, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PRACTICE_")]:
        monkeypatch.delenv(name)
    assert "holds no plan `plan-1`" in refused(["approve", incident.id, "plan-1"], 64)
    assert "No practice world is open" in refused(["approve", incident.id, plan.fingerprint], 2)


def test_a_restart_is_a_plan_like_any_other(
    fixture_world: World, incident: Incident, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fixture_world.process.state.lives
    assert main(["restart", incident.id]) == 3
    said = capsys.readouterr()
    assert "start it anew in the same build" in said.out
    assert f"./runbook approve {incident.id} plan-" in said.err
    assert fixture_world.process.state.lives == before


NEVER = {"papermill", "lark", "matplotlib", "pandas"}
ASKING = {"stripe", "docker", "duckdb", "psycopg", "requests", "IPython", "nbformat"}


@pytest.mark.parametrize(
    ("command", "without"),
    [("approve", NEVER | ASKING), ("verify-record", NEVER | ASKING), ("undo", NEVER), ("doctor", NEVER)],
)
def test_a_command_loads_only_what_it_needs(incident: Incident, plan: Plan, command: str, without: set[str]) -> None:
    """Each of these costs a tenth of a second or more, and a person waits for it."""
    rest = {"approve": [incident.id, plan.fingerprint], "doctor": ["--target", "practice"]}.get(command, [incident.id])
    script = (
        "import json, sys; from runbook.__main__ import main; code = main(sys.argv[1:]);"
        "print(); print(json.dumps([code, [name for name in sys.modules if sys.modules[name] is not None]]))"
    )
    done = subprocess.run([sys.executable, "-c", script, command, *rest], capture_output=True, text=True, check=True)
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code in (0, 64), done.stderr
    assert set(loaded) & (without | {"rfc3987_syntax"}) == set()


def test_an_interruption_and_a_reader_that_went_away_are_no_stack_traces(
    incident: Incident, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Journal) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "entries", interrupted)
    assert main(["verify-record", incident.id]) == 130
    assert "nothing that was begun is lost" in sentence(capsys.readouterr().err)


def test_outputs_named_from_here_are_the_same_for_the_kernels(
    fixture_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNBOOK_OUTPUTS", "here")
    assert main(["verify-record", "inc-none"]) == 64
    assert os.environ["RUNBOOK_OUTPUTS"] == str(tmp_path / "here")


def test_a_whole_response_with_the_ledger_away(
    fixture_world: World, outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends calmly, says what it could not see, plans nothing, and never that nothing is wrong."""
    before = counters(fixture_world)
    monkeypatch.setenv("PRACTICE_LEDGER_READ_DSN", f"postgresql://reader:hunter2@127.0.0.1:{closed_port()}/shop")
    assert main(["respond", "--target", "practice"]) == 2
    said = capsys.readouterr()
    directory = outputs / said.out.removeprefix("incident ").strip()
    assert said.out == f"incident {directory.name}\n"
    assert "Traceback" not in said.err
    assert sorted(path.stem for path in directory.glob("*.ipynb")) == [
        "00_triage", "12_scenario_c_database_rollback", "20_reconciliation", "30_verification",
    ]  # fmt: skip
    folded = json.loads((directory / "record.json").read_text(encoding="utf-8"))
    assert (folded["status"], folded["verdict"], folded["plans"]) == ("completed", "incomplete", [])
    assert folded["diagnosis"]["causes"] == ["database_rollback"], "the logs alone say so"
    assert folded["diagnosis"]["cannot_tell"]
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert "Who is affected cannot be told" in page
    assert "Nothing is wrong" not in page
    assert "hunter2" not in page + said.err
    assert counters(fixture_world) == before
