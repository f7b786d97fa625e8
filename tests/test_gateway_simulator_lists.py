"""Cursor lists of the practice gateway, walked by the unmodified SDK; and two thousand payments of history."""

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from practice.wires.gateway import Gateway, ordinary_number
from practice.wires.gateway.lists import equal_filter, page
from practice.wires.gateway.table import Table

START = 1_800_000_000
PAYMENTS = 130
CARD = {"type": "card", "card": {"number": ordinary_number("lists")}}


@pytest.fixture(scope="module")
def gateway():
    """History made out of order, two payments a minute apart from the next two; every fifth is declined."""
    stripe.enable_telemetry = False
    gateway = Gateway(2, clock=lambda: START + 86_400.0)
    mode = gateway.engine.mode("live")
    with gateway.engine.at(START - 60):
        mode.create_webhook_endpoint({"url": "http://127.0.0.1:9/", "enabled_events": ["payment_intent.succeeded"]})
        method = mode.create_payment_method(CARD)["id"]
        customer = mode.create_customer({"email": "a@example.org"})["id"]
    for number in (*range(100, PAYMENTS), *range(100)):
        at = START + number // 2 * 60
        with gateway.engine.at(at, "pending" if number % 10 == 1 else "delivered"):
            intent = mode.create_payment_intent({"amount": 1000 + number, "currency": "usd",
                                                 **({"customer": customer} if number < 7 else {})})
            mode.confirm(intent["id"], {"payment_method": method}, decline="do_not_honor" if number % 5 == 0 else None)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def v1(gateway):
    return stripe.StripeClient(gateway.keys["live"].read_only, base_addresses={"api": gateway.url}).v1


def amounts(items):
    return [item.amount for item in items]


def test_a_page_is_ten_newest_first(v1):
    first = v1.payment_intents.list()
    assert (len(first.data), first.has_more, first.url) == (10, True, "/v1/payment_intents")
    created = [intent.created for intent in first.data]
    assert created == sorted(created, reverse=True)
    assert created[0] == START + (PAYMENTS - 1) // 2 * 60


def test_walking_forward_meets_every_object_once(v1):
    met = amounts(v1.payment_intents.list({"limit": 100}).auto_paging_iter())
    assert sorted(met) == [1000 + number for number in range(PAYMENTS)]
    assert met == amounts(v1.payment_intents.list({"limit": 7}).auto_paging_iter())


def test_walking_backward_meets_the_same_from_the_other_end(v1):
    forward = [charge.id for charge in v1.charges.list({"limit": 100}).auto_paging_iter()]
    backward = [charge.id for charge in v1.charges.list({"limit": 40, "ending_before": forward[-1]}).auto_paging_iter()]
    assert backward == forward[-2::-1]


def test_the_page_before_a_cursor_is_the_nearest_one(v1):
    ids = [charge.id for charge in v1.charges.list({"limit": 20}).data]
    before = v1.charges.list({"limit": 5, "ending_before": ids[12]})
    assert [charge.id for charge in before.data] == ids[7:12]
    assert before.has_more


@pytest.mark.parametrize(("created", "count"), [
    (START, 2), ({"gte": START, "lt": START + 60}, 2), ({"gt": START, "lte": START + 60}, 2),
    ({"gte": START + 60, "lte": START + 120}, 4), ({"gt": START + 86_400}, 0), ({"lt": START}, 0),
])
def test_creation_is_a_second_or_bounds(v1, created, count):
    assert len(v1.charges.list({"created": created, "limit": 100}).data) == count


def test_a_walk_keeps_to_its_window(v1):
    window = {"gte": START + 600, "lt": START + 1800}
    met = list(v1.payment_intents.list({"created": window, "limit": 3}).auto_paging_iter())
    assert len(met) == 40
    assert {window["gte"] <= intent.created < window["lt"] for intent in met} == {True}


def test_filters_by_what_an_object_belongs_to(v1):
    mine = v1.payment_intents.list({"customer": v1.customers.list().data[0].id, "limit": 100}).data
    assert sorted(amounts(mine)) == [1000 + number for number in range(7)]
    [charge] = v1.charges.list({"payment_intent": mine[-2].id}).data
    assert charge.id == mine[-2].latest_charge
    [entry] = v1.balance_transactions.list({"source": charge.id, "type": "charge"}).data
    assert entry.id == charge.balance_transaction


def test_events_by_type_and_by_delivery(v1):
    failed = list(v1.events.list({"type": "charge.failed", "limit": 100}).auto_paging_iter())
    assert len(failed) == PAYMENTS // 5
    several = v1.events.list({"types": ["charge.failed", "payment_intent.payment_failed"], "limit": 100})
    assert {event.type for event in several.data} == {"charge.failed", "payment_intent.payment_failed"}
    assert {event.type for event in v1.events.list({"type": "charge.*", "limit": 50}).data} \
        == {"charge.failed", "charge.succeeded"}
    undelivered = list(v1.events.list({"delivery_success": False, "limit": 100}).auto_paging_iter())
    assert len(undelivered) == PAYMENTS // 10
    assert {(event.type, event.pending_webhooks) for event in undelivered} == {("payment_intent.succeeded", 1)}


def test_undelivered_events_are_walked_from_the_oldest_as_stripe_advises(v1):
    oldest = v1.events.list({"limit": 100})
    *_, last = oldest.auto_paging_iter()
    met = list(v1.events.list({"ending_before": last.id, "types": ["payment_intent.succeeded"],
                               "delivery_success": False}).auto_paging_iter())
    assert [event.created for event in met] == sorted(event.created for event in met)
    assert len(met) == PAYMENTS // 10


def test_lists_expand_what_they_name(v1):
    found = v1.payment_intents.list({"limit": 3, "expand": ["data.latest_charge.balance_transaction", "data.customer",
                                                            "data.payment_method"]}).data
    assert found[0].latest_charge.payment_intent == found[0].id
    assert found[0].latest_charge.balance_transaction.source == found[0].latest_charge.id
    assert found[0].payment_method.object == "payment_method"
    [charge] = v1.charges.list({"limit": 1, "expand": ["data.payment_intent"]}).data
    assert charge.payment_intent.latest_charge == charge.id


def test_the_world_settles_what_an_event_came_to(gateway, v1):
    mode = gateway.engine.mode("live")
    event = v1.events.list({"delivery_success": False, "limit": 1}).data[0].id
    mode.set_delivery(event, "delivered")
    assert v1.events.retrieve(event).pending_webhooks == 0
    mode.set_delivery(event, "pending")
    assert v1.events.retrieve(event).pending_webhooks == 1


def test_events_can_be_read_for_thirty_days():
    now = [float(START)]
    gateway = Gateway(4, clock=lambda: now[0])
    mode = gateway.engine.mode("live")
    customer = mode.create_customer({})
    [event] = mode.events()
    now[0] += 30 * 86_400
    assert mode.retrieve("event", event["id"])["id"] == event["id"]
    now[0] += 1
    assert mode.listing("event", {})["data"] == []
    assert mode.retrieve("customer", customer["id"])["id"] == customer["id"]
    assert len(mode.events()) == 1, "the world still knows"


def test_history_is_the_same_from_the_same_seed():
    def told(seed):
        gateway = Gateway(seed, clock=lambda: START)
        mode = gateway.engine.mode("live")
        with gateway.engine.at(START - 100, "none"):
            method = mode.create_payment_method(CARD)["id"]
            for amount in range(500, 520):
                mode.retrieve("payment_method", method)
                mode.confirm(mode.create_payment_intent({"amount": amount, "currency": "usd"})["id"],
                             {"payment_method": method})
        return mode.events()

    assert told(1) == told(1)
    assert told(1)[0]["id"] != told(2)[0]["id"]


def test_two_thousand_payments_are_history():
    gateway = Gateway(1)
    mode = gateway.engine.mode("live")
    method = mode.create_payment_method(CARD)["id"]
    for number in range(2_000):
        with gateway.engine.at(START + number):
            mode.confirm(mode.create_payment_intent({"amount": 1000, "currency": "usd"})["id"],
                         {"payment_method": method})
    assert [len(mode.tables[kind]) for kind in ("payment_intent", "charge", "balance_transaction", "event")] \
        == [2_000, 2_000, 2_000, 6_000]


def test_what_is_returned_is_the_callers_own():
    mode = Gateway(1).engine.mode("live")
    metadata = {"order": "1"}
    intent = mode.create_payment_intent({"amount": 1000, "currency": "usd", "metadata": metadata})
    intent["metadata"]["order"] = metadata["order"] = "2"
    intent["status"] = "succeeded"
    kept = mode.retrieve("payment_intent", intent["id"])
    assert (kept["metadata"], kept["status"]) == ({"order": "1"}, "requires_payment_method")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 7), st.integers(0, 5), st.integers(0, 5))
def test_pages_partition_any_table_both_ways(times, limit, earliest, latest):
    """Whatever was created when: pages of any size, in both directions, hold each object of the window once."""
    table = Table("thing")
    for number, created in enumerate(times):
        table.add({"id": f"t_{number}", "created": created})
    window = {"limit": limit, "created": {"gte": earliest, "lte": latest}}
    wanted = [f"t_{number}" for created, number in
              sorted(((created, number) for number, created in enumerate(times)), reverse=True)
              if earliest <= created <= latest]

    def walk(cursor, pick):
        met, params = [], dict(window)
        while True:
            got = page(table, "/v1/things", params, equal_filter({}))
            ids = [item["id"] for item in got["data"]]
            met.append(ids)
            if not got["has_more"]:
                return met
            params[cursor] = pick(ids)

    assert [id for ids in walk("starting_after", lambda ids: ids[-1]) for id in ids] == wanted
    if wanted:
        window["ending_before"] = wanted[-1]
        back = walk("ending_before", lambda ids: ids[0])
        assert [id for ids in reversed(back) for id in ids] == wanted[:-1]
