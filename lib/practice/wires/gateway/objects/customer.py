"""Customer, and the cards a customer pays with."""

from typing import Any

from ..cards import Card
from ..ids import letters
from .account import NO_ADDRESS


def customer(id: str, created: int, livemode: bool, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id, "object": "customer", "address": params.get("address"), "balance": params.get("balance", 0),
        "created": created, "currency": None, "customer_account": None, "default_source": None, "delinquent": False,
        "description": params.get("description"), "discount": None, "email": params.get("email"),
        "invoice_prefix": letters(id, 8).upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None,
                             "rendering_options": None},
        "livemode": livemode, "metadata": dict(params.get("metadata") or {}), "name": params.get("name"),
        "next_invoice_sequence": 1, "phone": params.get("phone"),
        "preferred_locales": list(params.get("preferred_locales") or []), "shipping": params.get("shipping"),
        "tax_exempt": params.get("tax_exempt", "none"), "test_clock": None,
    }


def billing_details(params: dict[str, Any]) -> dict[str, Any]:
    given = params.get("billing_details") or {}
    return {"address": NO_ADDRESS | (given.get("address") or {}), "email": given.get("email"),
            "name": given.get("name"), "phone": given.get("phone"), "tax_id": None}


def payment_method(id: str, created: int, livemode: bool, card: Card, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id, "object": "payment_method", "allow_redisplay": params.get("allow_redisplay", "unspecified"),
        "billing_details": billing_details(params),
        "card": {
            "brand": card.brand, "checks": checks(card), "country": "US", "display_brand": card.brand,
            "exp_month": card.exp_month, "exp_year": card.exp_year, "fingerprint": letters(card.number, 16),
            "funding": "credit", "generated_from": None, "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None}, "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True}, "wallet": None,
        },
        "created": created, "customer": None, "customer_account": None, "livemode": livemode,
        "metadata": dict(params.get("metadata") or {}), "type": "card",
    }


def checks(card: Card) -> dict[str, Any]:
    return {"address_line1_check": None, "address_postal_code_check": None,
            "cvc_check": "fail" if card.behaviour == "incorrect_cvc" else "pass"}
