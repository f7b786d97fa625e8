"""The schema that the gateway validates by: derived from the SDK, cached, and in agreement with Stripe's own files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import stripe
from practice.wires.gateway import params, schema
from practice.wires.gateway.bodies import Bodies
from practice.wires.gateway.errors import ApiError
from practice.wires.gateway.routing import ROUTES
from stripe._api_version import _ApiVersion

SHARED = Path(__file__).parents[2] / "shared" / "stripe"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="Stripe's files are not beside this checkout")

# Fields that the SDK has and the fixtures, cut from an older file, do not.
NEWER = {"dispute": ["dispute.evidence_details: 'submission_method' is a required property"]}


@pytest.fixture(scope="module")
def derived():
    return schema.StripeSchema(schema.derive())


def test_a_gateway_that_validates_nothing_does_not_load_the_validator():
    script = "import sys, practice.wires.gateway; print('jsonschema' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n"


def test_it_speaks_the_version_that_the_sdk_sends(derived):
    assert derived.api_version == _ApiVersion.CURRENT == stripe.api_version
    assert derived.sdk_version == stripe.VERSION


def test_every_route_has_its_parameters_and_its_body_in_it(derived):
    for route in ROUTES:
        known = derived.params(route.params)["properties"]
        assert route.models is None or route.models <= set(known), route
        assert derived.resolved(derived.body(route.returns))["type"] == "object"


def test_annotations_become_types(derived):
    charge = derived.definitions["charge"]["properties"]
    assert charge["amount"] == {"type": "integer"}
    assert charge["failure_code"] == {"type": ["string", "null"]}
    assert charge["status"] == {"enum": ["failed", "pending", "succeeded"]}, "an open enumeration is closed"
    assert charge["customer"]["x-expands"]
    assert charge["metadata"] == {"type": "object", "additionalProperties": {"type": "string"}}
    assert "failure_code" not in derived.definitions["charge"]["required"]
    assert derived.params("RefundCreateParams")["properties"]["amount"] == {"type": "integer"}


def test_it_catches_what_a_simulator_might_invent(derived):
    bodies = Bodies(derived)
    good = {"id": "we_1", "object": "webhook_endpoint", "deleted": True}
    assert bodies.faults("deleted webhook_endpoint", good) == []
    for wrong in (good | {"reason": "x"}, good | {"deleted": False}, {"id": "we_1", "deleted": True},
                  good | {"id": 1}, good | {"id": None}):
        assert bodies.faults("deleted webhook_endpoint", wrong), wrong


def test_the_cache_is_kept_by_version_and_heals(tmp_path, derived):
    first = schema.load(tmp_path)
    [kept] = tmp_path.iterdir()
    assert stripe.VERSION in kept.name
    assert first.document == schema.load(tmp_path).document == derived.document
    kept.write_text("{ half a file")
    assert schema.load(tmp_path).document == derived.document
    assert json.loads(kept.read_text()) == derived.document


def test_a_directory_that_cannot_be_written_is_no_obstacle(tmp_path, derived):
    (tmp_path / "file").write_text("")
    assert schema.load(tmp_path / "file").document == derived.document


@pytest.mark.parametrize(("name", "sent", "typed"), [
    ("PaymentIntentCreateParams", {"amount": "5", "currency": "eur", "off_session": "true", "confirm": "true"},
     {"amount": 5, "currency": "eur", "off_session": True, "confirm": True}),
    ("PaymentIntentCreateParams", {"amount": "5", "currency": "eur", "off_session": "one_off"},
     {"amount": 5, "currency": "eur", "off_session": "one_off"}),
    ("ChargeListParams", {"created": "17"}, {"created": 17}),
    ("ChargeListParams", {"created": {"gte": "17"}}, {"created": {"gte": 17}}),
    ("EventListParams", {"types": ["a", "b"], "delivery_success": "false"},
     {"types": ["a", "b"], "delivery_success": False}),
    ("CustomerUpdateParams", {"metadata": ""}, {"metadata": None}),
    ("CustomerUpdateParams", {"metadata": {"a": "", "b": "c"}}, {"metadata": {"a": "", "b": "c"}}),
])
def test_texts_of_the_wire_become_values(derived, name, sent, typed):
    assert params.coerce(derived, name, sent) == typed


@pytest.mark.parametrize(("name", "sent", "code", "param"), [
    ("CustomerCreateParams", {"emial": "x"}, "parameter_unknown", "emial"),
    ("CustomerCreateParams", {"address": {"city": "x", "galaxy": "y"}}, "parameter_unknown", "address[galaxy]"),
    ("RefundCreateParams", {"amount": "1.5"}, "parameter_invalid_integer", "amount"),
    ("RefundCreateParams", {"amount": {"a": "1"}}, None, "amount"),
    ("RefundCreateParams", {"reason": "bored"}, None, "reason"),
    ("RefundCreateParams", {"charge": ""}, "parameter_invalid_empty", "charge"),
    ("EventListParams", {"types": "a"}, None, "types"),
    ("EventListParams", {"delivery_success": "perhaps"}, None, "delivery_success"),
    ("EventListParams", {"created": {"after": "1"}}, "parameter_unknown", "created[after]"),
    ("EventListParams", {"created": "soon"}, "parameter_invalid_integer", "created"),
    ("PaymentIntentCreateParams", {"currency": "eur"}, "parameter_missing", "amount"),
    ("CustomerCreateParams", {"metadata": {f"k{number}": "v" for number in range(51)}}, None, "metadata"),
])
def test_what_does_not_fit_is_refused_by_name(derived, name, sent, code, param):
    with pytest.raises(ApiError) as refusal:
        params.coerce(derived, name, sent)
    assert (refusal.value.status, refusal.value.code, refusal.value.error["param"]) == (400, code, param)


@needs_shared
def test_it_has_the_fields_of_the_shared_description(derived):
    described = json.loads((SHARED / "openapi-trimmed.json").read_text())["components"]["schemas"]
    for name in schema.RESOURCES:
        ours, theirs = derived.definitions[name], described[name]
        assert set(ours["properties"]) == set(theirs["properties"]) - {"deleted"}, name
        assert set(ours["required"]) == set(theirs["required"]), name


@needs_shared
def test_stripes_own_fixtures_fit_it(derived):
    bodies = Bodies(derived)
    for name, body in json.loads((SHARED / "fixtures-trimmed.json").read_text())["resources"].items():
        if name == "event":
            body["data"]["object"] = {}
            assert list(bodies._validator("event").iter_errors(body)) == [], "the rest of the event"
        else:
            assert bodies.faults(name.replace("deleted_", "deleted "), body) == NEWER.get(name, []), name
