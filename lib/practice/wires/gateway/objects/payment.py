"""PaymentIntent and Charge."""

from typing import Any

from ..cards import Card
from ..ids import letters
from .customer import checks


def payment_intent(id: str, created: int, livemode: bool, secret: str, params: dict[str, Any]) -> dict[str, Any]:
    """An intent as it stands right after creation, before anything is charged."""
    allowed = params.get("allowed_payment_method_types")
    automatic = params.get("automatic_payment_methods") or (None if allowed else {"enabled": True})
    return {
        "id": id, "object": "payment_intent", "allowed_payment_method_types": allowed, "amount": params["amount"],
        "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic else None,
        "canceled_at": None, "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{id}_secret_{secret}",
        "confirmation_method": params.get("confirmation_method", "automatic"), "created": created,
        "currency": params["currency"], "customer": params.get("customer"), "customer_account": None,
        "description": params.get("description"), "excluded_payment_method_types": None, "last_payment_error": None,
        "latest_charge": None, "livemode": livemode, "managed_payments": {"enabled": False},
        "metadata": dict(params.get("metadata") or {}), "next_action": None, "on_behalf_of": None,
        "payment_method": None, "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"installments": None, "mandate_options": None, "network": None,
                                            "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "processing": None,
        "receipt_email": params.get("receipt_email"), "review": None,
        "setup_future_usage": params.get("setup_future_usage"), "shipping": params.get("shipping"), "source": None,
        "statement_descriptor": params.get("statement_descriptor"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method", "transfer_data": None, "transfer_group": params.get("transfer_group"),
    }


def charge(id: str, created: int, intent: dict[str, Any], method: dict[str, Any], card: Card) -> dict[str, Any]:
    """A charge that succeeded and waits for its capture."""
    return {
        "id": id, "object": "charge", "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0,
        "application": None, "application_fee": None, "application_fee_amount": None, "balance_transaction": None,
        "billing_details": method["billing_details"], "calculated_statement_descriptor": "PRACTICE COURSES",
        "captured": False, "created": created, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None,
        "failure_code": None, "failure_message": None, "fraud_details": {}, "livemode": intent["livemode"],
        "metadata": dict(intent["metadata"]), "on_behalf_of": None, "outcome": approved(),
        "paid": True, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": {"card": _card_details(intent["amount"], card), "type": "card"},
        "radar_options": {}, "receipt_email": intent["receipt_email"], "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{letters(id, 40)}", "refunded": False,
        "review": None, "shipping": intent["shipping"], "source": None, "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": "succeeded",
        "transfer_data": None, "transfer_group": intent["transfer_group"],
    }


def approved() -> dict[str, Any]:
    return _outcome("authorized", "approved_by_network", None, "Payment complete.", 12)


def declined(reason: str) -> dict[str, Any]:
    """The outcome of a charge that the card's bank, or Stripe before it, refused."""
    if reason == "live_mode_test_card":
        return _outcome("invalid", "not_sent_to_network", None, "This charge request was in live mode, but used a "
                        "known test card.", None)
    if reason == "test_mode_live_card":
        return _outcome("invalid", "not_sent_to_network", None, "This charge request was in test mode, but used a non "
                        "test card.", None)
    return _outcome("issuer_declined", "declined_by_network", reason,
                    f"The bank returned the decline code `{reason}`.", 24)


def _outcome(type: str, network_status: str, reason: str | None, message: str, score: int | None) -> dict[str, Any]:
    return {"advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": network_status, "reason": reason, "risk_level": "normal", "risk_score": score,
            "seller_message": message, "type": type}


def _card_details(amount: int, card: Card) -> dict[str, Any]:
    return {
        "amount_authorized": amount, "authorization_code": letters(f"authorization/{card.number}/{amount}", 6),
        "brand": card.brand, "checks": checks(card), "country": "US", "exp_month": card.exp_month,
        "exp_year": card.exp_year, "extended_authorization": {"status": "disabled"},
        "fingerprint": letters(card.number, 16), "funding": "credit",
        "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": card.number[-4:],
        "mandate": None, "multicapture": {"status": "unavailable"}, "network": card.brand,
        "network_token": {"used": False}, "network_transaction_id": letters(f"network/{card.number}", 15),
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated", "three_d_secure": None, "wallet": None,
    }
