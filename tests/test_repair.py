"""An approved plan is carried out exactly as it stands, and nothing else ever is."""

from __future__ import annotations

import getpass
import subprocess
import sys
import textwrap
from collections import Counter
from datetime import timedelta

import msgspec
import psycopg
import pytest
from practice.wires.service.provision import DATABASE
from practice.world import World
from runbook import evidence, planning, repair, verify
from runbook.errors import BadInput
from runbook.incident import Incident, open_incident
from runbook.journal import Journal
from runbook.plan import Plan

from tests.sampled import sampled

COUNTERS = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"


@pytest.fixture
def broken(drill_world, tmp_path, monkeypatch):
    """A function that breaks the world in one way and opens the incident on it."""

    def break_it(variant: str) -> Incident:
        drill_world.inject("database_rollback", variant, seed=11, live=False)
        for name, value in drill_world.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        return open_incident("practice")

    return break_it


def settings(incident: Incident, part: str, **values: object) -> None:
    """Change numbers of the target file for this incident."""
    changed = msgspec.structs.replace(getattr(incident.target, part), **values)
    incident.target = msgspec.structs.replace(incident.target, **{part: changed})


def make_plan(incident: Incident) -> Plan:
    return planning.plan_for_missing(incident, evidence.missing_payments(incident, complete=True))


def approve(incident: Incident, plan: Plan) -> None:
    planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)


def words(carried) -> Counter:
    return Counter(outcome.word for _, outcome in carried.results)


def query(world: World, sql: str, *parameters: object) -> list[tuple]:
    with psycopg.connect(world.cluster.dsn(DATABASE), autocommit=True) as conn:
        cursor = conn.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def counters(world: World) -> list[tuple]:
    query(world, "SELECT pg_stat_force_next_flush()")
    return query(world, COUNTERS)


CURES = {
    "unique_violation": {"redeliver_event"},
    "connection_timeout": {"redeliver_event"},
    "crash_before_commit": {"create_audit", "update_row"},
    "foreign_key_violation": set(),
}


@pytest.mark.parametrize("variant", sampled(CURES, ["crash_before_commit", "foreign_key_violation"]))
def test_each_variant_is_cured_as_the_table_says_and_a_second_apply_changes_nothing(broken, drill_world, variant):
    incident = broken(variant)
    before = verify.run(incident)
    plan = make_plan(incident)
    assert not before.holds or variant == "foreign_key_violation"
    assert {step.kind for step in plan.steps} == CURES[variant]
    affected = drill_world.truth.affected
    to_a_person = {one.intent for one in affected if one.cure == "work_list"}
    assert {item.payment for item in plan.work_list} == to_a_person
    assert {step.payment for step in plan.steps} - {""} == {one.intent for one in affected} - to_a_person

    untouched = counters(drill_world)
    assert set(words(repair.apply(incident, plan.fingerprint))) <= {"withheld"}
    assert counters(drill_world) == untouched

    if plan:
        approve(incident, plan)
    assert set(words(repair.apply(incident, plan.fingerprint))) <= {"applied"}
    assert verify.run(incident).findings[0].holds
    verdict = drill_world.referee().judge()
    assert verdict.is_recovered, verdict

    mails, settled = len(drill_world.mails.messages), counters(drill_world)
    assert set(words(repair.apply(incident, plan.fingerprint))) <= {"already done"}
    assert (len(drill_world.mails.messages), counters(drill_world)) == (mails, settled)


def test_a_settled_row_can_be_set_back_and_its_audit_row_says_who_and_why(broken, drill_world):
    incident = broken("crash_before_commit")
    image = 'SELECT id, status, amount, "userId", "stripePaymentIntentId" FROM "Transaction" ORDER BY id'
    before = query(drill_world, image)
    plan = make_plan(incident)
    approve(incident, plan)
    repair.apply(incident, plan.fingerprint)
    assert query(drill_world, image) != before

    undo = planning.plan_undo(incident)
    assert undo.undoes == plan.fingerprint
    assert set(words(repair.apply(incident, undo.fingerprint))) == {"withheld"}
    approve(incident, undo)
    assert set(words(repair.apply(incident, undo.fingerprint))) == {"applied"}
    assert query(drill_world, image) == before
    again = make_plan(incident)
    assert again.fingerprint not in (plan.fingerprint, ""), "the row has moved, so its repair is another plan"
    approve(incident, again)
    assert set(words(repair.apply(incident, again.fingerprint))) == {"applied"}
    rows = len([step for step in plan.steps if step.kind == "update_row"])
    audited = query(drill_world, "SELECT plan, count(*) FROM runbook.audit GROUP BY plan")
    assert dict(audited) == dict.fromkeys((plan.fingerprint, undo.fingerprint, again.fingerprint), rows)


def test_a_row_that_moved_since_the_plan_is_withheld_alone(broken, drill_world):
    incident = broken("crash_before_commit")
    plan = make_plan(incident)
    moved = next(step for step in plan.steps if step.kind == "update_row")
    query(drill_world, 'UPDATE "Transaction" SET status = %s WHERE id = %s', "CANCELED", moved.object_id)
    approve(incident, plan)
    carried = repair.apply(incident, plan.fingerprint)
    assert [step.object_id for step, outcome in carried.results if outcome.word == "withheld"] == [moved.object_id]
    assert words(carried)["applied"] == len(plan.steps) - 1
    assert query(drill_world, 'SELECT status FROM "Transaction" WHERE id = %s', moved.object_id) == [("CANCELED",)]


@pytest.mark.parametrize("variant", sampled(["crash_before_commit", "unique_violation"], ["unique_violation"]))
def test_a_payment_refunded_at_stripe_since_the_plan_is_withheld_alone(broken, drill_world, variant):
    incident = broken(variant)
    plan = make_plan(incident)
    returned = plan.steps[-1]
    engine = drill_world.gateway.engine
    with engine.at(drill_world.now(), delivery="none"):
        engine.mode("live").create_refund({"payment_intent": returned.payment})
    approve(incident, plan)
    carried = repair.apply(incident, plan.fingerprint)
    withheld = [(step.payment, outcome.detail) for step, outcome in carried.results if outcome.word == "withheld"]
    assert withheld == [(returned.payment, "it was refunded at Stripe since the plan was made")]


def test_a_service_that_does_not_record_the_canary_gets_no_further_delivery(broken, drill_world):
    incident = broken("unique_violation")
    settings(incident, "thresholds", delivery_wait_seconds=1)
    plan = make_plan(incident)
    approve(incident, plan)
    drill_world.release("unique_violation")
    carried = repair.apply(incident, plan.fingerprint)
    details = [outcome.detail for _, outcome in carried.results]
    assert words(carried) == {"withheld": len(plan.steps)}
    assert details[0] == "delivered, but the service did not record it"
    assert set(details[1:]) == {"its canary was not recorded, so nothing more was delivered"}


REFUSALS = {
    "expired": "its approval has expired; approve it again",
    "old": "the plan is too old; make it again from what is true now",
    "many": "the policy allows 1",
    "sum": "is above the policy's limit",
    "alone": f"someone other than {getpass.getuser()} must approve it",
}


@pytest.mark.parametrize("why", sampled(REFUSALS, [next(iter(REFUSALS))]))
def test_a_plan_that_may_not_be_carried_out_says_why_and_writes_nothing(broken, drill_world, why):
    incident = broken("crash_before_commit")
    plan = make_plan(incident)
    limits = {"many": {"rows_max": 1}, "sum": {"amount_minor_max": dict.fromkeys(plan.amounts_minor, 1)},
              "alone": {"second_person_above_steps": 1}, "old": {"plan_minutes": 0}}.get(why, {})  # fmt: skip
    settings(incident, "policy", **limits)
    planning.approve(incident.journal, plan.fingerprint, -1 if why == "expired" else 30, incident.clock)
    untouched = counters(drill_world)
    carried = repair.apply(incident, plan.fingerprint)
    assert {outcome.word for _, outcome in carried.results} == {"withheld"}
    assert all(REFUSALS[why] in outcome.detail for _, outcome in carried.results)
    assert counters(drill_world) == untouched


def test_a_plan_that_the_journal_does_not_hold_cannot_be_approved_or_applied(broken):
    incident = broken("crash_before_commit")
    for act in (lambda: planning.approve(incident.journal, "plan-0", 30, incident.clock),
                lambda: repair.apply(incident, "plan-0")):  # fmt: skip
        with pytest.raises(BadInput, match="holds no plan `plan-0`; it holds: none"):
            act()


KILLED = """
    import os, sys
    from msgspec.structs import replace
    from runbook import repair
    from runbook.incident import Incident, open_incident

    incident = open_incident("practice", sys.argv[1])
    policy = replace(incident.target.policy, batch_rows=2)
    incident.target = replace(incident.target, policy=policy)
    left, log = [int(sys.argv[3])], Incident.log

    def log_and_die(self, kind, **body):
        entry = log(self, kind, **body)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
        return entry

    Incident.log = log_and_die
    repair.apply(incident, sys.argv[2])
"""


def test_a_repair_killed_at_any_entry_of_the_journal_is_finished_by_applying_it_again(broken, drill_world):
    incident = broken("mixed")
    plan = make_plan(incident)
    approve(incident, plan)
    code = textwrap.dedent(KILLED)
    killed = 0
    for after in (1, 2, 1, 4):
        command = [sys.executable, "-c", code, incident.id, plan.fingerprint, str(after)]
        killed += subprocess.run(command, check=False).returncode == -9
    assert killed == 4
    carried = repair.apply(incident, plan.fingerprint)
    assert set(words(carried)) == {"applied", "already done"}
    verdict = drill_world.referee().judge()
    assert verdict.is_recovered, verdict
    assert Journal(incident.directory / "journal.jsonl").entries()
    twice = query(drill_world, "SELECT plan, key FROM runbook.audit GROUP BY plan, key HAVING count(*) > 1")
    assert twice == []


def test_two_operators_at_once_have_one_effect(broken, drill_world):
    incident = broken("crash_before_commit")
    plan = make_plan(incident)
    approve(incident, plan)
    code = "import sys; from runbook import repair; from runbook.incident import open_incident\n" \
           "repair.apply(open_incident('practice', sys.argv[1]), sys.argv[2])"  # fmt: skip
    operators = [subprocess.Popen([sys.executable, "-c", code, incident.id, plan.fingerprint]) for _ in range(2)]
    assert [operator.wait() for operator in operators] == [0, 0]
    rows = sum(step.kind == "update_row" for step in plan.steps)
    assert query(drill_world, "SELECT count(*) FROM runbook.audit") == [(rows,)]
    assert drill_world.referee().judge().is_recovered


def test_looking_leaves_no_trace_in_the_database(broken, drill_world):
    incident = broken("mixed")
    untouched = counters(drill_world)
    make_plan(incident)
    verify.run(incident)
    assert counters(drill_world) == untouched


def test_the_window_of_an_incident_stays_as_it_was_frozen(broken):
    incident = broken("mixed")
    joined = open_incident("practice", incident.id)
    assert joined.window == incident.window
    later = (incident.window.end + timedelta(hours=1)).isoformat()
    with pytest.raises(BadInput, match="was frozen at"):
        open_incident("practice", incident.id, window_end=later)
