"""A response that waits: what somebody approves meanwhile is carried out, once, and nothing else is."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runbook.headless import standby
from runbook.journal import Journal

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    directory = tmp_path / "inc-1"
    directory.mkdir()
    journal = Journal(directory / "journal.jsonl")
    journal.append("opened", {"target": "practice", "environment": "practice", "symptom": "", "window": []}, AT)
    return journal


def planned(journal: Journal, name: str, remedy: str = "database_rollback", steps: int = 1) -> None:
    body = {"fingerprint": name, "remedy": remedy, "notebook": "12", "undoes": "", "steps": [{}] * steps}
    journal.append("plan", body, AT)


def approved(journal: Journal, name: str) -> None:
    journal.append("approval", {"plan": name, "until": AT.isoformat()}, AT)


def carried_out(journal: Journal, name: str, word: str = "applied") -> None:
    journal.append("begun", {"plan": name, "keys": ["k"]}, AT)
    journal.append("outcomes", {"plan": name, "outcomes": [{"key": "k", "word": word, "detail": ""}]}, AT)


def names(journal: Journal) -> list[str]:
    return [plan["fingerprint"] for plan in standby.open_plans(journal.path.parent)]


def test_only_the_newest_plan_of_a_remedy_is_open(journal):
    planned(journal, "plan-1")
    planned(journal, "plan-2")
    planned(journal, "plan-3", remedy="test_payment")
    planned(journal, "plan-4", remedy="empty", steps=0)
    assert names(journal) == ["plan-2", "plan-3"]
    carried_out(journal, "plan-2")
    assert names(journal) == ["plan-3"]


def test_nobody_waits_where_nothing_awaits_a_yes(journal):
    assert standby.next_approved(journal.path.parent, minutes=60) is None
    planned(journal, "plan-1")
    carried_out(journal, "plan-1", "withheld")
    assert standby.next_approved(journal.path.parent, minutes=60) is None


def test_it_goes_on_as_soon_as_somebody_approves(journal):
    planned(journal, "plan-1")
    planned(journal, "plan-2", remedy="test_payment")

    def yes() -> None:
        time.sleep(0.3)
        approved(journal, "plan-2")

    somebody = threading.Thread(target=yes)
    somebody.start()
    found = standby.next_approved(journal.path.parent, minutes=1)
    somebody.join()
    assert found is not None
    assert found["fingerprint"] == "plan-2"


def test_it_does_not_wait_longer_than_it_was_told(journal, monkeypatch):
    planned(journal, "plan-1")
    monkeypatch.setattr(standby.time, "monotonic", iter([0.0, 59.0, 61.0]).__next__)
    monkeypatch.setattr(standby.time, "sleep", lambda _: None)
    assert standby.next_approved(journal.path.parent, minutes=1) is None
