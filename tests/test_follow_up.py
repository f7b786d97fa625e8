"""After the incident: who is told what, each thing at most once, and nothing that cannot be taken back by mistake."""

from __future__ import annotations

import csv
import os
import re
import stat
import subprocess
import sys
import textwrap
from collections import Counter

import msgspec
import psycopg
import pytest
from practice.wires.service.provision import DATABASE
from practice.world import World
from runbook import evidence, planning, repair
from runbook.evidence import people, sendings
from runbook.incident import open_incident
from runbook.journal import START, Entry
from runbook.judgement import aftermath
from runbook.judgement.aftermath import GIVEN_BACK, LEFT, MISSING, NOT_TAKEN, RECORDED, SETTLED
from runbook.judgement.letters import letter
from runbook.judgement.remedies import follow_up

# --- pure


def payment(name, became, address="ann@example.com", confirmed=False, **more):
    usual = {"user_id": f"usr {address}", "created_at": 1_768_478_400, "amount_minor": 26_80, "currency": "eur",
             "order": "ORD-1", "refund": "none"}  # fmt: skip
    return usual | {"payment": name, "became": became, "address": address, "confirmed": confirmed} | more


PAID, OPEN = {"status": "succeeded"}, {"status": "requires_payment_method", "last_payment_error": None}


@pytest.mark.parametrize(
    ("intent", "status", "step", "listed", "returned", "state"),
    [
        (PAID, "COMPLETED", "update_row", False, "", SETTLED),
        (PAID, "COMPLETED", "redeliver_event", False, "", RECORDED),
        (PAID, "COMPLETED", "", True, "", RECORDED),
        (PAID, "PENDING", "", True, "", LEFT),
        (PAID, "", "", True, "", LEFT),
        (PAID, "PENDING", "", False, "", MISSING),
        (PAID, "PENDING", "", True, "wholly", GIVEN_BACK),
        (PAID, "COMPLETED", "update_row", False, "disputed", GIVEN_BACK),
        (PAID, "REFUNDED", "update_row", False, "", GIVEN_BACK),
        (OPEN, "COMPLETED", "", True, "", NOT_TAKEN),
        (None, "COMPLETED", "", True, "", NOT_TAKEN),
    ],
)
def test_what_became_of_a_payment_is_read_off_both_sides(intent, status, step, listed, returned, state):
    row = {"status": status} if status else None
    assert aftermath.became(intent, row, step, listed, returned, ["COMPLETED"], ["REFUNDED"]) == state


@pytest.mark.parametrize(
    ("states", "letter_", "about"),
    [
        ([SETTLED], "confirmation", [0]),
        ([SETTLED, SETTLED], "confirmation", [0, 1]),
        ([RECORDED], "", []),
        ([LEFT], "refund", [0]),
        ([LEFT, LEFT], "refund", [0, 1]),
        ([MISSING], "", []),
        ([GIVEN_BACK], "", []),
        ([NOT_TAKEN], "", []),
        ([LEFT, RECORDED], "", []),
        ([LEFT, SETTLED], "confirmation", [1]),
        ([LEFT, GIVEN_BACK], "refund", [0]),
    ],
)
def test_each_person_gets_one_letter_and_nobody_with_a_completed_payment_hears_of_refunds(states, letter_, about):
    group = [payment(f"pi_{at}", state) for at, state in enumerate(states)]
    (person,) = aftermath.people(group)
    assert (person.letter, [row["payment"] for row in person.about]) == (letter_, [f"pi_{at}" for at in about])
    assert bool(person.because) is not bool(letter_)


def test_a_person_is_one_whatever_their_accounts_and_however_their_address_is_written():
    group = [payment("pi_1", SETTLED), payment("pi_2", SETTLED, "Ann@Example.com", user_id="usr_2"),
             payment("pi_3", LEFT, "", user_id="usr_3"), payment("pi_4", LEFT, "", user_id="usr_3")]  # fmt: skip
    found = aftermath.people(group)
    assert [(len(each.payments), each.letter) for each in found] == [(2, "confirmation"), (2, "")]
    assert found[1].because == "no address is known: a person looks for one"


def test_nobody_is_told_what_the_service_or_we_have_told_them():
    assert aftermath.people([payment("pi_1", SETTLED, confirmed=True)])[0].letter == ""
    group = [payment("pi_1", SETTLED), payment("pi_2", SETTLED)]
    (person,) = aftermath.people(group, {"confirmation pi_1"})
    assert [row["payment"] for row in person.about] == ["pi_2"]
    assert aftermath.people(group, {"confirmation pi_1", "confirmation pi_2"})[0].because == "was written to already"


def test_a_letter_names_amount_day_and_order_and_no_refund_where_the_order_is_good():
    subject, text = letter("confirmation", [payment("pi_1", SETTLED)], "Shop payments")
    assert subject == "Your payment went through"
    assert "26.80 EUR on 15 January 2026, order ORD-1\n\nThe money arrived" in text
    assert text.endswith("Shop payments\n")
    assert "refund" not in text.lower()
    subject, text = letter("refund", [payment("pi_1", LEFT, order="")], "Shop", "https://example.com/refunds")
    assert "26.80 EUR on 15 January 2026\n\nPlease do not pay again" in text
    assert "How refunds work: https://example.com/refunds" in text


def test_a_fact_cannot_begin_another_header_or_line():
    _, text = letter("confirmation", [payment("pi_1", SETTLED, order="A\nBcc: x@example.com")], "Shop")
    assert "order A Bcc: …@example.com" in text


def entry(seq, kind, **body):
    return Entry(seq, "2026-01-15T12:00:00+00:00", kind, "ann", "host", body, START)


def sending(seq, *about):
    return entry(seq, "sending", key="k", about=list(about))


def ended(seq, kind, claim, *about):
    return entry(seq, kind, key="k", about=list(about), claim=claim)


def test_the_first_claim_owns_a_thing_until_it_is_given_back():
    first, second = sending(1, "a"), sending(2, "a")
    assert sendings.claims([first, second])["a"] == sendings.Claim(1, False)
    assert sendings.claims([first, second, ended(3, "unsent", 2, "a")])["a"].seq == 1
    assert sendings.claims([first, ended(2, "sent", 1, "a")])["a"].is_sent
    assert sendings.claims([first, ended(2, "unsent", 1, "a")]) == {}
    assert sendings.claims([first, ended(2, "unsent", 1, "a"), sending(3, "a")])["a"].seq == 3


RECORD = {"diagnosis": {"causes": ["database_rollback"]}, "withheld": []}


def test_every_incident_ends_with_the_two_standing_tasks_and_what_it_calls_for():
    slugs = [each.slug for each in follow_up.tasks("inc-1", RECORD, [])]
    assert slugs == ["remove-cause", "review-runbook", "add-test"]
    rows = [payment("pi_1", LEFT), payment("pi_2", MISSING)]
    own = {"key": "runbook-create_task-1", "reason": "bd is not installed"}
    assert [each.slug for each in follow_up.tasks("inc-1", RECORD | {"withheld": [own]}, [])] == slugs
    held = RECORD | {"withheld": [own, {"key": "k", "reason": "the row moved"}]}
    named = follow_up.tasks("inc-1", held, rows)
    assert [each.slug for each in named][:3] == ["decide-work-list", "repair-missing", "look-at-withheld"]
    assert named[0].title == "Decide on 1 payment left to a person after inc-1"
    assert [each.title for each in named][-2:] == ["Review and update the runbook after inc-1",
                                                  "Add a test that would have caught inc-1"]  # fmt: skip


# --- on a world


@pytest.fixture
def mended(tmp_path, monkeypatch):
    """An incident whose payments were repaired: some delivered again, some settled directly, some left to a person."""
    with World.open(tmp_path / "world", payments=120, users=40, live=False) as world:
        world.inject("database_rollback", "mixed", seed=11, live=False)
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        incident = open_incident("practice")
        plan = planning.plan_for_missing(incident, evidence.missing_payments(incident, complete=True))
        planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
        repair.apply(incident, plan.fingerprint)
        world.mended_mails = len(world.mails.messages)
        yield world, incident


BD = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], sys.stdin.read()]) + "\\n")
print("bd-1")
"""


@pytest.fixture
def tracker(tmp_path):
    """A `bd` that writes down how it was called."""
    log, home = tmp_path / "bd.log", tmp_path / "bin"
    home.mkdir(exist_ok=True)
    (home / "bd").write_text(BD.format(python=sys.executable, log=str(log)))
    (home / "bd").chmod(0o755)
    return lambda: [msgspec.json.decode(line) for line in log.read_text().splitlines()] if log.exists() else []


def plan_and_approve(incident, summary="all is well again"):
    plan = planning.plan_follow_up(incident, evidence.affected_payments(incident), summary)
    if plan:
        planning.approve(incident.journal, plan.fingerprint, 30, incident.clock)
    return plan


def sent(world):
    return world.mails.messages[world.mended_mails :]


def words(carried):
    return Counter(outcome.word for _, outcome in carried.results)


def test_a_whole_follow_up_is_sent_once_and_never_again(mended, tracker):
    world, incident = mended
    plan = planning.plan_follow_up(incident, evidence.affected_payments(incident), "all is well again")
    assert words(repair.apply(incident, plan.fingerprint)) == {"withheld": len(plan.steps)}
    assert (sent(world), world.chat.messages, tracker()) == ([], [], [])

    plan_and_approve(incident)
    assert words(repair.apply(incident, plan.fingerprint)) == {"applied": len(plan.steps)}
    truth = world.truth.affected
    users = {one.user_id: one for one in truth if one.cure == "settle"}
    mails = sent(world)
    confirmations = [mail for mail in mails if mail.subject.startswith("Your payment")]
    addresses = [mail.recipients[0] for mail in mails]
    assert len(addresses) == len(set(addresses)), "each person is written to once"
    assert len(confirmations) == len(users), "those whose row was settled directly, and only they"
    orders = {one.order for one in truth if one.cure == "settle"}
    assert {one.order for one in truth if any(one.order in mail.text for mail in confirmations)} == orders
    assert world.referee().judge().harm == ()
    ids = [mail.message["Message-ID"] for mail in mails]
    keys = {step.key for step in plan.steps if step.kind == "send_mail"}
    assert {f"runbook-send_mail-{text.strip('<>').split('@')[0]}" for text in ids} == keys
    assert [message.text for message in world.chat.messages] == ["all is well again"]
    calls = tracker()
    assert len(calls) == sum(step.kind == "create_task" for step in plan.steps)
    assert all(argv[0] == "create" and argv[argv.index("--external-ref") + 1] == incident.id for argv, _ in calls)
    assert any(argv[1] == f"--title=Review and update the runbook after {incident.id}" for argv, _ in calls)

    assert words(repair.apply(incident, plan.fingerprint)) == {"already done": len(plan.steps)}
    again = plan_and_approve(incident, "all is well again, with other words")
    assert not again, "a second plan has nothing left to say"
    assert (len(sent(world)), len(world.chat.messages), len(tracker())) == (len(mails), 1, len(calls))


KILLED = """
    import os, sys
    from runbook import repair
    from runbook.incident import Incident, open_incident

    incident = open_incident("practice", sys.argv[1])
    kind, left, log = sys.argv[3], [int(sys.argv[4])], Incident.log

    def log_and_die(self, named, **body):
        if named == kind and sys.argv[5] == "before":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 9)
        entry = log(self, named, **body)
        if named == kind and sys.argv[5] == "after":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 9)
        return entry

    Incident.log = log_and_die
    repair.apply(incident, sys.argv[2])
"""


def test_killed_between_claim_and_word_of_it_a_mail_is_in_doubt_and_all_others_are_sent_once(mended, tracker):
    """Killed after the claim nothing was sent, killed before the word of it all was: from here they look the same."""
    world, incident = mended
    plan = plan_and_approve(incident)
    mails = [step for step in plan.steps if step.kind == "send_mail"]
    assert len(mails) >= 4
    code = textwrap.dedent(KILLED)
    for kind, at, when in (("sending", "1", "after"), ("sent", "1", "before")):
        command = [sys.executable, "-c", code, incident.id, plan.fingerprint, kind, at, when]
        assert subprocess.run(command, check=False).returncode == -9
    carried = repair.apply(incident, plan.fingerprint)
    doubtful = [outcome.detail for _, outcome in carried.results if outcome.word == "withheld"]
    assert len(doubtful) == 2
    assert all(detail.startswith("it may have been sent already") for detail in doubtful)
    told = Counter(mail.recipients[0] for mail in sent(world))
    assert max(told.values()) == 1
    assert len(told) == len(mails) - 1, "one was claimed and not sent; it is never sent by itself"
    assert world.referee().judge().harm == ()


@pytest.mark.slow
def test_two_operators_at_once_write_to_nobody_twice(mended, tracker):
    world, incident = mended
    plan = plan_and_approve(incident)
    code = "import sys; from runbook import repair; from runbook.incident import open_incident\n" \
           "repair.apply(open_incident('practice', sys.argv[1]), sys.argv[2])"  # fmt: skip
    operators = [subprocess.Popen([sys.executable, "-c", code, incident.id, plan.fingerprint]) for _ in range(2)]
    assert [operator.wait() for operator in operators] == [0, 0]
    told = Counter(mail.recipients[0] for mail in sent(world))
    assert max(told.values()) == 1
    assert len(told) == sum(step.kind == "send_mail" for step in plan.steps)
    assert len(world.chat.messages) == 1
    assert len(tracker()) == sum(step.kind == "create_task" for step in plan.steps)


def test_what_is_no_longer_true_is_not_sent(mended, tracker):
    """Between plan and sending a payment is refunded, an address changes, and a payment left to a person completes."""
    world, incident = mended
    plan = plan_and_approve(incident)
    letters = {name: [step for step in plan.steps if step.new.get("template") == name]
               for name in ("confirmation", "refund")}  # fmt: skip
    returned, moved = letters["confirmation"][:2]
    completed = letters["refund"][0]
    engine = world.gateway.engine
    with engine.at(world.now(), delivery="none"):
        engine.mode("live").create_refund({"payment_intent": returned.payment})
    intent = engine.mode("live").find("payment_intent", completed.payment)
    with psycopg.connect(world.cluster.dsn(DATABASE), autocommit=True) as conn:
        conn.execute('UPDATE "User" SET email = %s WHERE id = %s', ("new@elsewhere.example", moved.object_id))
        conn.execute(
            'INSERT INTO "Transaction" SELECT gen_random_uuid(), (SELECT id FROM "User" LIMIT 1), %s, %s, %s, '
            "'COMPLETED', NULL, NULL, NULL, to_timestamp(%s), to_timestamp(%s)",
            (completed.payment, intent["amount"], intent["currency"], intent["created"], intent["created"]),
        )
    carried = repair.apply(incident, plan.fingerprint)
    held = {step.key: outcome.detail for step, outcome in carried.results if outcome.word == "withheld"}
    assert set(held) == {returned.key, moved.key, completed.key}
    assert "moved since the plan was made" in held[returned.key]
    assert held[moved.key] == "the address changed since the plan was made"
    assert "moved since the plan was made" in held[completed.key]


@pytest.mark.slow
def test_without_the_tracker_s_program_its_tasks_are_withheld_and_lie_in_a_file(mended, tmp_path, monkeypatch):
    _, incident = mended
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    affected = evidence.affected_payments(incident)
    shown = planning.follow_up_tasks(incident, affected)
    text = (incident.directory / "follow_up_tasks.md").read_text()
    assert all(row["task"] in text and row["in tracker"] == "no" for row in shown.rows)
    assert f"bd create '--title=Add a test that would have caught {incident.id}' --type task --priority 2" in text
    plan = plan_and_approve(incident)
    carried = repair.apply(incident, plan.fingerprint)
    details = {outcome.detail for step, outcome in carried.results if step.kind == "create_task"}
    assert details == {"neither bd nor beads is installed here"}
    assert "task add-test" not in sendings.claimed(incident.journal.entries(*sendings.KINDS)), "it may be tried again"


@pytest.mark.slow
def test_a_mail_host_that_is_away_leaves_all_to_be_sent_later(mended, tracker):
    world, incident = mended
    port, smtp_port = incident.target.messages.smtp_port, 1
    plan = plan_and_approve(incident)
    for wrong in (smtp_port, port):
        messages = msgspec.structs.replace(incident.target.messages, smtp_port=wrong)
        incident.target = msgspec.structs.replace(incident.target, messages=messages)
        carried = repair.apply(incident, plan.fingerprint)
    outcomes = Counter(outcome.word for step, outcome in carried.results if step.kind == "send_mail")
    assert outcomes == {"applied": len(sent(world))}


def test_addresses_are_masked_wherever_they_are_shown_and_whole_in_one_file_of_mode_0600(mended):
    _, incident = mended
    affected = evidence.affected_payments(incident)
    everybody = people.people(incident, affected)
    addresses = {each.address for each in everybody if each.address}
    assert len(addresses) > 10
    planning.keep_people(incident, affected)
    plan = planning.plan_follow_up(incident, affected)
    stages = evidence.recovery_stages(incident, affected)
    planning.report(incident, affected, stages)
    planning.follow_up_tasks(incident, affected)
    summary = planning.summary(incident, affected, stages)
    shown = [str(evidence.affected_people(incident, affected).rows), str(evidence.totals(affected).rows), summary,
             planning.drafts(plan), str([step.sentence for step in plan.steps])]  # fmt: skip
    files = {path: path.read_text() for path in incident.directory.iterdir() if path.is_file()}
    kept = incident.directory / "affected_people.csv"
    for text in (*shown, *(content for path, content in files.items() if path != kept)):
        assert not any(address in text for address in addresses)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    rows = list(csv.DictReader(kept.open(encoding="utf-8")))
    assert {row["address"] for row in rows} >= addresses
    assert len(rows) == len(affected.rows) == len({row["payment"] for row in rows})
    report = files[incident.directory / "post_incident.md"]
    assert "payments on call" in report
    assert "2027-01-31" in report
    assert "| settled directly |" in report
    assert re.search(r"was approved by \S+\n- ", report)


def test_only_the_really_affected_are_affected(mended):
    world, incident = mended
    found = {row["payment"]: row["became"] for row in evidence.affected_payments(incident).rows}
    cures = {"redeliver": RECORDED, "settle": SETTLED, "work_list": LEFT}
    assert found == {one.intent: cures[one.cure] for one in world.truth.affected}


def test_a_formula_is_no_formula_in_the_file():
    from runbook.planning.follow_up import inert

    assert [inert(text) for text in ("=1+1", "+1", "-1", "@x", "\t=1", "\uff1d1", "26.80 EUR", "")] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\t=1", "'\uff1d1", "26.80 EUR", ""]  # fmt: skip
