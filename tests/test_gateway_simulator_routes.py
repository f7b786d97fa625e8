"""Every call that the gateway serves, made by the unmodified SDK, its answer held against every description we have."""

import json
import re
from pathlib import Path

import pytest
import stripe
from jsonschema import Draft202012Validator
from practice.wires.gateway import Gateway, ordinary_number, routes
from practice.wires.gateway.bodies import Bodies
from practice.wires.gateway.routing import ROUTES

SHARED = Path(__file__).parents[2] / "shared" / "stripe"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="Stripe's files are not beside this checkout")
NUMBER = ordinary_number("routes")
KINDS = ("balance_transaction", "charge", "customer", "dispute", "event", "payment_intent", "payment_method", "payout",
         "refund", "webhook_endpoint")

# Fields of Stripe's fixtures that an ordinary answer does not carry, with the reason.
ABSENT = {
    "charge": {"refunds"},                    # only where it is expanded
    "balance": {"connect_reserved"},          # platforms only
    "refund": {"customer", "customer_account", "payment_method"},  # refunds that are no card refund
}

# It knows nothing of the resend call, and has no shape of its own for what was deleted.
DESCRIBED = [route for route in ROUTES if "retry" not in route.path and route.method != "DELETE"]


class Tour:
    """One visit to every route. `answers` holds the body of each, as the wire carried it."""

    def __init__(self, gateway: Gateway) -> None:
        self.answers: dict[str, dict] = {}
        self.mode = gateway.engine.mode("live")
        self.client = stripe.StripeClient(gateway.keys["live"].secret, base_addresses={"api": gateway.url})
        self._prepare(gateway)
        self._write()
        self._read()

    def saw(self, route: str, answer):
        response = getattr(answer, "last_response", None) or answer
        body = getattr(response, "body", None) or response.data
        self.answers[route] = json.loads(body) if isinstance(body, (str, bytes)) else body
        return answer

    def _prepare(self, gateway: Gateway) -> None:
        """What the wire cannot make: an old payment that was disputed and one that was paid out."""
        method = self.mode.create_payment_method({"type": "card", "card": {"number": NUMBER}})["id"]
        with gateway.engine.at(gateway.engine.wall - 5 * 86_400):
            for _ in range(2):
                intent = self.mode.create_payment_intent({"amount": 5_000, "currency": "usd"})
                charge = self.mode.confirm(intent["id"], {"payment_method": method})["latest_charge"]
        self.dispute = self.mode.create_dispute(charge)["id"]
        self.payout = self.mode.create_payout("usd")["id"]

    def _write(self) -> None:
        saw, v1 = self.saw, self.client.v1
        customer = saw("POST /v1/customers", v1.customers.create({"email": "a@example.org", "metadata": {"u": "1"}}))
        saw("POST /v1/customers/{id}", v1.customers.update(customer.id, {"name": "A. Customer"}))
        method = saw("POST /v1/payment_methods", v1.payment_methods.create({
            "type": "card", "card": {"number": NUMBER, "exp_month": 1, "exp_year": 2031, "cvc": "123"}}))
        saw("POST /v1/payment_methods/{id}/attach", v1.payment_methods.attach(method.id, {"customer": customer.id}))
        intent = saw("POST /v1/payment_intents", v1.payment_intents.create({
            "amount": 1_000, "currency": "usd", "customer": customer.id, "capture_method": "manual"}))
        saw("POST /v1/payment_intents/{id}", v1.payment_intents.update(intent.id, {"amount": 1_200}))
        saw("POST /v1/payment_intents/{id}/confirm",
            v1.payment_intents.confirm(intent.id, {"payment_method": method.id}))
        saw("POST /v1/payment_intents/{id}/capture",
            v1.payment_intents.capture(intent.id, {"amount_to_capture": 1_100}))
        saw("POST /v1/refunds", v1.refunds.create({"payment_intent": intent.id, "amount": 100}))
        held = v1.payment_intents.create({"amount": 900, "currency": "usd", "customer": customer.id, "confirm": True,
                                          "payment_method": method.id, "capture_method": "manual"})
        saw("POST /v1/charges/{id}/capture", v1.charges.capture(held.latest_charge))
        given_up = v1.payment_intents.create({"amount": 900, "currency": "usd"})
        saw("POST /v1/payment_intents/{id}/cancel",
            v1.payment_intents.cancel(given_up.id, {"cancellation_reason": "abandoned"}))
        saw("POST /v1/payment_methods/{id}/detach", v1.payment_methods.detach(method.id))
        saw("POST /v1/disputes/{id}/close", v1.disputes.close(self.dispute))
        # Disabled at once: a tour delivers nothing.
        endpoint = saw("POST /v1/webhook_endpoints", v1.webhook_endpoints.create({
            "url": "http://127.0.0.1:9/", "enabled_events": ["customer.created"]}))
        event = v1.events.list({"type": "customer.created"}).data[0]
        saw("POST /v1/events/{id}/retry",
            self.client.raw_request("post", f"/v1/events/{event.id}/retry", webhook_endpoint=endpoint.id))
        saw("POST /v1/webhook_endpoints/{id}", v1.webhook_endpoints.update(endpoint.id, {"disabled": True}))
        self.known = {"customer": customer.id, "payment_method": method.id, "payment_intent": intent.id,
                      "event": event.id, "dispute": self.dispute, "payout": self.payout,
                      "webhook_endpoint": endpoint.id}

    def _read(self) -> None:
        saw, v1 = self.saw, self.client.v1
        saw("GET /v1/account", v1.accounts.retrieve_current())
        saw("GET /v1/balance", v1.balance.retrieve())
        for kind in KINDS:
            service = getattr(v1, f"{kind}s")
            page = saw(f"GET /v1/{kind}s", service.list({"limit": 100}))
            saw(f"GET /v1/{kind}s/{{id}}", service.retrieve(self.known.get(kind, page.data[0].id)))
        saw("DELETE /v1/webhook_endpoints/{id}", v1.webhook_endpoints.delete(self.known["webhook_endpoint"]))


@pytest.fixture(scope="module")
def tour():
    stripe.enable_telemetry = False
    gateway = Gateway(11)
    gateway.start()
    try:
        yield Tour(gateway)
    finally:
        gateway.stop()


def test_every_route_is_visited(tour, record_property):
    """The figure that a test run ends with."""
    assert sorted(tour.answers) == sorted(routes())
    record_property("simulator_routes_validated", len(tour.answers))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_answer_fits_the_schema(tour, route):
    body = tour.answers[f"{route.method} {route.path}"]
    assert Bodies(tour.mode.engine.schema).faults(route.returns, body) == []


@needs_shared
@pytest.mark.parametrize("route", DESCRIBED, ids=lambda route: f"{route.method} {route.path}")
def test_the_answer_fits_the_shared_description(tour, route):
    described = json.loads((SHARED / "openapi-trimmed.json").read_text())
    paths = {re.sub(r"{\w+}", "{id}", path): calls for path, calls in described["paths"].items()}
    answers = paths[route.path][route.method.lower()]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({"components": described["components"], **schema})
    body = tour.answers[f"{route.method} {route.path}"]
    assert [error.message[:200] for error in validator.iter_errors(body)] == []


@needs_shared
def test_answers_carry_every_field_of_stripes_fixtures(tour):
    fixtures = json.loads((SHARED / "fixtures-trimmed.json").read_text())["resources"]
    ours = {kind: tour.answers[f"GET /v1/{kind}s/{{id}}"] for kind in KINDS}
    ours |= {"account": tour.answers["GET /v1/account"], "balance": tour.answers["GET /v1/balance"]}
    for kind, body in ours.items():
        assert set(fixtures[kind]) - set(body) - ABSENT.get(kind, set()) == set(), kind


def test_every_kind_of_event_told_what_it_should(tour):
    """Each event's object fits its own schema; `Bodies` looks inside, here for all events at once."""
    bodies = Bodies(tour.mode.engine.schema)
    events = tour.mode.events()
    assert [fault for event in events for fault in bodies.faults("event", event)] == []
    assert {event["type"] for event in events} >= {
        "customer.created", "payment_intent.created", "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded", "payment_intent.canceled", "charge.succeeded", "charge.captured", "charge.refunded",
        "refund.created", "charge.dispute.created", "charge.dispute.closed", "payout.created"}
