"""What moves money after the charge: balance transaction, refund, payout."""

from typing import Any

DAY_SECONDS = 86_400
# Stripe makes a card payment available after two days in the United States.
AVAILABLE_AFTER_SECONDS = 2 * DAY_SECONDS


def balance_transaction(id: str, created: int, *, type: str, category: str, amount: int, fee: int, fee_type: str,
                        currency: str, source: str, description: str | None) -> dict[str, Any]:
    """One line of the account's books. `amount` is signed; `net` is what remains after the fee."""
    details = [{"amount": fee, "application": None, "currency": currency, "description": fee_type,
                "type": "stripe_fee"}] if fee else []
    at_once = type == "payout"
    return {
        "id": id, "object": "balance_transaction", "amount": amount,
        "available_on": created + (0 if at_once else AVAILABLE_AFTER_SECONDS), "balance_type": "payments",
        "created": created, "currency": currency, "description": description, "exchange_rate": None, "fee": fee,
        "fee_details": details, "net": amount - fee, "reporting_category": category, "source": source,
        "status": "available" if at_once else "pending", "type": type,
    }


def refund(id: str, created: int, charge: dict[str, Any], amount: int, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id, "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
        "created": created, "currency": charge["currency"],
        "destination_details": {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                                         "type": "refund"}, "type": "card"},
        "metadata": dict(params.get("metadata") or {}), "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"), "receipt_number": None, "source_transfer_reversal": None,
        "status": "succeeded", "transfer_reversal": None,
    }


def payout(id: str, created: int, livemode: bool, amount: int, currency: str, destination: str) -> dict[str, Any]:
    """An automatic daily payout, on its way to the bank."""
    return {
        "id": id, "object": "payout", "amount": amount, "application_fee": None, "application_fee_amount": None,
        "arrival_date": created + DAY_SECONDS, "automatic": True, "balance_transaction": None, "created": created,
        "currency": currency, "description": "STRIPE PAYOUT", "destination": destination,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "livemode": livemode,
        "metadata": {}, "method": "standard", "original_payout": None, "payout_method": None,
        "reconciliation_status": "completed", "reversed_by": None, "source_type": "card",
        "statement_descriptor": None, "status": "in_transit", "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
