"""A plan is sealed: its fingerprint is that of everything a reader saw and repair will do, and of nothing else."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runbook import plan
from runbook.plan import AlreadyDone, Applied, Carried, Plan, Step, Withheld, WorkItem

STEP = Step(
    kind="update_row",
    object_id="row-1",
    sentence="Set row row-1 (12.34 USD, pi_1) from PENDING to COMPLETED.",
    old={"intent_id": "pi_1", "amount": 1234, "status": "PENDING"},
    new={"intent_id": "pi_1", "amount": 1234, "status": "COMPLETED"},
    undo="set the status back to PENDING",
    payment="pi_1",
    amount_minor=1234,
    currency="usd",
)
SENT = replace(STEP, kind="redeliver_event", object_id="evt_2", undo="", no_undo="it is sent", payment="pi_2")
WORK = WorkItem("pi_3", "it names no user", "refund it", 500, "jpy")
PLAN = Plan("practice", "acct_1 + shop", "database_rollback", "12_scenario_c_database_rollback", (STEP, SENT), (WORK,),
            ("The audit lies in the journal alone.",))  # fmt: skip

words = st.text(max_size=12)
values = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | words
images = st.dictionaries(words, values | st.lists(values, max_size=2), max_size=3)
steps = st.builds(Step, words, words, words, images, images, words, words, words, st.integers(), words)
works = st.builds(WorkItem, words, words, words, st.integers(), words)
plans = st.builds(
    Plan, words, words, words, words, st.lists(steps, max_size=3).map(tuple), st.lists(works, max_size=2).map(tuple),
    st.lists(words, max_size=2).map(tuple), words,
)  # fmt: skip
filled = st.builds(replace, plans, steps=st.lists(steps, min_size=1, max_size=2).map(tuple))


def through_json(made):
    return plan.from_json(json.loads(json.dumps(plan.to_json(made))))


@settings(deadline=None)
@given(plans)
def test_a_plan_comes_back_from_the_journal_as_it_was(made):
    back = through_json(made)
    assert back == made
    assert back.fingerprint == made.fingerprint


def test_the_fingerprint_is_short_and_the_same_today_and_tomorrow():
    """A plan in a journal must still match after the code has changed."""
    assert PLAN.fingerprint == "plan-5d928c2d794a0680"
    assert Plan(**{each.name: getattr(PLAN, each.name) for each in fields(Plan)}).fingerprint == PLAN.fingerprint


def test_a_plan_without_steps_has_nothing_to_say_yes_to():
    empty = replace(PLAN, steps=())
    assert (empty.fingerprint, bool(empty), empty.amounts_minor) == ("", False, {})
    assert bool(PLAN)


CHANGED = {
    "kind": "insert_row",
    "object_id": "row-2",
    "sentence": "Set row row-1 (0.01 USD, pi_1) from PENDING to COMPLETED.",
    "old": {**STEP.old, "amount": 1233},
    "new": {**STEP.new, "status": "REFUNDED"},
    "undo": "by hand",
    "no_undo": "it stays",
    "payment": "pi_9",
    "amount_minor": 1235,
    "currency": "eur",
    "required": True,
}


@pytest.mark.parametrize("field", [each.name for each in fields(Step)])
@pytest.mark.parametrize("at", [0, 1])
def test_a_change_of_any_field_of_any_step_changes_the_fingerprint(field, at):
    changed = list(PLAN.steps)
    changed[at] = replace(changed[at], **{field: CHANGED[field]})
    assert changed[at] != PLAN.steps[at]
    assert replace(PLAN, steps=tuple(changed)).fingerprint != PLAN.fingerprint


@pytest.mark.parametrize("field", ["target", "identity", "remedy", "notebook", "undoes"])
def test_a_plan_for_another_place_or_purpose_has_another_fingerprint(field):
    assert replace(PLAN, **{field: "another"}).fingerprint != PLAN.fingerprint


def test_another_promise_is_another_plan():
    assert replace(PLAN, promises=()).fingerprint != PLAN.fingerprint


def test_steps_in_another_order_or_number_are_another_plan():
    some = [(STEP, SENT), (SENT, STEP), (STEP,), (STEP, SENT, SENT)]
    assert len({replace(PLAN, steps=each).fingerprint for each in some}) == 4


def test_what_is_left_to_a_person_is_no_part_of_what_is_approved():
    assert replace(PLAN, work_list=()).fingerprint == PLAN.fingerprint


def content(made):
    """Everything but the work list, as the journal would hold it."""
    return plan.canonical({**plan.to_json(replace(made, work_list=())), "fingerprint": ""})


@settings(deadline=None, max_examples=50)
@given(filled, filled)
def test_two_plans_share_a_fingerprint_only_when_they_say_and_do_the_same(one, other):
    assert (one.fingerprint == other.fingerprint) == (content(one) == content(other))


@settings(deadline=None)
@given(steps, st.sampled_from(["kind", "object_id", "old", "new"]), st.data())
def test_a_key_belongs_to_one_change_of_one_image(step, field, data):
    other = replace(step, **{field: data.draw(images if field in ("old", "new") else words)})
    same = getattr(step, field) == getattr(other, field) and plan.canonical(getattr(step, field)) == plan.canonical(
        getattr(other, field)
    )
    assert (step.key == other.key) == same
    assert replace(step, sentence="other words").key == step.key


def test_a_key_names_the_runbook_and_the_kind_and_is_short_enough_for_stripe():
    assert STEP.key.startswith("runbook-update_row-")
    assert len(replace(STEP, object_id="x" * 500).key) <= 255


def test_a_key_does_not_depend_on_the_order_in_which_an_image_is_written():
    assert replace(STEP, old=dict(reversed(STEP.old.items()))).key == STEP.key


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), float("inf"), b"bytes"])
def test_what_json_cannot_hold_is_an_error_and_not_a_guess(value):
    with pytest.raises((TypeError, ValueError)):
        plan.digest({"value": value})


def test_each_payment_counts_once_however_many_steps_it_takes():
    twice = replace(STEP, kind="redeliver_event", object_id="evt_1")
    other = replace(STEP, payment="pi_2", amount_minor=2**60, currency="jpy")
    audit = Step("create_audit", "runbook.audit", "Create it.", {}, {"table": "runbook.audit"})
    assert replace(PLAN, steps=(audit, STEP, twice, other)).amounts_minor == {"jpy": 2**60, "usd": 1234}


def test_steps_that_name_no_payment_are_not_taken_for_one():
    some = [replace(STEP, payment="", object_id=name, amount_minor=1) for name in "ab"]
    assert replace(PLAN, steps=tuple(some)).amounts_minor == {"usd": 2}


def test_outcomes_are_counted_by_their_words():
    results = ((STEP, Applied("k1")), (SENT, Withheld("k2", "it moved")), (STEP, AlreadyDone("k3")))
    carried = Carried(PLAN.fingerprint, results)
    assert [carried.count(word) for word in ("applied", "already done", "withheld", "other")] == [1, 1, 1, 0]
