"""Every cause that can be drilled, through papermill from the hidden fault to the verified repair, among customers."""

import re
from pathlib import Path

import pytest
from practice import drill

pytestmark = pytest.mark.slow

CAUSES = sorted(path.stem for path in drill.BRIEFS.glob("*.yaml"))


def test_all_five_causes_have_a_brief():
    assert set(CAUSES) >= {
        "invalid_api_key", "webhook_signature", "database_rollback", "rate_limited", "test_key_in_production",
    }  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_a_drill_ends_with_the_right_cause_cured_and_no_harm_done(
    cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drill, "RUN", tmp_path / "run")
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    code = drill.drill(cause, seed=20261)
    told = "".join(capfd.readouterr())
    assert code == 0, told
    assert f"diagnosis   {cause}; verdict recovered" in told
    assert re.search(r"^referee .*no harm done\.$", told, re.MULTILINE), told
    assert "does not hold\n" not in told.split("checks  ", 1)[1], told
