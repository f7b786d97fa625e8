"""Refusals of the practice gateway as the unmodified SDK understands them: keys, errors, idempotency, faults."""

import base64
import http.client
import json
import logging
import re
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from practice.wires.gateway import ApiError, Gateway, form, keys, ordinary_number, params, schema
from practice.wires.gateway.keys import mask
from practice.wires.gateway.routing import ROUTES

UNKNOWN_KEY = "_".join(("sk", "live", "0" * 20 + "1234"))


@pytest.fixture(scope="module")
def gateway():
    stripe.enable_telemetry = False
    gateway = Gateway(5, validate=True)
    gateway.start()
    yield gateway
    gateway.stop()
    assert gateway.violations == []


@pytest.fixture(autouse=True)
def all_well(gateway):
    yield
    gateway.faults.clear()


def client(gateway, key=None, retries=0, timeout=5.0):
    return stripe.StripeClient(key or gateway.keys["live"].secret, base_addresses={"api": gateway.url},
                               max_network_retries=retries, http_client=stripe.RequestsClient(timeout=timeout))


def raw(gateway, method, path, body="", **headers):
    """Status, headers and body of a request as curl would send it."""
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=5)
    sent = {"Authorization": f"Bearer {gateway.keys['live'].secret}"} | {
        name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {name: value for name, value in sent.items() if value})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(text)


def count(gateway):
    return len(gateway.requests)


# Keys

def test_keys_follow_from_the_seed_and_differ_by_mode_and_kind(gateway):
    again, other = Gateway(5), Gateway(6)
    texts = [getattr(gateway.keys[mode], kind) for mode in ("live", "test")
             for kind in ("secret", "read_only", "write", "publishable")]
    assert len(set(texts)) == 8
    assert again.keys == gateway.keys
    assert other.keys["live"].secret != gateway.keys["live"].secret
    assert [text[:8] for text in texts[:4]] == ["_".join((start, "live", "")) for start in ("sk", "rk", "rk", "pk")]
    assert not any(text in repr(gateway.keys) for text in texts)


def test_an_unknown_key_is_masked_and_never_logged(gateway, caplog, capfd):
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    with pytest.raises(stripe.AuthenticationError, match=r"\*{20}1234") as refusal:
        client(gateway, UNKNOWN_KEY).v1.balance.retrieve()
    seen = "".join(capfd.readouterr()) + repr(gateway.requests) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("uvicorn"))
    assert UNKNOWN_KEY not in seen + str(refusal.value)
    assert refusal.value.code is None
    assert mask("short") == "*****"


def test_no_key_at_all(gateway):
    status, headers, body = raw(gateway, "GET", "/v1/charges", Authorization="")
    assert (status, body["error"]["type"]) == (401, "invalid_request_error")
    assert headers["Request-Id"].startswith("req_")


def test_a_key_may_come_as_a_user_name(gateway):
    given_ = base64.b64encode(f"{gateway.keys['live'].secret}:".encode()).decode()
    assert raw(gateway, "GET", "/v1/balance", Authorization=f"Basic {given_}")[0] == 200


def test_a_publishable_key_opens_nothing(gateway):
    with pytest.raises(stripe.PermissionError) as refusal:
        client(gateway, gateway.keys["live"].publishable).v1.charges.list()
    assert refusal.value.error.code == "secret_key_required"


def test_restricted_keys_read_everything_and_write_what_they_were_given(gateway):
    reader = client(gateway, gateway.keys["live"].read_only)
    assert reader.v1.events.list().object == "list"
    with pytest.raises(stripe.PermissionError, match="rak_refund_write"):
        reader.v1.refunds.create({"payment_intent": "pi_1"})
    writer = client(gateway, gateway.keys["live"].write)
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        writer.v1.refunds.create({"payment_intent": "pi_1"})
    with pytest.raises(stripe.PermissionError, match="rak_customer_write"):
        writer.v1.customers.create({})


def test_a_revoked_key_an_expired_key_and_the_one_that_replaces_it(gateway):
    key = gateway.issue_key("live")
    assert client(gateway, key).v1.balance.retrieve().livemode
    gateway.faults.expire(key)
    with pytest.raises(stripe.AuthenticationError, match="Expired API Key provided") as refusal:
        client(gateway, key).v1.balance.retrieve()
    assert refusal.value.error.code == "api_key_expired"
    gateway.faults.revoke(key)
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        client(gateway, key, retries=2).v1.balance.retrieve()
    gateway.faults.restore(key)
    assert client(gateway, key).v1.balance.retrieve().livemode
    with pytest.raises(KeyError):
        gateway.faults.revoke(UNKNOWN_KEY)


def test_modes_are_worlds_apart_and_say_so(gateway):
    intent = client(gateway).v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="exists in live mode, but a test mode key") as refusal:
        client(gateway, gateway.keys["test"].secret).v1.payment_intents.retrieve(intent.id)
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


# Requests

@pytest.mark.parametrize(("call", "code", "param"), [
    (lambda v1: v1.customers.create({"emial": "x"}), "parameter_unknown", "emial"),
    (lambda v1: v1.payment_intents.create({"amount": 500}), "parameter_missing", "currency"),
    (lambda v1: v1.payment_intents.create({"amount": "many", "currency": "usd"}), "parameter_invalid_integer",
     "amount"),
    (lambda v1: v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": "cus_none"}),
     "resource_missing", "customer"),
    (lambda v1: v1.charges.retrieve("ch_none"), "resource_missing", "id"),
    (lambda v1: v1.payment_intents.retrieve("pi_none"), "resource_missing", "intent"),
    (lambda v1: v1.charges.list({"limit": 101}), "parameter_invalid_integer", "limit"),
    (lambda v1: v1.charges.list({"limit": 0}), "parameter_invalid_integer", "limit"),
    (lambda v1: v1.charges.list({"starting_after": "ch_none"}), "resource_missing", "starting_after"),
    (lambda v1: v1.charges.list({"starting_after": "ch_1", "ending_before": "ch_2"}), None, "starting_after"),
    (lambda v1: v1.events.list({"type": "a", "types": ["b"]}), None, "type"),
    (lambda v1: v1.events.list({"types": ["a"] * 21}), None, "types"),
    (lambda v1: v1.payment_intents.list({"expand": ["data.amount"]}), None, "expand[0]"),
    (lambda v1: v1.payment_intents.list({"expand": ["data.a.b.c.d"]}), None, "expand[0]"),
    (lambda v1: v1.webhook_endpoints.create({"url": "nowhere", "enabled_events": ["*"]}), "url_invalid", "url"),
])
def test_what_is_wrong_is_named(gateway, call, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(client(gateway).v1)
    assert (refusal.value.code, refusal.value.param) == (code, param)


def test_a_wrong_expansion_costs_nothing(gateway):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client(gateway).v1.customers.create({"email": "never@example.org", "expand": ["nothing"]})
    assert client(gateway).v1.customers.list({"email": "never@example.org"}).data == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/charges/ch_1/undo", "/v1/_config/faults",
                                  "/v1/charges/", "/_control", "/v2/core/events"])
def test_nothing_is_served_that_stripe_does_not(gateway, method, path):
    status, _, body = raw(gateway, method, path)
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")
    assert f"{method}: {path}" in body["error"]["message"]


def test_another_version_of_the_api_is_refused(gateway):
    status, headers, body = raw(gateway, "GET", "/v1/balance", Stripe_Version="2020-08-27")
    assert (status, headers["Stripe-Version"]) == (400, stripe.api_version)
    assert "2020-08-27" in body["error"]["message"]


def test_every_answer_has_a_request_id_of_its_own(gateway):
    ids = [raw(gateway, "GET", path)[1]["Request-Id"] for path in ("/v1/balance", "/v1/balance", "/v1/nothing")]
    assert len(set(ids)) == 3
    assert [seen.request_id for seen in gateway.requests[-3:]] == ids


NAMES = sorted({name for route in ROUTES for name in schema.shared().params(route.params)["properties"]})
FORMS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}(\[[a-z0-9_]{0,3}\]){0,3}", fullmatch=True)
    | st.sampled_from(NAMES),
    st.text(max_size=5) | st.sampled_from(["1", "-1", "true", "", "usd"]), max_size=5)


@settings(max_examples=150, deadline=None)
@given(FORMS, st.sampled_from(ROUTES))
def test_any_form_is_read_or_refused(sent, route):
    try:
        typed = params.coerce(schema.shared(), route.params, form.decode(urlencode(sent)))
    except ApiError as refusal:
        typed = {}
        status = refusal.status
    else:
        status = 200
    assert status in (200, 400)
    assert set(typed) <= set(schema.shared().params(route.params)["properties"])


def test_forms_nest():
    assert form.decode("a[b]=c&d[0]=x&d[1]=y&e[]=1&e[]=2&f[0][g]=h&i=") == {
        "a": {"b": "c"}, "d": ["x", "y"], "e": ["1", "2"], "f": [{"g": "h"}], "i": ""}
    for crooked in ("a[b]=c&a=d", "a=d&a[b]=c", "a[b=c", "a" + "[x]" * 13 + "=1"):
        with pytest.raises(ApiError):
            form.decode(crooked)


# Idempotency

def test_a_repeated_key_gets_the_first_answer(gateway):
    sent = {"Idempotency_Key": "again"}
    first = raw(gateway, "POST", "/v1/customers", "email=a%40example.org", **sent)
    second = raw(gateway, "POST", "/v1/customers", "email=a%40example.org", **sent)
    assert first[2] == second[2]
    assert first[1]["Idempotent-Replayed"] is None
    assert second[1]["Idempotent-Replayed"] == "true"
    assert second[1]["Original-Request"] == first[1]["Request-Id"] != second[1]["Request-Id"]
    other_mode = raw(gateway, "POST", "/v1/customers", "email=a%40example.org", **sent,
                     Authorization=f"Bearer {gateway.keys['test'].secret}")
    assert other_mode[2]["id"] != first[2]["id"]


def test_the_same_key_for_something_else_is_refused(gateway):
    options = {"idempotency_key": "one-thing"}
    client(gateway).v1.customers.create({"email": "a@example.org"}, options)
    with pytest.raises(stripe.IdempotencyError, match="one-thing"):
        client(gateway).v1.customers.create({"email": "b@example.org"}, options)


def test_refusals_of_the_work_are_kept_and_refusals_of_the_form_are_not(gateway):
    options = {"idempotency_key": "declined"}
    ask = {"amount": 500, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    errors = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            client(gateway).v1.payment_intents.create(ask, options)
        errors.append(refusal.value.error.payment_intent.id)
    assert errors[0] == errors[1]
    options = {"idempotency_key": "typo"}
    with pytest.raises(stripe.InvalidRequestError):
        client(gateway).v1.customers.create({"emial": "a@example.org"}, options)
    assert client(gateway).v1.customers.create({"email": "a@example.org"}, options).email == "a@example.org"
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        client(gateway).v1.customers.create({}, {"idempotency_key": "k" * 256})


def test_a_key_is_in_use_while_its_first_request_is_worked_on(gateway):
    gateway.faults.slow(0.3, path="/v1/customers", count=1)
    answers = []
    first = threading.Thread(target=lambda: answers.append(
        raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="busy")))
    first.start()
    while gateway.faults._faults[0].struck == 0:
        time.sleep(0.01)
    status, _, body = raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="busy")
    first.join()
    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answers[0][0] == 200
    assert raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="busy")[2]["id"] == answers[0][2]["id"]


def test_keys_are_forgotten_after_a_day():
    now = [1_800_000_000.0]
    gateway = Gateway(9, clock=lambda: now[0])
    gateway.start()
    try:
        first = raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="k")[2]["id"]
        now[0] += 86_399
        assert raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="k")[2]["id"] == first
        now[0] += 1
        assert raw(gateway, "POST", "/v1/customers", "", Idempotency_Key="k")[2]["id"] != first
    finally:
        gateway.stop()


# Faults: what the SDK makes of them, and how many requests it spends with two retries

@pytest.mark.parametrize(("fault", "error", "status", "requests"), [
    (lambda faults: faults.rate_limit(), stripe.RateLimitError, 429, 1),
    (lambda faults: faults.rate_limit(None), stripe.RateLimitError, 429, 1),
    (lambda faults: faults.rate_limit("endpoint-rate", True), stripe.RateLimitError, 429, 3),
    (lambda faults: faults.error(500), stripe.APIError, 500, 3),
    (lambda faults: faults.error(500, should_retry=False), stripe.APIError, 500, 1),
    (lambda faults: faults.error(502), stripe.APIError, 502, 3),
    (lambda faults: faults.error(503), stripe.APIError, 503, 3),
    (lambda faults: faults.garbage(), stripe.APIError, 200, 1),
    (lambda faults: faults.reset(), stripe.APIConnectionError, None, 3),
    (lambda faults: faults.hang(0.02), stripe.APIConnectionError, None, 3),
])
def test_a_fault_reaches_the_client_as_stripes_would(gateway, monkeypatch, fault, error, status, requests):
    monkeypatch.setattr(stripe.HTTPClient, "_sleep_time_seconds", lambda *args, **kwargs: 0)
    before = count(gateway)
    fault(gateway.faults)
    with pytest.raises(error) as refusal:
        client(gateway, retries=2).v1.balance.retrieve()
    assert refusal.value.http_status == status
    assert count(gateway) - before == requests


def test_too_many_requests_say_which_limit_it_was(gateway):
    gateway.faults.rate_limit("endpoint-rate", path="/v1/charges", count=1)
    assert raw(gateway, "GET", "/v1/balance")[0] == 200
    status, headers, body = raw(gateway, "GET", "/v1/charges")
    assert (status, headers["Stripe-Rate-Limited-Reason"], body["error"]["code"]) == (
        429, "endpoint-rate", "rate_limit")
    assert raw(gateway, "GET", "/v1/charges")[0] == 200, "the count is used up"
    gateway.faults.rate_limit(None, count=1)
    status, headers, body = raw(gateway, "GET", "/v1/charges")
    assert (headers["Stripe-Rate-Limited-Reason"], body["error"]["code"]) == (None, "lock_timeout")


def test_a_limit_lets_some_through(gateway):
    gateway.faults.rate_limit(per_second=3)
    statuses = [raw(gateway, "GET", "/v1/balance")[0] for _ in range(12)]
    assert 200 in statuses
    assert 429 in statuses


@pytest.mark.parametrize("lose", [
    lambda faults: faults.reset(executes=True, methods=("POST",), count=1),
    lambda faults: faults.error(502, executes=True, methods=("POST",), count=1),
    lambda faults: faults.hang(0.02, executes=True, methods=("POST",), count=1),
])
def test_an_answer_that_was_lost_is_found_again_by_its_key(gateway, lose):
    lose(gateway.faults)
    email = f"lost-{count(gateway)}@example.org"
    made = client(gateway, retries=1).v1.customers.create({"email": email})
    assert [found.id for found in client(gateway).v1.customers.list({"email": email}).data] == [made.id]


def test_stripes_own_failure_is_kept_under_the_key(gateway):
    gateway.faults.error(500, executes=True, methods=("POST",), count=1)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client(gateway).v1.customers.create({"email": "half@example.org"}, {"idempotency_key": "half"})
    assert len(client(gateway).v1.customers.list({"email": "half@example.org"}).data) == 1, "and yet it was done"


def test_a_slow_gateway_times_out(gateway):
    gateway.faults.latency_seconds = 0.5
    with pytest.raises(stripe.APIConnectionError):
        client(gateway, timeout=0.1).v1.balance.retrieve()


# Around the API

def test_the_status_pages_have_their_three_shapes_and_may_lie(gateway, monkeypatch):
    gateway.faults.error(503)
    status, _, page = raw(gateway, "GET", "/status/api/v2/status.json", Authorization="")
    assert (status, page["status"]["indicator"]) == (200, "none")
    monkeypatch.setattr(gateway.status, "indicator", "critical")
    assert raw(gateway, "GET", "/status/current")[2]["largestatus"] == "down"
    assert raw(gateway, "GET", "/status/current/full")[2]["UptimeStatus"] == "down"
    monkeypatch.setattr(gateway.status, "frozen_at", 1_707_502_080.0)
    assert raw(gateway, "GET", "/status/current")[2]["time"] == "February 09, 2024 @ 06:08PM +00:00"
    monkeypatch.setattr(gateway.status, "shell", True)
    with pytest.raises(json.JSONDecodeError):
        raw(gateway, "GET", "/status/current")


def test_it_listens_on_loopback_only_and_says_when_a_port_is_taken(gateway):
    assert urlsplit(gateway.url).hostname == "127.0.0.1"
    with pytest.raises(RuntimeError, match="cannot be had"):
        Gateway(1, port=urlsplit(gateway.url).port).start()


def test_what_it_sells_is_not_real(gateway):
    number = ordinary_number("anything")
    assert number == ordinary_number("anything")
    assert len({ordinary_number(each) for each in range(500)}) == 500
    assert client(gateway).v1.payment_methods.create({"type": "card", "card": {"number": number}}).card.last4 \
        == number[-4:]


def test_no_file_holds_what_looks_like_a_key():
    looks = re.compile(r"\b(sk|rk|pk)_(live|test)_\w")
    files = [*Path(keys.__file__).parent.rglob("*.py"), *Path(__file__).parent.glob("test_gateway*.py")]
    assert [path.name for path in files if looks.search(path.read_text())] == []
