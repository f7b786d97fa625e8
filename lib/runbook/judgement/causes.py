"""The causes a payment failure can have: what each means, and which notebook takes it on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    name: str
    sentence: str
    notebook: str = ""  # empty: no scenario notebook of its own
    incident: bool = True  # False: customers' own doing, nothing of ours to repair
    critical: str = ""  # why it cannot wait, however few have met it so far


CAUSES = {
    cause.name: cause
    for cause in (
        Cause("invalid_api_key", "Stripe does not accept the service's API key.", "10_scenario_a_api_key"),
        Cause(
            "webhook_signature",
            "Webhooks arrive, but their signature does not verify.",
            "11_scenario_b_webhook_signature",
        ),
        Cause(
            "database_rollback",
            "Stripe has the money, and the service's database did not keep the row.",
            "12_scenario_c_database_rollback",
        ),
        Cause("rate_limited", "Stripe refuses calls because there are too many.", "13_scenario_d_rate_limit"),
        Cause(
            "test_key_in_production",
            "The service runs on keys of the wrong mode: test keys in production, or live keys elsewhere.",
            "14_scenario_e_test_mode",
            critical="orders may be honoured without money, or real money be taken for nothing, until it ends",
        ),
        Cause("gateway_outage", "Stripe itself does not answer."),
        Cause("invalid_requests", "The service sends Stripe requests that cannot be right."),
        Cause("webhook_handler_error", "Webhooks arrive, and the handler fails for a reason of its own."),
        Cause("webhook_not_subscribed", "Stripe is not asked to send the events the service lives on."),
        Cause("database_unavailable", "The service cannot reach its database."),
        Cause("wrong_environment", "Gateway and ledger belong to different environments."),
        Cause("card_declines", "Customers' banks decline their cards.", incident=False),
        Cause("authentication_required", "Customers must confirm their payment with their bank.", incident=False),
    )
}
