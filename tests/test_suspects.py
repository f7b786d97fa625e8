"""Suspects are struck out one by one, and it stays visible why."""

from datetime import UTC, datetime

import pytest
from runbook.facts import Answer, Evidence, Finding, Suspects, cannot_tell
from runbook.judgement.causes import CAUSES
from runbook.judgement.triage import all_suspects

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
NAMES = ("a", "b", "c")


def says(statement, implicates=(), clears=(), weight=0):
    answer = Answer.DOES_NOT_HOLD if implicates else Answer.HOLDS
    return Finding(statement, answer, f"because {statement}", tuple(implicates), tuple(clears), weight=weight)


def unread(statement):
    return cannot_tell(statement, Evidence("?", "logs", AT, unreadable="the engine is away"))


def test_at_first_everybody_is_suspected_and_nobody_implicated():
    suspects = all_suspects()
    assert suspects.standing == tuple(CAUSES)
    assert (suspects.implicated, suspects.ruled_out, suspects.contested, suspects.open_questions) == ((), (), (), ())


def test_a_finding_strikes_out_and_implicates():
    suspects = Suspects(NAMES).given(says("one", clears="a"), says("two", implicates="b"))
    assert suspects.ruled_out == ("a",)
    assert suspects.implicated == ("b",)
    assert suspects.standing == ("b", "c")
    assert suspects.against["a"][0].because == "because one"


def test_a_cause_with_evidence_on_both_sides_is_contested_and_struck_out():
    suspects = Suspects(NAMES).given(says("one", implicates="ab"), says("two", clears="a"))
    assert suspects.implicated == ("b",)
    assert suspects.contested == ("a",)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_the_questions_does_not_matter(order):
    findings = (says("one", implicates="ab"), says("two", clears="a"), unread("three"))
    suspects = Suspects(NAMES).given(*(findings[at] for at in order))
    assert (suspects.implicated, suspects.ruled_out, suspects.standing) == (("b",), ("a",), ("b", "c"))


def test_a_question_that_cannot_be_answered_speaks_for_and_against_nobody():
    suspects = Suspects(NAMES).given(unread("one"))
    assert suspects.standing == NAMES
    assert suspects.implicated == ()
    assert suspects.open_questions[0].because == "the engine is away"


def test_most_findings_come_first_then_most_entries_then_the_house_order():
    suspects = Suspects(NAMES).given(
        says("one", implicates="abc", weight=60),
        says("two", implicates="a", weight=1),
        says("three", implicates="b", weight=114),
    )
    assert suspects.implicated == ("b", "a", "c")
    assert Suspects(NAMES).given(says("one", implicates="cab")).implicated == ("a", "b", "c")


def test_an_answer_given_again_takes_the_place_of_the_first():
    once = Suspects(NAMES).given(says("one", implicates="a"), says("two", implicates="b"))
    twice = once.given(says("one", implicates="a"))
    assert twice.implicated == once.implicated
    assert len(twice.for_["a"]) == 1
    assert once.given(says("one", clears="a")).ruled_out == ("a",)
    assert once.given(says("one", clears="a")).implicated == ("b",)
    assert once.given(unread("one")).implicated == ("b",)
    assert Suspects(NAMES).given(unread("one")).given(says("one", clears="a")).open_questions == ()


def test_what_the_newest_findings_struck_out_is_shown_also_when_a_cell_runs_again():
    first = Suspects(NAMES).given(says("one", clears="a"))
    second = first.given(says("two", clears="ab"))
    assert (first.struck_last, second.struck_last) == (("a",), ("b",))
    assert second.given(says("two", clears="ab")).struck_last == ("b",)
    assert second.in_full().struck_last == ("a", "b")


def test_suspects_are_values():
    before = Suspects(NAMES)
    before.given(says("one", clears="a"))
    assert before.standing == NAMES


def test_nothing_read_says_so():
    finding = cannot_tell("Is it well?")
    assert (finding.answer, finding.because) == (Answer.CANNOT_TELL, "nothing was read")
    away = Evidence("?", "gateway", AT, unreadable="no answer")
    here = Evidence("?", "ledger", AT)
    assert cannot_tell("Is it well?", away, here).because == "no answer"
    assert (away.readable, here.readable, len(here)) == (False, True, 0)
