"""Payments at the practice gateway, made by the unmodified stripe SDK: from intent to charge, refund and books."""

import pytest
import stripe
from practice.wires.gateway import ApiError, Gateway, ordinary_number

CARD = {"type": "card", "card": {"number": ordinary_number("test"), "exp_month": 12, "exp_year": 2030}}


@pytest.fixture(scope="module")
def gateway():
    stripe.enable_telemetry = False
    gateway = Gateway(7, validate=True)
    gateway.start()
    yield gateway
    gateway.stop()
    assert gateway.violations == []


@pytest.fixture
def live(gateway):
    return stripe.StripeClient(gateway.keys["live"].secret, base_addresses={"api": gateway.url})


@pytest.fixture
def test(gateway):
    return stripe.StripeClient(gateway.keys["test"].secret, base_addresses={"api": gateway.url})


def types(client, count):
    return [event.type for event in client.v1.events.list({"limit": count}).data]


def test_a_payment_leaves_a_charge_a_fee_and_events(live):
    method = live.v1.payment_methods.create(CARD)
    intent = live.v1.payment_intents.create({
        "amount": 49_99, "currency": "eur", "payment_method": method.id, "confirm": True,
        "metadata": {"orderId": "o-1"}, "expand": ["latest_charge.balance_transaction"]})
    assert (intent.status, intent.amount_received, intent.livemode) == ("succeeded", 49_99, True)
    assert intent.latest_charge.metadata["orderId"] == "o-1"
    entry = intent.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net) == (49_99, 1_75, 48_24)
    assert types(live, 3) == ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]


def test_events_of_one_request_name_it_and_its_idempotency_key(live):
    live.v1.payment_intents.create({"amount": 500, "currency": "usd", "confirm": True,
                                    "payment_method": live.v1.payment_methods.create(CARD).id},
                                   {"idempotency_key": "order-77"})
    told = live.v1.events.list({"limit": 3}).data
    assert {event.request.idempotency_key for event in told} == {"order-77"}
    assert len({event.request.id for event in told}) == 1
    assert told[0].api_version == stripe.api_version


def test_an_event_shows_the_object_as_it_was_then(live):
    intent = live.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    live.v1.payment_intents.update(intent.id, {"amount": 700})
    created = live.v1.events.list({"type": "payment_intent.created", "limit": 1}).data[0]
    assert (created.data.object["id"], created.data.object["amount"]) == (intent.id, 500)


def test_a_published_test_card_is_declined_in_live_mode(live):
    intent = live.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as refusal:
        live.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    error = refusal.value.error
    assert (error.code, error.decline_code) == ("card_declined", "live_mode_test_card")
    assert error.payment_intent.id == intent.id
    after = live.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert after.status == "requires_payment_method"
    assert after.last_payment_error.charge == after.latest_charge.id
    assert (after.latest_charge.status, after.latest_charge.paid) == ("failed", False)
    assert types(live, 2) == ["payment_intent.payment_failed", "charge.failed"]


def test_a_real_card_is_declined_in_test_mode(test):
    intent = test.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as refusal:
        test.v1.payment_intents.confirm(intent.id, {"payment_method": test.v1.payment_methods.create(CARD).id})
    assert (refusal.value.error.code, refusal.value.error.decline_code) == ("card_declined", "test_mode_live_card")
    assert refusal.value.error.payment_intent.livemode is False


@pytest.mark.parametrize(("name", "code", "decline_code"), [
    ("chargeDeclined", "card_declined", "generic_decline"),
    ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("chargeDeclinedProcessingError", "processing_error", "processing_error"),
])
def test_test_cards_do_what_is_published_of_them(test, name, code, decline_code):
    with pytest.raises(stripe.CardError) as refusal:
        test.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True,
                                        "payment_method": f"pm_card_{name}"})
    assert (refusal.value.code, refusal.value.error.decline_code) == (code, decline_code)


def test_a_test_card_succeeds_in_test_mode_and_by_its_number(test):
    method = test.v1.payment_methods.create({"type": "card", "card": {"number": "4242 4242 4242 4242", "exp_month": 1,
                                                                      "exp_year": 2031}})
    intent = test.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True,
                                             "payment_method": method.id})
    assert (intent.status, intent.livemode, method.card.last4) == ("succeeded", False, "4242")


def test_a_number_that_is_none_is_refused(test):
    with pytest.raises(stripe.CardError) as refusal:
        test.v1.payment_methods.create({"type": "card", "card": {"number": "4242424242424241"}})
    assert refusal.value.code == "incorrect_number"


def test_the_customer_is_asked_to_authenticate(gateway, test):
    intent = test.v1.payment_intents.create({
        "amount": 1000, "currency": "usd", "payment_method": "pm_card_authenticationRequired", "confirm": True,
        "return_url": "https://shop.example/back"})
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert gateway.engine.mode("test").complete_authentication(intent.id)["status"] == "succeeded"


def test_without_the_customer_authentication_is_a_decline(test):
    with pytest.raises(stripe.CardError) as refusal:
        test.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True, "off_session": True,
                                        "payment_method": "pm_card_authenticationRequired"})
    assert refusal.value.code == "authentication_required"


def test_a_customer_who_fails_to_authenticate_leaves_no_charge(gateway, test):
    intent = test.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True,
                                             "payment_method": "pm_card_threeDSecure2Required"})
    after = gateway.engine.mode("test").complete_authentication(intent.id, succeeded=False)
    assert (after["status"], after["latest_charge"]) == ("requires_payment_method", None)
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"


def test_what_is_authorized_can_be_captured_in_part_and_refunded_to_the_last_cent(live):
    intent = live.v1.payment_intents.create({"amount": 1000, "currency": "usd", "capture_method": "manual",
                                             "payment_method": live.v1.payment_methods.create(CARD).id,
                                             "confirm": True})
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)
    intent = live.v1.payment_intents.capture(intent.id, {"amount_to_capture": 600})
    assert (intent.status, intent.amount_received) == ("succeeded", 600)
    assert live.v1.charges.retrieve(intent.latest_charge).amount_refunded == 400
    live.v1.refunds.create({"payment_intent": intent.id, "amount": 250})
    assert live.v1.refunds.create({"charge": intent.latest_charge}).amount == 350
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        live.v1.refunds.create({"charge": intent.latest_charge})
    assert refusal.value.code == "charge_already_refunded"
    charge = live.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, len(charge.refunds.data)) == (True, 2)


def test_a_canceled_intent_stays_so(live):
    intent = live.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    assert live.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    for act in (live.v1.payment_intents.cancel, live.v1.payment_intents.confirm, live.v1.payment_intents.capture):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            act(intent.id)
        assert refusal.value.code == "payment_intent_unexpected_state"
        assert refusal.value.error.payment_intent.status == "canceled"


def test_an_intent_is_charged_once(live):
    intent = live.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True,
                                             "payment_method": live.v1.payment_methods.create(CARD).id})
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        live.v1.payment_intents.confirm(intent.id)
    assert len(live.v1.charges.list({"payment_intent": intent.id}).data) == 1


@pytest.mark.parametrize(("amount", "currency", "code"), [
    (50, "jpy", None), (49, "usd", "amount_too_small"), (100_000_000, "usd", "amount_too_large"),
    (1000, "kwd", None), (1005, "kwd", ""), (500, "xyz", ""), (0, "usd", "parameter_invalid_integer"),
    (249, "dkk", "amount_too_small"),
])
def test_amounts_are_counted_in_the_smallest_unit_of_their_currency(live, amount, currency, code):
    if code is None:
        assert live.v1.payment_intents.create({"amount": amount, "currency": currency.upper()}).currency == currency
        return
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        live.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert (refusal.value.code or "") == code


def test_a_yen_is_a_yen_in_the_books(live):
    intent = live.v1.payment_intents.create({"amount": 3000, "currency": "jpy", "confirm": True,
                                             "payment_method": live.v1.payment_methods.create(CARD).id,
                                             "expand": ["latest_charge.balance_transaction"]})
    entry = intent.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.currency) == (3000, 127, "jpy")


def test_the_balance_is_the_sum_of_the_books():
    now = [1_800_000_000.0]
    gateway = Gateway(3, clock=lambda: now[0])
    mode = gateway.engine.mode("live")
    method = mode.create_payment_method(CARD)["id"]
    intent = mode.create_payment_intent({"amount": 10_000, "currency": "usd"})
    charge = mode.confirm(intent["id"], {"payment_method": method})["latest_charge"]
    mode.create_refund({"charge": charge, "amount": 2_000})
    [available], [pending] = mode.balance()["available"], mode.balance()["pending"]
    assert (available["amount"], pending["amount"]) == (0, 10_000 - 320 - 2_000)
    now[0] += 3 * 86_400
    assert mode.balance()["available"][0]["amount"] == 7_680
    payout = mode.create_payout("usd")
    assert (payout["amount"], mode.balance()["available"][0]["amount"]) == (7_680, 0)
    assert len(mode.listing("balance_transaction", {"payout": payout["id"]})["data"]) == 3
    assert mode.create_payout("usd") is None
    assert mode.finish_payout(payout["id"])["status"] == "paid"


def test_a_dispute_takes_the_money_and_bars_a_refund(gateway, live):
    mode = gateway.engine.mode("live")
    intent = live.v1.payment_intents.create({"amount": 1000, "currency": "usd", "confirm": True,
                                             "payment_method": live.v1.payment_methods.create(CARD).id})
    dispute = mode.create_dispute(intent.latest_charge, reason="product_not_received")
    assert live.v1.charges.retrieve(intent.latest_charge).disputed
    assert live.v1.disputes.list({"payment_intent": intent.id}).data[0].id == dispute["id"]
    opened = live.v1.events.list({"type": "charge.dispute.created", "limit": 1}).data[0]
    assert opened.request.id is None, "Stripe acted of its own accord"
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        live.v1.refunds.create({"payment_intent": intent.id})
    assert mode.decide_dispute(dispute["id"], won=True)["status"] == "won"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        live.v1.disputes.close(dispute["id"])


def test_customers_are_changed_and_found_by_email(live):
    customer = live.v1.customers.create({"email": "anna@example.org", "metadata": {"a": "1", "b": "2"}})
    changed = live.v1.customers.update(customer.id, {"name": "Anna", "metadata": {"a": "", "c": "3"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Anna", {"b": "2", "c": "3"})
    told = live.v1.events.list({"type": "customer.updated", "limit": 1}).data[0]
    assert told.data.previous_attributes["name"] is None
    assert [found.id for found in live.v1.customers.list({"email": "anna@example.org"}).data] == [customer.id]
    assert live.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


def test_a_card_belongs_to_one_customer(live):
    one, other = live.v1.customers.create({}), live.v1.customers.create({})
    method = live.v1.payment_methods.create(CARD)
    live.v1.payment_methods.attach(method.id, {"customer": one.id})
    assert [found.id for found in live.v1.payment_methods.list({"customer": one.id}).data] == [method.id]
    with pytest.raises(stripe.InvalidRequestError):
        live.v1.payment_methods.attach(method.id, {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError):
        live.v1.payment_intents.create({"amount": 1000, "currency": "usd", "customer": other.id,
                                        "payment_method": method.id})
    assert live.v1.payment_methods.detach(method.id).customer is None


def test_a_decline_asked_for_is_returned_and_any_other_is_raised(gateway):
    mode = gateway.engine.mode("live")
    method = mode.create_payment_method(CARD)["id"]
    intent = mode.create_payment_intent({"amount": 1000, "currency": "usd"})["id"]
    refused = mode.confirm(intent, {"payment_method": method}, decline="insufficient_funds")
    assert refused["last_payment_error"]["decline_code"] == "insufficient_funds"
    with pytest.raises(ValueError, match="no card is declined with"):
        mode.confirm(intent, {"payment_method": method}, decline="bad_mood")
    with pytest.raises(ApiError) as refusal:
        mode.confirm(intent, {"payment_method": "pm_card_visa"})
    assert refusal.value.status == 402
    assert mode.confirm(intent, {"payment_method": method})["status"] == "succeeded"


def test_what_the_simulator_does_not_model_it_refuses(live):
    with pytest.raises(stripe.InvalidRequestError, match="does not model: application_fee_amount"):
        live.v1.payment_intents.create({"amount": 1000, "currency": "usd", "application_fee_amount": 10})
