"""The unmodified stripe SDK against the practice gateway: payments, lists, errors."""

import pytest
import stripe

from practice.wires.gateway import Gateway, ordinary_number

CARD = {"type": "card", "card": {"number": ordinary_number("test"), "exp_month": 12, "exp_year": 2030}}


@pytest.fixture(scope="module")
def gateway():
    stripe.enable_telemetry = False
    gateway = Gateway(7, validate=True, retry_delays_seconds=(0.05, 0.1))
    gateway.start()
    yield gateway
    gateway.stop()
    assert gateway.violations == []


@pytest.fixture()
def client(gateway):
    return stripe.StripeClient(gateway.keys["live"].secret, base_addresses={"api": gateway.url})


def test_a_payment_leaves_a_charge_a_fee_and_events(client):
    method = client.v1.payment_methods.create(CARD)
    intent = client.v1.payment_intents.create({
        "amount": 49_99, "currency": "eur", "payment_method": method.id, "confirm": True,
        "metadata": {"orderId": "o-1"}, "expand": ["latest_charge.balance_transaction"]})
    assert (intent.status, intent.amount_received, intent.livemode) == ("succeeded", 49_99, True)
    assert intent.latest_charge.metadata["orderId"] == "o-1"
    assert intent.latest_charge.balance_transaction.net == 49_99 - intent.latest_charge.balance_transaction.fee
    told = client.v1.events.list({"limit": 3}).data
    assert [event.type for event in told] == ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]
    assert told[0].request.id.startswith("req_")
    assert told[0].request.idempotency_key


def test_a_decline_is_a_card_error_that_names_the_intent(gateway, client):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as refusal:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refusal.value.error.decline_code == "live_mode_test_card"
    assert refusal.value.error.payment_intent.id == intent.id
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"
