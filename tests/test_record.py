"""The record is the journal folded: whether the run got through, and what was true, can be read from it alone."""

from datetime import UTC, datetime, timedelta

import pytest
from runbook import record
from runbook.journal import START, Entry
from runbook.plan import canonical

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WINDOW = ["2026-01-14T12:00:00+00:00", "2026-01-15T12:00:00+00:00"]
TRIAGE, SCENARIO, BOOKS, VERIFICATION = (
    "00_triage", "12_scenario_c_database_rollback", "20_reconciliation", "30_verification"
)  # fmt: skip


def journal(*things, seconds=10):
    """Entries of an incident: `opened`, then each (kind, body), ten seconds apart."""
    opened = ("opened", {"target": "practice", "environment": "practice", "window": WINDOW, "symptom": "payments fail"})
    entries, previous = [], START
    for seq, (kind, body) in enumerate((opened, *things), start=1):
        at = (NOON + timedelta(seconds=seconds * (seq - 1))).isoformat()
        entries.append(Entry(seq, at, kind, "ann", "host", body, previous).sealed())
        previous = entries[-1].hash
    return entries


def fold(*things):
    return record.fold("inc-1", journal(*things))


def ran(notebook, *things):
    """A notebook that began, noted things, and came to its end."""
    return [("started", {"notebook": notebook}), *things, ("finished", {"notebook": notebook, "headline": "done"})]


def diagnosis(*causes, cannot_tell=()):
    found = {"causes": list(causes), "ruled_out": [], "cannot_tell": list(cannot_tell), "evidence": []}
    return "diagnosis", {
        "diagnosis": found,
        "impact": {"payments": 60, "users": 56, "amounts_minor": {"usd": 100}},
        "escalation": {"level": 2, "reasons": ["60 payments are affected: system-wide"]},
    }


def checks(phase, *answers):
    findings = [{"statement": f"check {at}", "answer": answer, "because": "…"} for at, answer in enumerate(answers)]
    return "checks", {"phase": phase, "findings": findings}


def plan(fingerprint="plan-1", steps=2, remedy="database_rollback", undoes=""):
    body = {"fingerprint": fingerprint, "remedy": remedy, "notebook": SCENARIO, "undoes": undoes}
    return "plan", {**body, "steps": [{"object_id": f"row-{at}"} for at in range(steps)]}


def approval(fingerprint="plan-1"):
    return "approval", {"plan": fingerprint, "until": NOON.isoformat()}


def refused(fingerprint="plan-1"):
    return "refused", {"plan": fingerprint, "reason": "no approval names it"}


def applied(*words, fingerprint="plan-1", keys=""):
    """A batch that was begun, and its outcomes; the keys are k0, k1, … or given."""
    named = keys.split() or [f"k{at}" for at in range(len(words))]
    outcomes = [{"key": key, "word": word, "detail": f"why {key}"} for key, word in zip(named, words, strict=True)]
    return [("begun", {"plan": fingerprint, "keys": named}), ("outcomes", {"plan": fingerprint, "outcomes": outcomes})]


def books(verdict):
    return "reconciliation", {"verdict": verdict, "because": [], "items": 1, "discrepancies": 0, "digest": ""}


def left(*payments, remedy="database_rollback"):
    return "work_list", {"remedy": remedy, "items": [{"payment": each} for each in payments]}


ILL, WELL, UNCLEAR = "does not hold", "holds", "cannot tell"
FOUND = ran(TRIAGE, diagnosis("database_rollback"))
DRY = ran(SCENARIO, checks("before", ILL, WELL), plan(), refused())
REPAIRED = ran(SCENARIO, plan(), approval(), *applied("applied", "applied"), checks("after", WELL, WELL))


def test_a_record_holds_everything_that_the_design_names():
    found = fold(*FOUND, *DRY)
    assert found.keys() >= {
        "schema_version", "incident", "target", "mode", "opened_at", "closed_at", "status", "verdict", "diagnosis",
        "impact", "plans", "outcomes", "checks", "timings_seconds", "escalation",
    }  # fmt: skip
    assert (found["schema_version"], found["incident"]) == (1, "inc-1")
    assert (found["target"], found["mode"]) == ("practice", "practice")
    assert found["opened_at"] == "2026-01-15T12:00:00+00:00"
    assert found["closed_at"] == journal(*FOUND, *DRY)[-1].at
    assert found["window"] == WINDOW
    assert found["impact"] == {"payments": 60, "users": 56, "amounts_minor": {"usd": 100}}
    assert found["escalation"]["level"] == 2
    assert found["plans"] == [
        {"fingerprint": "plan-1", "remedy": "database_rollback", "notebook": SCENARIO, "undoes": "", "steps": 2,
         "state": "awaiting approval"}
    ]  # fmt: skip
    assert canonical(found)


def test_a_record_is_the_same_for_the_same_journal():
    assert fold(*FOUND, *DRY) == fold(*FOUND, *DRY)


def test_an_incident_that_was_only_opened_is_a_record_too():
    found = fold()
    assert (found["status"], found["verdict"]) == ("completed", "unknown")
    assert (found["plans"], found["work_list"], found["checks"]) == ([], [], {"before": [], "after": []})
    assert found["outcomes"] == {"applied": 0, "already_done": 0, "withheld": 0}


STATUS = [
    ("nothing was run", [], "completed"),
    ("a notebook came to its end", FOUND, "completed"),
    ("a notebook never came to its end", FOUND[:-1], "failed"),
    ("one came to its end, the next did not", [*FOUND, *DRY[:-1]], "failed"),
    ("it was run again and stopped then", [*FOUND, *FOUND[:-1]], "failed"),
    ("a plan was not carried out because nobody approved it", [*FOUND, *DRY], "completed"),
    ("it was approved later, and nobody tried it again", [*FOUND, *DRY, approval()], "completed"),
    ("an approved plan was refused", [*FOUND, *DRY, approval(), refused()], "withheld"),
    ("another plan was approved", [*FOUND, *DRY, plan("plan-2"), approval("plan-2"), refused()], "completed"),
    ("an approved plan was refused, and carried out after all",
     [*FOUND, *DRY, approval(), refused(), *REPAIRED], "completed"),
    ("a part of it was carried out", [*FOUND, *DRY, *ran(SCENARIO, *applied("applied", "withheld"))], "completed"),
    ("a plan stands there, and nobody tried it", [*FOUND, *ran(SCENARIO, plan())], "completed"),
]  # fmt: skip


@pytest.mark.parametrize(("things", "status"), [row[1:] for row in STATUS], ids=[row[0] for row in STATUS])
def test_the_status_says_whether_the_run_got_through(things, status):
    assert fold(*things)["status"] == status


VERDICTS = [
    ("nothing was looked at", [], "unknown"),
    ("triage found nothing", ran(TRIAGE, diagnosis("none")), "no_incident"),
    ("triage found a cause", FOUND, "incident_found"),
    ("triage found several", ran(TRIAGE, diagnosis("database_rollback", "rate_limited")), "incident_found"),
    ("triage found something and no cause", ran(TRIAGE, diagnosis("unknown")), "unknown"),
    ("triage could not see enough", ran(TRIAGE, diagnosis("unknown", cannot_tell=["The logs."])), "incomplete"),
    ("the newest triage counts", [*FOUND, *ran(TRIAGE, diagnosis("none"))], "no_incident"),
    ("checks before say nothing of a recovery", [*FOUND, *ran(SCENARIO, checks("before", WELL))], "incident_found"),
    ("every check holds after", [*FOUND, *REPAIRED], "recovered"),
    ("a check does not hold after", [*FOUND, *ran(SCENARIO, checks("after", WELL, ILL))], "not_recovered"),
    ("a check cannot be told after", [*FOUND, *ran(SCENARIO, checks("after", WELL, UNCLEAR))], "incomplete"),
    ("ill weighs more than unclear", [*FOUND, *ran(SCENARIO, checks("after", UNCLEAR, ILL))], "not_recovered"),
    ("the newest look after counts", [*FOUND, checks("after", ILL), checks("after", WELL)], "recovered"),
    ("it fell ill again", [*FOUND, *REPAIRED, checks("after", ILL)], "not_recovered"),
    ("the books do not close", [*FOUND, *REPAIRED, *ran(BOOKS, books("incomplete"))], "incomplete"),
    ("the books closed at last", [*FOUND, *REPAIRED, books("incomplete"), books("clean")], "recovered"),
    ("nothing was found, and a check says otherwise", [*ran(TRIAGE, diagnosis("none")), checks("before", ILL)],
     "incident_found"),
    ("nothing was found, and the books disagree", [*ran(TRIAGE, diagnosis("none")), books("breaks")], "incident_found"),
    ("only the books were looked at, and agree", ran(BOOKS, books("clean")), "no_incident"),
    ("only the books were looked at, and disagree", ran(BOOKS, books("breaks")), "incident_found"),
    ("customers' own declines", ran(TRIAGE, diagnosis("card_declines")), "no_incident"),
    ("nothing wrong, and a test payment went through",
     [*ran(TRIAGE, diagnosis("none")), *ran(VERIFICATION, *applied("applied"), checks("after", WELL))], "no_incident"),
    ("repaired without a triage", REPAIRED, "recovered"),
]  # fmt: skip


@pytest.mark.parametrize(("things", "verdict"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS])
def test_the_verdict_says_what_was_true(things, verdict):
    assert fold(*things)["verdict"] == verdict


EXITS = [
    ("nothing wrong", ran(TRIAGE, diagnosis("none")), 0),
    ("recovered", [*FOUND, *DRY, *REPAIRED], 0),
    ("recovered, with a work list", [*FOUND, *REPAIRED, left("pi_1")], 0),
    ("wrong, and no plan for it", FOUND, 1),
    ("wrong, and a plan with nothing in it", [*FOUND, *ran(SCENARIO, plan(steps=0))], 1),
    ("carried out, and not recovered",
     [*FOUND, *ran(SCENARIO, plan(), approval(), *applied("applied", "applied"), checks("after", ILL))], 1),
    ("could not look", ran(TRIAGE, diagnosis("unknown", cannot_tell=["The logs."])), 2),
    ("nobody can say", ran(TRIAGE, diagnosis("unknown")), 2),
    ("the run stopped", FOUND[:-1], 2),
    ("the run stopped, though a plan awaits approval", [*FOUND, *DRY, ("started", {"notebook": BOOKS})], 2),
    ("the books do not close", [*FOUND, *REPAIRED, books("incomplete")], 2),
    ("a plan awaits approval", [*FOUND, *DRY], 3),
    ("only a test payment awaits approval", [*FOUND, plan("plan-2", remedy="test_payment")], 1),
    ("a newer plan of the remedy was carried out",
     [*FOUND, plan(), plan("plan-2"), *applied("applied", "applied", fingerprint="plan-2")], 1),
    ("a plan is approved and not carried out", [*FOUND, *DRY, approval()], 3),
    ("a plan awaits approval, though not all was seen", [*FOUND, *DRY, books("incomplete")], 3),
]  # fmt: skip


@pytest.mark.parametrize(("things", "code"), [row[1:] for row in EXITS], ids=[row[0] for row in EXITS])
def test_the_exit_code_follows_the_contract(things, code):
    assert record.exit_code(fold(*things)) == code


def test_what_was_applied_stays_applied_when_a_later_look_finds_it_done():
    found = fold(plan(), *applied("applied", "withheld"), *applied("already done", "already done"))
    assert found["outcomes"] == {"applied": 1, "already_done": 1, "withheld": 0}
    assert found["plans"][0]["state"] == "applied"
    assert found["withheld"] == []


def test_what_was_withheld_can_be_applied_later():
    found = fold(plan(), *applied("withheld", "applied"), *applied("applied", keys="k0"))
    assert found["outcomes"] == {"applied": 2, "already_done": 0, "withheld": 0}


def test_a_withheld_step_keeps_its_newest_reason():
    newest = ("outcomes", {"plan": "plan-1", "outcomes": [{"key": "k1", "word": "withheld", "detail": "it moved"}]})
    found = fold(plan(), *applied("applied", "withheld"), newest)
    assert found["withheld"] == [{"key": "k1", "reason": "it moved"}]
    assert found["plans"][0]["state"] == "partly applied"


@pytest.mark.parametrize(
    ("things", "state"),
    [
        ([], "awaiting approval"),
        ([refused()], "awaiting approval"),
        ([approval()], "approved"),
        ([approval("plan-2")], "awaiting approval"),
        ([approval(), *applied("applied", "applied")], "applied"),
        ([approval(), *applied("applied", "already done")], "applied"),
        ([approval(), *applied("applied", "withheld")], "partly applied"),
        ([approval(), *applied("applied")], "partly applied"),
        ([*applied("applied", "applied", fingerprint="plan-2")], "awaiting approval"),
    ],
)
def test_each_plan_has_its_own_state(things, state):
    assert fold(plan(), plan("plan-2"), *things)["plans"][0]["state"] == state


def test_a_plan_that_was_made_again_is_one_plan():
    assert [each["state"] for each in fold(plan(), plan(), approval())["plans"]] == ["approved"]


def test_the_first_look_before_is_kept_beside_the_newest_after():
    found = fold(checks("before", ILL), checks("before", WELL), checks("after", ILL), checks("after", WELL))
    assert [each["answer"] for each in found["checks"]["before"]] == [ILL]
    assert [each["answer"] for each in found["checks"]["after"]] == [WELL]


def test_the_newest_work_list_counts():
    lists = [left("pi_1"), left()]
    assert fold(*lists)["work_list"] == []
    assert fold(*reversed(lists))["work_list"] == [{"payment": "pi_1"}]


def test_each_remedy_leaves_its_own_to_a_person_and_a_payment_stands_once():
    lists = [left("pi_1", "pi_2"), left("pi_2", "pi_3", remedy="e"), left("pi_1")]
    assert [item["payment"] for item in fold(*lists)["work_list"]] == ["pi_1", "pi_2", "pi_3"]


@pytest.mark.parametrize(("answers", "verdict", "code"), [
    (["holds"], "no_incident", 0), (["holds", "cannot tell"], "incomplete", 2),
    (["cannot tell", "does not hold"], "incident_found", 1),
])  # fmt: skip
def test_monitoring_alone_has_a_verdict_and_a_code(answers, verdict, code):
    found = fold(*ran("50_monitoring", ("health", {"findings": [{"answer": answer} for answer in answers]})))
    assert (found["verdict"], record.exit_code(found)) == (verdict, code)


def test_machine_time_is_counted_and_waiting_for_people_is_not():
    waited = [("note", {})] * 100
    repaired = ran(SCENARIO, *applied("applied"))
    found = fold(*FOUND, *waited, *repaired, *waited, *ran(VERIFICATION))
    assert found["timings_seconds"] == {
        "triage": 20.0, "diagnosis": 10.0, "repair": 10.0, "verification": 10.0, "total": 60.0
    }  # fmt: skip


def test_the_record_names_the_journal_it_was_folded_from():
    assert fold(*FOUND)["journal_head"] == journal(*FOUND)[-1].hash
    assert [each["notebook"] for each in fold(*FOUND, *DRY)["notebooks"]] == [TRIAGE, SCENARIO]
