"""Whose failure a failed payment is: the customer's bank's, or ours. By Stripe's codes, and never by guessing."""

from __future__ import annotations

CUSTOMERS, OURS, UNCLEAR = "the customer's bank", "ours", "not noted"
# Stripe's decline codes (docs.stripe.com/declines/codes), and the error codes under which a card or its bank says no.
CODES = frozenset({
    "approve_with_id", "authentication_not_handled", "authentication_required", "call_issuer",
    "card_decline_rate_limit_exceeded", "card_declined", "card_not_supported", "card_velocity_exceeded",
    "currency_not_supported", "debit_not_authorized", "do_not_honor", "do_not_try_again", "duplicate_transaction",
    "expired_card", "fraudulent", "generic_decline", "highest_risk_level", "incorrect_address", "incorrect_cvc",
    "incorrect_number", "incorrect_pin", "incorrect_zip", "insufficient_funds", "invalid_account", "invalid_amount",
    "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year", "invalid_number", "invalid_pin",
    "issuer_not_available", "lost_card", "merchant_blacklist", "mobile_device_authentication_required",
    "new_account_information_available", "no_action_taken", "not_permitted", "offline_pin_required",
    "online_or_offline_pin_required", "payment_intent_authentication_failure", "pickup_card", "pin_try_exceeded",
    "previously_declined_do_not_retry", "reenter_transaction", "restricted_card", "revocation_of_all_authorizations",
    "revocation_of_authorization", "security_violation", "service_not_allowed", "stolen_card", "stop_payment_order",
    "testmode_decline", "transaction_not_allowed", "try_again_later", "withdrawal_count_limit_exceeded",
})  # fmt: skip


def whose(reason: str) -> str:
    """A reason as the ledger notes it: a code, perhaps with words around it."""
    words = reason.lower().replace("(", " ").replace(")", " ").replace(":", " ").replace(",", " ").split()
    return UNCLEAR if not words else CUSTOMERS if CODES & set(words) else OURS
