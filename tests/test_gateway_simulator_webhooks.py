"""Events on their way: signed, posted, tried again; verified by the SDK's own helper."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from practice.wires.gateway import Gateway, signature


class Shop:
    """An endpoint that keeps what it is sent. `answers` are the statuses it gives next; then 200."""

    def __init__(self) -> None:
        self.letters: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.letters.append((body, self.headers["Stripe-Signature"]))
                self.send_response(shop.answers.pop(0) if shop.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def read(self, secret, tolerance=300):
        return [stripe.Webhook.construct_event(body.decode(), header, secret, tolerance)
                for body, header in self.letters]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def shop():
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def gateway():
    stripe.enable_telemetry = False
    gateway = Gateway(8, retry_delays_seconds=(0.05, 0.1))
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def v1(gateway):
    return stripe.StripeClient(gateway.keys["live"].secret, base_addresses={"api": gateway.url}).v1


def subscribe(v1, shop, *types):
    return v1.webhook_endpoints.create({"url": shop.url, "enabled_events": list(types)})


def resend(gateway, event, endpoint):
    client = stripe.StripeClient(gateway.keys["live"].write, base_addresses={"api": gateway.url})
    return client.raw_request("post", f"/v1/events/{event}/retry", webhook_endpoint=endpoint)


def test_an_event_arrives_signed_and_counts_as_delivered(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    customer = v1.customers.create({"email": "a@example.org"})
    v1.customers.update(customer.id, {"name": "not subscribed"})
    assert gateway.webhooks.settle()
    [event] = shop.read(endpoint.secret)
    assert (event.type, event.data.object.id, event.pending_webhooks) == ("customer.created", customer.id, 1)
    assert v1.events.retrieve(event.id).pending_webhooks == 0
    assert v1.events.list({"delivery_success": False}).data == []


def test_only_the_secret_that_signed_it_verifies_it(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "*")
    v1.customers.create({})
    assert gateway.webhooks.settle()
    body, header = shop.letters[0]
    for secret, sent in ((endpoint.secret + "x", body), (endpoint.secret.removeprefix("whsec_"), body),
                         (endpoint.secret, body + b" ")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(sent.decode(), header, secret)
    assert body.startswith(b"{\n  "), "indented, as Stripe sends it"


def test_the_secret_is_shown_once(v1, shop):
    endpoint = subscribe(v1, shop, "*")
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in v1.webhook_endpoints.retrieve(endpoint.id)


def test_the_signature_agrees_with_the_sdks(v1):
    theirs = stripe.WebhookSignature.generate_signature_header("{}", "whsec_x", timestamp=1_700_000_000)
    assert signature.header(b"{}", 1_700_000_000, ["whsec_x"]) == theirs


def test_a_failed_delivery_is_tried_again_with_a_fresh_signature(gateway, v1, shop):
    shop.answers = [500, 302]
    endpoint = subscribe(v1, shop, "customer.created")
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert len({event.id for event in shop.read(endpoint.secret)}) == 1
    assert [(attempt.number, attempt.status) for attempt in gateway.webhooks.attempts] == [(0, 500), (1, 302), (2, 200)]


def test_an_event_that_nobody_takes_stays_pending(gateway, v1, shop):
    shop.answers = [500] * 3
    subscribe(v1, shop, "customer.created")
    v1.customers.create({})
    assert gateway.webhooks.settle()
    [event] = v1.events.list({"delivery_success": False}).data
    assert event.pending_webhooks == 1
    assert len(shop.letters) == 3


def test_a_resend_is_one_fresh_delivery(gateway, v1, shop):
    shop.answers = [500] * 3
    endpoint = subscribe(v1, shop, "customer.created")
    v1.customers.create({})
    assert gateway.webhooks.settle()
    [event] = v1.events.list({"delivery_success": False}).data
    answer = resend(gateway, event.id, endpoint.id)
    assert (answer.data["id"], answer.data["pending_webhooks"]) == (event.id, 1)
    assert gateway.webhooks.settle()
    assert v1.events.retrieve(event.id).pending_webhooks == 0
    shop.answers = [500]
    resend(gateway, event.id, endpoint.id)
    assert gateway.webhooks.settle()
    assert len(shop.letters) == 5, "asked for by hand, so not retried"
    assert v1.events.retrieve(event.id).pending_webhooks == 0, "what was delivered stays so"


def test_a_resend_needs_an_endpoint_that_would_get_the_event(gateway, v1, shop):
    other = subscribe(v1, shop, "payout.paid")
    v1.customers.create({})
    event = v1.events.list({"limit": 1}).data[0].id
    for endpoint, why in ((other.id, "not subscribed"), ("we_none", "No such webhook_endpoint")):
        with pytest.raises(stripe.InvalidRequestError, match=why):
            resend(gateway, event, endpoint)
    v1.webhook_endpoints.update(other.id, {"disabled": True})
    with pytest.raises(stripe.InvalidRequestError, match="disabled"):
        resend(gateway, event, other.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        resend(gateway, "evt_none", other.id)


def test_a_disabled_endpoint_gets_nothing_until_it_is_enabled_again(gateway, v1, shop):
    shop.answers = [500]
    endpoint = subscribe(v1, shop, "customer.created")
    v1.customers.create({})
    while not shop.letters:
        time.sleep(0.005)
    v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    v1.customers.create({"email": "meanwhile@example.org"})
    assert gateway.webhooks.settle()
    assert len(shop.letters) == 1
    v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    assert gateway.webhooks.settle()
    assert len({event.id for event in shop.read(endpoint.secret)}) == 1, "what came up meanwhile was for nobody"
    assert v1.events.list({"delivery_success": False}).data == []


def test_a_deleted_endpoint_is_owed_nothing(gateway, v1, shop):
    gateway.webhooks.pause()
    endpoint = subscribe(v1, shop, "customer.created")
    v1.customers.create({})
    assert v1.webhook_endpoints.delete(endpoint.id).deleted
    gateway.webhooks.resume()
    assert gateway.webhooks.settle()
    assert shop.letters == []
    assert v1.events.list({"limit": 1}).data[0].pending_webhooks == 0
    with pytest.raises(stripe.InvalidRequestError):
        v1.webhook_endpoints.retrieve(endpoint.id)


def test_a_rolled_secret_and_the_old_one_both_sign_for_a_while(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    mode = gateway.engine.mode("live")
    new = mode.roll_secret(endpoint.id, overlap_seconds=3600)
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert shop.letters[0][1].count("v1=") == 2
    assert [event.id for event in shop.read(new)] == [event.id for event in shop.read(endpoint.secret)]
    newest = mode.roll_secret(endpoint.id)
    shop.letters.clear()
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert shop.letters[0][1].count("v1=") == 1
    assert len(shop.read(newest)) == 1
    with pytest.raises(ValueError, match="a day at most"):
        mode.roll_secret(endpoint.id, overlap_seconds=90_000)


def test_duplicates_come(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    gateway.webhooks.disturb(duplicate=1.0)
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert len(shop.letters) == 2
    assert len({event.id for event in shop.read(endpoint.secret)}) == 1


def test_order_is_not_kept(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    gateway.webhooks.disturb(spread_seconds=0.5)
    made = [v1.customers.create({}).id for _ in range(12)]
    assert gateway.webhooks.settle()
    came = [event.data.object.id for event in shop.read(endpoint.secret)]
    assert sorted(came) == sorted(made)
    assert came != made


def test_a_dropped_event_is_never_sent_and_stays_pending(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    gateway.webhooks.disturb(drop=1.0)
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert shop.letters == []
    [event] = v1.events.list({"delivery_success": False}).data
    gateway.webhooks.calm()
    resend(gateway, event.id, endpoint.id)
    assert gateway.webhooks.settle()
    assert len(shop.letters) == 1


def test_a_wrong_or_a_stale_signature_is_noticed(gateway, v1, shop):
    endpoint = subscribe(v1, shop, "customer.created")
    for knobs in ({"sign_with": "whsec_wrong"}, {"stale_seconds": 301}):
        shop.letters.clear()
        gateway.webhooks.calm()
        gateway.webhooks.disturb(**knobs)
        v1.customers.create({})
        assert gateway.webhooks.settle()
        with pytest.raises(stripe.SignatureVerificationError):
            shop.read(endpoint.secret)


def test_an_endpoint_that_is_not_there_is_tried_and_given_up(gateway, v1, shop):
    endpoint = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    v1.customers.create({})
    assert gateway.webhooks.settle()
    assert [attempt.error for attempt in gateway.webhooks.attempts] == ["ConnectError"] * 3
    assert gateway.engine.mode("live").listing("event", {"delivery_success": False})["data"]
    assert endpoint.status == "enabled"


def test_modes_have_endpoints_of_their_own(gateway, v1, shop):
    subscribe(v1, shop, "*")
    stripe.StripeClient(gateway.keys["test"].secret, base_addresses={"api": gateway.url}).v1.customers.create({})
    assert gateway.webhooks.settle()
    assert shop.letters == []


def test_no_more_than_sixteen_endpoints(v1, shop):
    for _ in range(16):
        subscribe(v1, shop, "payout.paid")
    with pytest.raises(stripe.InvalidRequestError, match="16"):
        subscribe(v1, shop, "payout.paid")


def test_world_and_wire_share_the_engine(gateway, v1, shop):
    """Threads of the world and requests of clients at once: nothing is lost, nothing has the same id."""
    subscribe(v1, shop, "customer.created")
    mode = gateway.engine.mode("live")

    def work(number):
        client = stripe.StripeClient(gateway.keys["live"].secret, base_addresses={"api": gateway.url})
        for step in range(15):
            if number % 2:
                client.v1.customers.create({"email": f"{number}-{step}@example.org"})
            else:
                mode.create_customer({"email": f"{number}-{step}@example.org"})
                mode.events()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.webhooks.settle()
    assert len({item["id"] for item in mode.listing("customer", {"limit": 100})["data"]}) == 60
    assert len(shop.letters) == 60
    assert mode.listing("event", {"delivery_success": False})["data"] == []


def test_a_service_that_hangs_does_not_hold_up_the_end_of_a_world(shop):
    gateway = Gateway(8)
    gateway.start()
    silent = socket.create_server(("127.0.0.1", 0))
    mode = gateway.engine.mode("live")
    mode.create_webhook_endpoint({"url": f"http://127.0.0.1:{silent.getsockname()[1]}/", "enabled_events": ["*"]})
    mode.create_customer({})
    line, _ = silent.accept()
    line.recv(1)
    gateway.stop()
    assert [attempt.status for attempt in gateway.webhooks.attempts] in ([], [None]), "cut off, not waited for"
    line.close()
    silent.close()
