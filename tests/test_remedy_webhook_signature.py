"""Scenario B's table of cures, row by row, as the text that a person reads."""

import pytest
from runbook.judgement.endpoints import endpoint_to_repair
from runbook.judgement.mechanisms import MECHANISMS
from runbook.judgement.remedies import webhook_signature
from runbook.judgement.remedies.database_rollback import Case
from runbook.judgement.remedies.webhook_signature import Cure
from runbook.plan import Step

URL = "https://shop.example/api/webhooks/stripe"
MISSING = [
    {"intent_id": f"pi_{number}", "row_id": f"row-{number}", "ledger": "PENDING", "amount_minor": 1234,
     "currency": "usd", "row_amount_minor": 1234, "row_currency": "usd", "user_id": "u1", "customer": "cus_1",
     "created_at": number, "row_updated": None}
    for number in (1, 2)
]  # fmt: skip
SECRET = Step("set_variable", "shop-api STRIPE_WEBHOOK_SECRET", "Set it.", {}, {}, required=True)


def endpoint(**changes):
    return {"id": "we_1", "url": URL, "status": "enabled", "enabled_events": ["payment_intent.succeeded"]} | changes


def case(**changes):
    found = {"events": {"pi_1": "evt_1", "pi_2": "evt_2"}, "handled": (), "users": {"u1": "cus_1"},
             "users_mapped": True, "reversed_": {}, "endpoint": "we_1", "completed_word": "COMPLETED"}  # fmt: skip
    return Case(**(found | changes))


def plan(*mechanisms, missing=MISSING, endpoints=(), known=None, **cure):
    made = Cure(mechanisms, URL, tuple(endpoints), **cure)
    return webhook_signature.plan(made, missing, known or case(), "t", "acct + db", "journal")


def test_a_secret_comes_first_and_the_oldest_payment_is_its_proof():
    made = plan("wrong_secret", "secret_of_another_endpoint", new_secret=(SECRET,))
    assert [(step.kind, step.payment) for step in made.steps] == [
        ("set_variable", ""), ("redeliver_event", "pi_1"), ("redeliver_event", "pi_2")
    ]  # fmt: skip
    assert made.promises[0].startswith("Only a delivery by Stripe proves a secret")
    assert made.work_list == ()


def test_without_a_secret_nothing_is_delivered():
    made = plan("rolled_secret", no_secret="A new webhook secret is needed.")
    assert not made
    assert [(item.reason, item.proposal.split(";")[0]) for item in made.work_list] == [
        ("A new webhook secret is needed.",
         "set the endpoint's signing secret from the Dashboard through the deployment, and redeploy")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "sentence", "undo"),
    [
        (endpoint(status="disabled"), "Change endpoint we_1 at Stripe: enable it. Its secret stays what it is.",
         "set status back, if nobody has changed it since"),
        (endpoint(url="https://shop.example/hook"),
         "Change endpoint we_1 at Stripe: its URL from /hook to /api/webhooks/stripe. Its secret stays what it is.",
         "set url back, if nobody has changed it since"),
        (endpoint(enabled_events=["charge.refunded"]),
         "Change endpoint we_1 at Stripe: add payment_intent.succeeded to its events. Its secret stays what it is.",
         "set enabled_events back, if nobody has changed it since"),
    ],
)  # fmt: skip
def test_an_endpoint_is_changed_no_more_than_it_needs(found, sentence, undo):
    made = plan("not_subscribed", endpoints=[found], known=case(endpoint=""))
    step = made.steps[0]
    assert (step.sentence, step.undo, step.required) == (sentence, undo, True)
    assert [step.new.get("endpoint") for step in made.steps[1:]] == ["we_1", "we_1"], "it is good by then"


def test_which_of_several_endpoints_is_ours_is_not_guessed():
    elsewhere = [endpoint(id="we_2", url="https://a.example/x"), endpoint(id="we_3", url="https://b.example/x")]
    assert endpoint_to_repair(elsewhere, URL) is None
    made = plan("wrong_url", endpoints=elsewhere)
    assert not made
    assert made.work_list[0].reason == "which endpoint at Stripe is meant to be ours cannot be told"
    near = endpoint(id="we_4", url="https://shop.example/hook")
    assert endpoint_to_repair([*elsewhere, near], URL) == near


@pytest.mark.parametrize("mechanism", [name for name, each in MECHANISMS.items() if each.by == "person"])
def test_what_only_a_person_can_cure_has_no_step(mechanism):
    made = plan(mechanism)
    assert not made
    assert made.work_list[0].proposal.startswith(MECHANISMS[mechanism].cure)


def test_what_stripe_no_longer_has_is_settled_after_the_cure():
    made = plan("wrong_secret", new_secret=(SECRET,), known=case(events={"pi_2": "evt_2"}))
    assert [step.kind for step in made.steps] == ["set_variable", "redeliver_event", "update_row"]


def test_once_nothing_stands_in_the_way_only_what_is_missing_is_told():
    assert [step.kind for step in plan().steps] == ["redeliver_event", "redeliver_event"]
    assert not plan(missing=[])
