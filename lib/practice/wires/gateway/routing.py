"""Every call that the gateway serves: its parameters, what it answers, and the permission it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import errors
from .base import KINDS
from .engine import ModeEngine

Call = Callable[[ModeEngine, str, dict[str, Any]], dict[str, Any]]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CREATE_INTENT = _names(
    "allowed_payment_method_types amount automatic_payment_methods capture_method confirm confirmation_method currency "
    "customer description error_on_requires_action expand metadata off_session payment_method payment_method_data "
    "receipt_email return_url setup_future_usage shipping statement_descriptor statement_descriptor_suffix "
    "transfer_group use_stripe_sdk")
UPDATE_INTENT = _names(
    "amount capture_method currency customer description expand metadata payment_method payment_method_data "
    "receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix "
    "transfer_group")
CONFIRM_INTENT = _names(
    "capture_method error_on_requires_action expand off_session payment_method payment_method_data receipt_email "
    "return_url setup_future_usage shipping use_stripe_sdk")
CUSTOMER = _names(
    "address balance description email expand invoice_settings metadata name payment_method phone preferred_locales "
    "shipping tax_exempt")
METHOD = _names("allow_redisplay billing_details card expand metadata type")
REFUND = _names("amount charge expand metadata payment_intent reason")
EXPAND = _names("expand")
ENDPOINT = _names("api_version description disabled enabled_events expand metadata url")


@dataclass(frozen=True)
class Route:
    """One call. `models` names the parameters that mean something here, of those the schema knows; None is all."""

    method: str
    path: str
    params: str
    returns: str
    permission: str
    call: Call
    models: frozenset[str] | None = None

    @property
    def key(self) -> tuple[str, str, bool, str]:
        """Method, collection, whether an object is named, and the verb after it."""
        parts = self.path.split("/")
        return self.method, parts[2], len(parts) > 3, parts[4] if len(parts) > 4 else ""


def _retrieve_intent(mode: ModeEngine, id: str, params: dict[str, Any]) -> dict[str, Any]:
    """An intent, also as a browser asks for it: with the secret that the shop's page was given."""
    found = mode.retrieve("payment_intent", id)
    if params.get("client_secret", found["client_secret"]) != found["client_secret"]:
        raise errors.invalid("The client_secret provided does not match the client_secret associated with the "
                             "PaymentIntent.", code="payment_intent_invalid_parameter", param="client_secret")
    return found


def _reads(kind: str, name: str, permission: str = "") -> tuple[Route, Route]:
    """List and retrieve, which all kinds have."""
    path, allowed = f"/v1/{KINDS[kind][0]}", permission or f"{kind}_read"
    return (Route("GET", path, f"{name}ListParams", f"list of {kind}", allowed,
                  lambda mode, _, params: mode.listing(kind, params)),
            Route("GET", f"{path}/{{id}}", f"{name}RetrieveParams", kind, allowed,
                  lambda mode, id, _: mode.retrieve(kind, id), EXPAND))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/account", "AccountRetrieveCurrentParams", "account", "account_read",
          lambda mode, _, params: mode.account(), EXPAND),
    Route("GET", "/v1/balance", "BalanceRetrieveParams", "balance", "balance_read",
          lambda mode, _, params: mode.balance(), EXPAND),
    *_reads("balance_transaction", "BalanceTransaction"),
    *_reads("charge", "Charge"),
    *_reads("customer", "Customer"),
    *_reads("dispute", "Dispute"),
    *_reads("event", "Event"),
    _reads("payment_intent", "PaymentIntent")[0],
    Route("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams", "payment_intent", "payment_intent_read",
          _retrieve_intent, EXPAND | {"client_secret"}),
    *_reads("payment_method", "PaymentMethod"),
    *_reads("payout", "Payout"),
    *_reads("refund", "Refund"),
    *_reads("webhook_endpoint", "WebhookEndpoint", permission="webhook_read"),
    Route("POST", "/v1/customers", "CustomerCreateParams", "customer", "customer_write",
          lambda mode, _, params: mode.create_customer(params), CUSTOMER),
    Route("POST", "/v1/customers/{id}", "CustomerUpdateParams", "customer", "customer_write",
          lambda mode, id, params: mode.update_customer(id, params), CUSTOMER - {"payment_method"}),
    Route("POST", "/v1/payment_methods", "PaymentMethodCreateParams", "payment_method", "payment_method_write",
          lambda mode, _, params: mode.create_payment_method(params), METHOD),
    Route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", "payment_method",
          "payment_method_write", lambda mode, id, params: mode.attach(id, params), frozenset({"customer", "expand"})),
    Route("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams", "payment_method",
          "payment_method_write", lambda mode, id, params: mode.detach(id)),
    Route("POST", "/v1/payment_intents", "PaymentIntentCreateParams", "payment_intent", "payment_intent_write",
          lambda mode, _, params: mode.create_payment_intent(params), CREATE_INTENT),
    Route("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams", "payment_intent", "payment_intent_write",
          lambda mode, id, params: mode.update_payment_intent(id, params), UPDATE_INTENT),
    Route("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", "payment_intent",
          "payment_intent_write", lambda mode, id, params: mode.confirm(id, params), CONFIRM_INTENT),
    Route("POST", "/v1/payment_intents/{id}/capture", "PaymentIntentCaptureParams", "payment_intent",
          "payment_intent_write", lambda mode, id, params: mode.capture(id, params),
          frozenset({"amount_to_capture", "expand"})),
    Route("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams", "payment_intent",
          "payment_intent_write", lambda mode, id, params: mode.cancel(id, params)),
    Route("POST", "/v1/charges/{id}/capture", "ChargeCaptureParams", "charge", "charge_write",
          lambda mode, id, params: mode.capture_charge(id, params), frozenset({"amount", "expand"})),
    Route("POST", "/v1/refunds", "RefundCreateParams", "refund", "refund_write",
          lambda mode, _, params: mode.create_refund(params), REFUND),
    Route("POST", "/v1/disputes/{id}/close", "DisputeCloseParams", "dispute", "dispute_write",
          lambda mode, id, params: mode.close_dispute(id)),
    Route("POST", "/v1/events/{id}/retry", "EventRetryParams", "event", "event_write",
          lambda mode, id, params: mode.retry_event(id, params)),
    Route("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams", "webhook_endpoint", "webhook_write",
          lambda mode, _, params: mode.create_webhook_endpoint(params), ENDPOINT - {"disabled"}),
    Route("POST", "/v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams", "webhook_endpoint", "webhook_write",
          lambda mode, id, params: mode.update_webhook_endpoint(id, params), ENDPOINT - {"api_version"}),
    Route("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams", "deleted webhook_endpoint",
          "webhook_write", lambda mode, id, params: mode.delete_webhook_endpoint(id)),
)
# The one call of these that a browser makes with the publishable key, given the intent's secret.
BROWSER = ("GET", "payment_intents", True, "")
BY_KEY = {route.key: route for route in ROUTES}


def routes() -> list[str]:
    """Every call served, as `METHOD path`."""
    return [f"{route.method} {route.path}" for route in ROUTES]


def find(method: str, path: str) -> tuple[Route, str] | None:
    """The route that serves a request, and the object's id in it."""
    parts = path.split("/")
    if len(parts) not in (3, 4, 5) or parts[1] != "v1" or "" in parts[2:]:
        return None
    route = BY_KEY.get((method, parts[2], len(parts) > 3, parts[4] if len(parts) > 4 else ""))
    return (route, parts[3] if len(parts) > 3 else "") if route else None
