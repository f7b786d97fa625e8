"""Account and balance: who we are at Stripe, and what Stripe holds for us."""

from typing import Any

# The practice account sells in several currencies and is settled in each: no exchange, so sums can be followed.
COUNTRY, DEFAULT_CURRENCY = "US", "usd"
NO_REQUIREMENTS: dict[str, Any] = {
    "alternatives": [], "current_deadline": None, "currently_due": [], "disabled_reason": None, "errors": [],
    "eventually_due": [], "past_due": [], "pending_verification": [],
}
NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def account(id: str, created: int) -> dict[str, Any]:
    """The account itself, allowed to charge and to be paid out."""
    return {
        "id": id, "object": "account",
        "business_profile": {
            "annual_revenue": None, "estimated_worker_count": None, "mcc": "8299",
            "minority_owned_business_designation": None, "name": "Practice Courses",
            "product_description": "Courses that do not exist, sold to people who do not either",
            "support_address": None, "support_email": "support@shop.example", "support_phone": None,
            "support_url": None, "url": "https://shop.example",
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True, "controller": {"type": "account"}, "country": COUNTRY, "created": created,
        "default_currency": DEFAULT_CURRENCY, "details_submitted": True, "email": "owner@shop.example",
        "external_accounts": {"object": "list", "data": [], "has_more": False,
                              "url": f"/v1/accounts/{id}/external_accounts"},
        "future_requirements": NO_REQUIREMENTS, "metadata": {}, "payouts_enabled": True,
        "requirements": NO_REQUIREMENTS, "settings": _settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None}, "type": "standard",
    }


def _settings() -> dict[str, Any]:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": True}, "statement_descriptor_prefix": "PRACTICE",
            "statement_descriptor_prefix_kana": None, "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": "Practice Courses", "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": {
            "statement_descriptor": "PRACTICE COURSES", "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {"debit_negative_balances": True, "schedule": {"delay_days": 2, "interval": "daily"},
                    "statement_descriptor": None},
        "sepa_debit_payments": {},
    }


def balance(available: dict[str, int], pending: dict[str, int], livemode: bool) -> dict[str, Any]:
    """Sums by currency, in minor units."""
    currencies = sorted(available.keys() | pending.keys() | {DEFAULT_CURRENCY})

    def funds(sums: dict[str, int]) -> list[dict[str, Any]]:
        return [{"amount": sums.get(currency, 0), "currency": currency,
                 "source_types": {"card": sums.get(currency, 0)}} for currency in currencies]

    return {"object": "balance", "available": funds(available), "livemode": livemode, "pending": funds(pending)}
