"""How long it took is read off the journal, and what has not come is not made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from runbook.evidence import history
from runbook.journal import START, Entry
from runbook.judgement import recovery
from runbook.judgement.recovery import Marks

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def journal(*things):
    """Entries of an incident, each (minutes, kind, body)."""
    opened = (0, "opened", {"target": "practice", "symptom": ""})
    return [Entry(seq, at(minutes).isoformat(), kind, "ann", "host", body, START)
            for seq, (minutes, kind, body) in enumerate((opened, *things), start=1)]  # fmt: skip


def plan(fingerprint="plan-1", remedy="database_rollback"):
    return 1, "plan", {"fingerprint": fingerprint, "remedy": remedy, "steps": []}


def outcomes(minutes, *words, fingerprint="plan-1"):
    noted = [{"key": "k", "word": word, "detail": ""} for word in words]
    return minutes, "outcomes", {"plan": fingerprint, "outcomes": noted}


def checks(minutes, *answers):
    return minutes, "checks", {"phase": "after", "findings": [{"answer": answer} for answer in answers]}


@pytest.mark.parametrize(
    ("entries", "mitigated", "recovered"),
    [
        ([], None, None),
        ([plan(), outcomes(5, "withheld")], None, None),
        ([plan(), outcomes(5, "withheld", "applied")], 5, None),
        ([plan(), outcomes(5, "applied"), outcomes(9, "applied")], 5, None),
        ([plan(), checks(4, "holds"), outcomes(5, "applied")], 5, None),
        ([plan(), outcomes(5, "applied"), checks(6, "holds", "does not hold")], 5, None),
        ([plan(), outcomes(5, "applied"), checks(6, "cannot tell"), checks(8, "holds")], 5, 8),
        ([plan(), outcomes(5, "applied"), checks(8, "holds"), checks(30, "holds")], 5, 8),
        ([plan(), outcomes(5, "applied"), checks(8, "holds"), checks(9, "does not hold")], 5, None),
        ([plan(), outcomes(5, "applied"), checks(8, "holds"), checks(9, "does not hold"), checks(12, "holds")], 5, 12),
        ([plan(remedy="test_payment"), outcomes(5, "applied"), checks(6, "holds")], None, None),
        ([plan(remedy="follow_up"), outcomes(5, "applied"), checks(6, "holds")], None, None),
    ],
)
def test_the_journal_folds_to_its_instants(entries, mitigated, recovered):
    found = history.marks(journal(*entries), at(-20))
    shown = [each and int((each - NOON).total_seconds() // 60) for each in (found.mitigated, found.recovered)]
    assert (found.opened, shown) == (NOON, [mitigated, recovered])


def test_each_stage_goes_from_where_the_last_one_ended():
    rows = recovery.stages(Marks(at(-98), NOON, at(7), at(9.5)))
    assert [(row["stage"], row["took"]) for row in rows] == [
        ("detect", "1 h 38 min"), ("mitigate", "7 min 0 s"), ("recover", "2 min 30 s"), ("total", "1 h 47 min"),
    ]  # fmt: skip


def test_what_has_not_come_is_not_yet_and_an_unknown_beginning_is_said():
    assert [row["took"] for row in recovery.stages(Marks(None, NOON))] == [
        "cannot tell: its beginning is not known", "not yet", "not yet", "not yet"]  # fmt: skip
    assert recovery.stages(Marks(None, NOON, at(1), at(2)))[3]["took"] == "cannot tell: its beginning is not known"


ERRORS = {"database_timeout": at(-100), "card_declined": at(-600), "authentication_error": at(-50)}


@pytest.mark.parametrize(
    ("errors", "first_payment", "causes", "began", "by"),
    [
        (ERRORS, at(-98), ["database_rollback"], at(-100), "the first database_timeout in the logs"),
        (ERRORS, at(-99.5), ["database_rollback"], at(-100), "the first database_timeout in the logs"),
        (ERRORS, at(-102), ["database_rollback"], at(-102), "the first payment that it broke"),
        (ERRORS, at(-20), ["database_rollback"], at(-20), "the first payment that it broke"),
        (ERRORS, None, ["invalid_api_key"], at(-50), "the first authentication_error in the logs"),
        (ERRORS, None, ["unknown"], None, "neither logs nor payments tell"),
        ({}, at(-30), [], at(-30), "the first payment that it broke"),
        ({}, None, [], None, "neither logs nor payments tell"),
    ],
)
def test_the_fault_began_with_the_first_error_of_its_kind_or_the_first_payment_that_it_broke(
    errors, first_payment, causes, began, by
):
    assert recovery.began(errors, first_payment, causes) == (began, by)


def test_the_timeline_tells_what_was_done_in_words():
    entries = journal(plan(), outcomes(5, "applied", "applied", "withheld"), checks(8, "holds", "holds"),
                      (9, "begun", {"plan": "plan-1", "keys": []}))  # fmt: skip
    assert [history.sentence(entry) for entry in entries] == [
        "opened for practice: no symptom was given",
        "plan-1 was made: database rollback, 0 steps",
        "plan-1: 2 applied, 1 withheld",
        "checks after the repair: 2 holds",
        "",
    ]
