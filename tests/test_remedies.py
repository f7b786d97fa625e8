"""Each kind of trouble gets the cure that the table says, in the sentences that a person approves."""

from dataclasses import replace

import pytest
from runbook.judgement.remedies import audit, database_rollback, test_payment, undo
from runbook.judgement.remedies.database_rollback import Case
from runbook.plan import Step

CASE = Case(
    events={"pi_1": "evt_1"},
    handled=frozenset(),
    users={"u1": "cus_1"},
    users_mapped=True,
    reversed_={},
    endpoint="we_1",
    completed_word="PAID",
    canceled_words=("GIVEN_UP",),
)
PENDING = {
    "intent_id": "pi_1", "amount_minor": 1234, "currency": "usd", "created_at": 1768478400, "ledger": "PENDING",
    "row_id": "row-1", "row_amount_minor": 1234, "row_currency": "usd", "user_id": "u1", "customer": "cus_1",
}  # fmt: skip
NO_ROW = {**PENDING, "ledger": "no row", "row_id": "", "row_amount_minor": None, "row_currency": None}

REDELIVERED = (
    "Ask Stripe to deliver evt_1 again, so that the service records 12.34 USD of pi_1; "
    "the service has not handled its event."
)


def settled(why, status="PENDING"):
    return (
        f"Set row row-1 (12.34 USD, pi_1) from {status} to PAID; {why}. "
        "The service sends no mail for this: the customer is owed one."
    )


def make(*missing, where="journal", **case):
    return database_rollback.plan(missing, replace(CASE, **case), "practice", "acct_1 + shop", where)


MACHINE = [
    ("a row that waits for its event", PENDING, {}, REDELIVERED),
    ("no row, and a proven owner", NO_ROW, {}, REDELIVERED),
    ("no row, and a user without a customer", NO_ROW, {"users": {"u1": None}}, REDELIVERED),
    ("no row, and a payment without a customer", {**NO_ROW, "customer": ""}, {}, REDELIVERED),
    ("a row without a currency of its own", {**PENDING, "row_currency": None}, {}, REDELIVERED),
    ("a row that failed before the payment succeeded", {**PENDING, "ledger": "FAILED"}, {}, REDELIVERED),
    ("a row, though the target maps no users", PENDING, {"users": {}, "users_mapped": False}, REDELIVERED),
    ("handled events that cannot be read", PENDING, {"events_mapped": False},
     "Ask Stripe to deliver evt_1 again, so that the service records 12.34 USD of pi_1; "
     "whether the service has handled its event is not noted anywhere that we can read."),
    ("an event that the service would skip", PENDING, {"handled": {"evt_1"}},
     settled("the service notes evt_1 as handled and would skip it")),
    ("an event that is gone or too old", PENDING, {"events": {}}, settled("Stripe no longer has its event")),
    ("no endpoint of ours", PENDING, {"endpoint": ""}, settled("no endpoint of ours is enabled")),
    ("a failed row whose event is gone", {**PENDING, "ledger": "FAILED"}, {"events": {}},
     settled("Stripe no longer has its event", "FAILED")),
]  # fmt: skip


@pytest.mark.parametrize(("payment", "case", "sentence"), [row[1:] for row in MACHINE], ids=[row[0] for row in MACHINE])
def test_what_a_machine_may_cure_becomes_one_step_with_this_sentence(payment, case, sentence):
    made = make(payment, **case)
    assert [step.sentence for step in made.steps] == [sentence]
    assert made.work_list == ()
    step = made.steps[0]
    assert (step.payment, step.amount_minor, step.currency) == ("pi_1", 1234, "usd")


BY_HAND = "record it by hand for user u1, who is its owner"
LOOK = "look for the payer; refund it where nobody can be shown to own it"
PERSON = [
    ("no row, and its event is handled", NO_ROW, {"handled": {"evt_1"}},
     "the service notes evt_1 as handled and would skip it", BY_HAND),
    ("no row, and its event is gone", NO_ROW, {"events": {}}, "Stripe no longer has its event", BY_HAND),
    ("no row, and no endpoint", NO_ROW, {"endpoint": ""}, "no endpoint of ours is enabled", BY_HAND),
    ("no row, and no user named", {**NO_ROW, "user_id": ""}, {}, "it names no user", LOOK),
    ("no row, and the user is gone", NO_ROW, {"users": {}}, "the user it names does not exist any more", LOOK),
    ("no row, and another customer", NO_ROW, {"users": {"u1": "cus_2"}},
     "the user it names is another customer at Stripe", LOOK),
    ("no row, and users are not mapped", NO_ROW, {"users": {}, "users_mapped": False},
     "the target file maps no users to prove its owner by", LOOK),
    ("several rows", {**NO_ROW, "ledger": "2 rows"}, {}, "the ledger holds 2 rows for it", "decide which row counts"),
    ("another amount", {**PENDING, "row_amount_minor": 123400}, {},
     "the row says 1,234.00 USD, Stripe took 12.34 USD", "find out which is right"),
    ("another currency", {**PENDING, "row_currency": "jpy"}, {},
     "the row says 1,234 JPY, Stripe took 12.34 USD", "find out which is right"),
    ("an amount that cannot be read", {**PENDING, "row_amount_minor": None}, {},
     "the row says no amount that can be read, Stripe took 12.34 USD", "find out which is right"),
    ("an order that was given up", {**PENDING, "ledger": "GIVEN_UP"}, {},
     "the ledger calls it GIVEN_UP, and Stripe took the money", "ask the customer: refund it, or reinstate the order"),
    ("refunded meanwhile", PENDING, {"reversed_": {"pi_1": "refunded"}},
     "it is refunded at Stripe", "record it as refunded"),
    ("disputed meanwhile, without a row", NO_ROW, {"reversed_": {"pi_1": "disputed"}},
     "it is disputed at Stripe", "record it as disputed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("payment", "case", "reason", "proposal"), [row[1:] for row in PERSON], ids=[row[0] for row in PERSON]
)
def test_what_a_person_must_decide_goes_on_the_work_list_with_a_proposal(payment, case, reason, proposal):
    made = make(payment, **case)
    assert made.steps == ()
    item = made.work_list[0]
    assert (item.payment, item.reason, item.proposal) == ("pi_1", reason, proposal)
    assert (item.amount_minor, item.currency) == (1234, "usd")


@pytest.mark.parametrize("payment", [PENDING, NO_ROW, {**PENDING, "row_amount_minor": 1}])
def test_money_given_back_goes_before_every_other_reason(payment):
    made = make(payment, reversed_={"pi_1": "refunded"}, users={}, handled={"evt_1"})
    assert [item.reason for item in made.work_list] == ["it is refunded at Stripe"]


def test_a_redelivery_names_what_it_waits_for_and_cannot_be_undone():
    step = make(PENDING).steps[0]
    assert (step.kind, step.object_id) == ("redeliver_event", "evt_1")
    assert step.old == {"intent_id": "pi_1", "status": "PENDING"}
    assert step.new == {"intent_id": "pi_1", "status": "PAID", "endpoint": "we_1"}
    assert step.undo == ""
    assert step.no_undo == "a delivery cannot be recalled: the service acts on it, and its mail is sent"


def test_a_settlement_is_guarded_by_the_whole_old_image_and_changes_the_status_alone():
    step = make(PENDING, events={}).steps[0]
    assert (step.kind, step.object_id) == ("update_row", "row-1")
    assert step.old == {"intent_id": "pi_1", "amount": 1234, "status": "PENDING"}
    assert step.new == {**step.old, "status": "PAID"}
    assert step.undo == "set the status back to PENDING, if nobody has changed the row since"
    assert step.no_undo == ""


def payments(count):
    return [{**PENDING, "intent_id": f"pi_{at}", "row_id": f"row-{at}"} for at in range(count)]


def test_redeliveries_come_first_and_oldest_first_so_that_the_oldest_is_the_canary():
    made = make(*payments(4), events={"pi_1": "evt_1", "pi_3": "evt_3"}, where="absent")
    assert [step.object_id for step in made.steps] == ["runbook.audit", "evt_1", "evt_3", "row-0", "row-2"]


def test_the_same_trouble_gives_the_same_plan_and_new_trouble_another():
    assert make(*payments(3)).fingerprint == make(*payments(3)).fingerprint
    assert make(*payments(3)).fingerprint != make(*payments(2)).fingerprint
    elsewhere = database_rollback.plan(payments(3), CASE, "practice", "acct_2 + shop", "journal")
    assert elsewhere.fingerprint != make(*payments(3)).fingerprint


def test_nothing_missing_needs_no_plan():
    made = make()
    assert not made
    assert (made.work_list, made.promises, made.fingerprint) == ((), (), "")


# Where the audit rows go


@pytest.mark.parametrize(
    ("where", "kinds", "promises"),
    [
        ("journal", ["update_row"], (audit.IN_JOURNAL,)),
        ("present", ["update_row"], (audit.IN_LEDGER,)),
        ("absent", ["create_audit", "update_row"], (audit.IN_LEDGER,)),
    ],
)
def test_the_plan_says_where_the_audit_goes_before_anybody_approves(where, kinds, promises):
    made = make(PENDING, where=where, events={})
    assert [step.kind for step in made.steps] == kinds
    assert made.promises == promises


@pytest.mark.parametrize("where", ["journal", "present", "absent"])
def test_a_plan_that_changes_no_row_needs_no_audit_table_and_promises_none(where):
    made = make(PENDING, where=where)
    assert [step.kind for step in made.steps] == ["redeliver_event"]
    assert made.promises == ()


def test_the_audit_table_is_a_step_that_stays():
    step = audit.create_table()
    assert step.sentence == "Create the schema runbook with the table audit in the ledger's database."
    assert (step.undo, step.no_undo) == ("", "the audit table stays, because it holds what happened")


# Verification's own payment


def test_a_test_payment_is_made_once_per_incident():
    made = test_payment.plan("inc-1", "practice", "acct_1 + shop", "pm_1", "PAID")
    step = made.steps[0]
    assert step.sentence == (
        "Make one test payment of 1.37 USD through the service as order runbook-test-inc-1, "
        "and wait for its webhook to complete the row."
    )
    assert step.no_undo == "a payment cannot be unmade; it stays in both sides' books as what it is"
    assert made.amounts_minor == {"usd": 137}
    assert made.fingerprint == test_payment.plan("inc-1", "practice", "acct_1 + shop", "pm_1", "PAID").fingerprint
    other = test_payment.plan("inc-2", "practice", "acct_1 + shop", "pm_1", "PAID")
    assert step.key != other.steps[0].key


@pytest.mark.parametrize(
    ("environment", "mode", "allowed"),
    [
        ("practice", "live", True), ("practice", "test", True), ("staging", "test", True), ("staging", "live", False),
        ("production", "live", False),
    ],
)  # fmt: skip
def test_a_live_target_never_gets_a_test_payment(environment, mode, allowed):
    assert test_payment.allowed(environment, mode) is allowed


# Taking back what was applied


def test_undo_swaps_the_images_last_first_and_names_the_plan_it_takes_back():
    done = make(*payments(3), events={}, where="journal")
    back = undo.plan(done, done.steps)
    assert [step.object_id for step in back.steps] == ["row-2", "row-1", "row-0"]
    assert back.undoes == done.fingerprint
    assert back.fingerprint not in ("", done.fingerprint)
    assert (back.target, back.identity, back.notebook) == (done.target, done.identity, done.notebook)
    for step, original in zip(back.steps, reversed(done.steps), strict=True):
        assert (step.old, step.new) == (original.new, original.old)
        assert step.key != original.key
    assert back.steps[0].sentence == (
        "Take back row row-2: set the status back to PENDING, if nobody has changed the row since."
    )


def test_undo_lists_what_cannot_be_undone_and_does_not_offer_it():
    done = make(*payments(2), events={"pi_1": "evt_1"}, where="absent")
    assert [step.kind for step in done.steps] == ["create_audit", "redeliver_event", "update_row"]
    back = undo.plan(done, done.steps)
    assert [step.object_id for step in back.steps] == ["row-0"]
    assert [(item.payment, item.reason, item.proposal) for item in back.work_list] == [
        ("runbook.audit", "cannot be undone: the audit table stays, because it holds what happened", "leave it"),
        ("pi_1", f"cannot be undone: {database_rollback.DELIVERED}",
         "leave it; giving money back would be a decision of its own"),
    ]  # fmt: skip


def test_only_what_was_applied_is_taken_back():
    done = make(*payments(3), events={}, where="journal")
    assert [step.object_id for step in undo.plan(done, done.steps[1:2]).steps] == ["row-1"]
    assert not undo.plan(done, ())


def test_an_undo_says_that_it_is_final():
    done = make(PENDING, events={})
    step = undo.plan(done, done.steps).steps[0]
    assert step.undo == ""
    assert step.no_undo == undo.TAKEN_BACK


def test_no_remedy_offers_an_undo_and_denies_it_at_once():
    made = [*make(*payments(2), events={"pi_1": "evt_1"}, where="absent").steps,
            *test_payment.plan("inc-1", "t", "i", "pm", "PAID").steps]  # fmt: skip
    assert all(isinstance(step, Step) and bool(step.undo) != bool(step.no_undo) for step in made)
