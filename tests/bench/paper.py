"""What a careful person with a paper runbook does: count pending rows, read the key's prefix, grep for error words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PENDING_MAX = 10
# A line or two is always there; who greps looks twice from here on.
LINES_MIN = 5
# As such runbooks list them, in lower case.
WORDS = {
    "invalid_api_key": ("invalid api key", "expired api key", "authenticationerror"),
    "webhook_signature": ("signature verification failed",),
    "database_rollback": ("rollback", "violates", "deadlock", "transaction timeout", "connection timeout"),
    "rate_limited": ("rate limit", "ratelimiterror", "too many requests"),
    "gateway_outage": ("apiconnectionerror", "api_connection_error"),
}
# Causes for which the paper goes on to a repair.
REPAIRED = frozenset(WORDS) - {"gateway_outage"} | {"test_key_in_production"}


def diagnose(lines: Sequence[str], environment: Mapping[str, str], pending: int) -> frozenset[str]:
    lower = [line.lower() for line in lines]
    found = {
        cause for cause, words in WORDS.items()
        if sum(any(word in line for word in words) for line in lower) >= LINES_MIN
    }  # fmt: skip
    if environment.get("STRIPE_SECRET_KEY", "").startswith("sk_" + "test"):
        found.add("test_key_in_production")
    if pending > PENDING_MAX and not found:
        found.add("unknown")
    return frozenset(found or {"none"})
