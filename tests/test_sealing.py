"""An approval names a plan that is still about now: what is too old is refused before anybody says yes to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from runbook import plan as plans
from runbook import planning
from runbook.clock import Clock
from runbook.errors import Refused
from runbook.incident import Incident
from runbook.journal import Journal
from runbook.plan import Plan, Step
from runbook.target import Policy

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
STEP = Step("update_row", "row-1", "Set it.", {"status": "PENDING"}, {"status": "COMPLETED"}, undo="Set it back.")
MADE = Plan("practice", "elsewhere", "test", "12_scenario_c_database_rollback", (STEP,))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal in which the plan was sealed at noon."""
    kept = Journal(tmp_path / "journal.jsonl")
    kept.append("plan", plans.to_json(MADE), NOON)
    return kept


def later(minutes: int) -> Clock:
    return Clock(NOON + timedelta(minutes=minutes))


def test_a_plan_that_is_too_old_is_not_approved(journal: Journal) -> None:
    with pytest.raises(Refused) as refused:
        planning.approve(journal, MADE.fingerprint, 30, later(46), plan_minutes=45)
    assert str(refused.value) == (
        f"{MADE.fingerprint} was made more than 45 minutes ago and is too old to approve; "
        "make it again from what is true now."
    )
    assert journal.entries("approval") == []


def test_the_age_that_the_policy_allows_is_not_too_old(journal: Journal) -> None:
    assert planning.approve(journal, MADE.fingerprint, 30, later(45), plan_minutes=45).plan == MADE.fingerprint


def test_without_a_word_from_the_target_its_default_holds(journal: Journal) -> None:
    with pytest.raises(Refused, match="more than 60 minutes ago"):
        planning.approve(journal, MADE.fingerprint, 30, later(61))


def at_work(journal: Journal, minutes: int) -> Incident:
    """As much of an incident as sealing looks at, so many minutes after noon."""
    clock = later(minutes)
    return cast(Incident, SimpleNamespace(
        journal=journal, clock=clock, target=SimpleNamespace(policy=Policy(plan_minutes=45)),
        log=lambda kind, **body: journal.append(kind, body, clock.now()),
    ))  # fmt: skip


def test_a_plan_that_became_too_old_can_be_made_again(journal: Journal) -> None:
    """Nothing has changed, so its fingerprint is the same; sealed once more it is about now."""
    planning.seal(at_work(journal, 30), MADE)
    assert len(journal.entries("plan")) == 1
    planning.seal(at_work(journal, 50), MADE)
    assert len(journal.entries("plan")) == 2
    assert planning.approve(journal, MADE.fingerprint, 30, later(90), plan_minutes=45)
