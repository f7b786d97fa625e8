"""On a world in which people pay: right after a cure the checks judge the cure, and not the minutes before it."""

from __future__ import annotations

import time

import pytest
from practice.world import World
from runbook import evidence, planning, repair, verify
from runbook.facts import Answer
from runbook.incident import open_incident
from runbook.journal import START, Entry

HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
ENOUGH_SECONDS = 25


@pytest.fixture(scope="module")
def repaired(tmp_path_factory):
    """A release that loses every payment is in force until a moment ago, while people pay. The incident before its
    repair, and right after it."""
    home = tmp_path_factory.mktemp("verify")
    with pytest.MonkeyPatch.context() as patch, World.open(home / "world", payments=200, users=40) as world:
        world.inject("database_rollback", "unique_violation", seed=5, live=False)
        world.release("unique_violation")
        for name, value in world.environment.items():
            patch.setenv(name, value)
        patch.setenv("RUNBOOK_OUTPUTS", str(home / "outputs"))
        incident = open_incident("practice")
        time.sleep(6)
        before = verify.run(incident)
        world.release("healthy")
        plan = planning.plan_for_missing(incident, evidence.missing_payments(incident, complete=True))
        planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
        repair.apply(incident, plan.fingerprint)
        at_once = verify.run(incident)
        began = time.monotonic()
        after = verify.run(incident, wait_seconds=ENOUGH_SECONDS)
        yield incident, before, at_once, after, time.monotonic() - began


def answers(checked):
    return {each.statement.split()[0]: each for each in checked.findings}


def test_the_statements_are_the_same_before_and_after(repaired):
    _, before, at_once, after, _ = repaired
    assert [each.statement for each in before.findings] == [each.statement for each in after.findings]
    assert (before.phase, at_once.phase, after.phase) == ("before", "after", "after")


def test_before_the_repair_payments_are_lost_and_no_good_news_is_made_of_it(repaired):
    _, before, _, _, _ = repaired
    assert not before.holds
    assert answers(before)["Every"].answer is HOLDS, "the last check of that name: what is recorded was paid"
    assert before.findings[0].answer is DOES_NOT_HOLD
    assert answers(before)["More"].answer is not HOLDS


def test_at_once_nothing_is_said_against_the_cure_either(repaired):
    """The broken minutes before it are no evidence against it."""
    _, _, at_once, _, _ = repaired
    assert [each.because for each in at_once.findings if each.answer is DOES_NOT_HOLD] == []


def test_within_seconds_every_check_holds(repaired):
    _, _, _, after, seconds = repaired
    assert [(each.statement, each.because) for each in after.findings if not each.holds] == []
    assert "since the repair" in answers(after)["More"].because
    assert seconds < ENOUGH_SECONDS


def test_both_looks_stand_beside_each_other(repaired):
    incident, before, _, after, _ = repaired
    rows = verify.compared(incident).rows
    assert [row["first"] for row in rows] == [each.answer for each in before.findings]
    assert [row["now"] for row in rows] == [each.answer for each in after.findings]


def entry(seq, kind, **body):
    return Entry(seq, "2026-01-15T12:00:00.500000+00:00", kind, "ann", "host", body, START)


@pytest.mark.parametrize(
    ("remedy", "word", "counts"),
    [("database_rollback", "applied", True), ("invalid_api_key", "applied", True), ("undo", "applied", True),
     ("database_rollback", "withheld", False), ("database_rollback", "already done", False),
     ("test_payment", "applied", False), ("follow_up", "applied", False)],
)  # fmt: skip
def test_only_what_changes_something_is_a_repair(remedy, word, counts):
    entries = [entry(1, "plan", fingerprint="plan-1", remedy=remedy),
               entry(2, "outcomes", plan="plan-1", outcomes=[{"key": "k", "word": word, "detail": ""}])]  # fmt: skip
    assert bool(verify.repairs(entries)) is counts
