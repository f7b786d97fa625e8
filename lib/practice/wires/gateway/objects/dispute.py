"""Dispute: a customer asked the bank for the money back."""

from typing import Any

from .movement import DAY_SECONDS

# The bank waits about a week for our evidence.
EVIDENCE_DUE_SECONDS = 7 * DAY_SECONDS

EVIDENCE = [
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
    "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation",
    "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
]

# Reason -> the code that the Visa network gives it.
REASONS = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6", "general": "13.3",
           "unrecognized": "10.4", "credit_not_processed": "13.6", "subscription_canceled": "13.2"}


def dispute(id: str, created: int, charge: dict[str, Any], amount: int, reason: str) -> dict[str, Any]:
    card = charge["payment_method_details"]["card"]
    return {
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge["id"],
        "created": created, "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {"due_by": created + EVIDENCE_DUE_SECONDS, "enhanced_eligibility": {},
                             "has_evidence": False, "past_due": False, "submission_count": 0,
                             "submission_method": "not_submitted"},
        "is_charge_refundable": False, "livemode": charge["livemode"], "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": {"brand": card["brand"], "case_type": "chargeback",
                                            "network": card["network"], "network_reason_code": REASONS[reason]},
                                   "type": "card"},
        "reason": reason, "status": "needs_response",
    }
