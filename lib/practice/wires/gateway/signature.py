"""How Stripe signs what it sends. Computed here, without the SDK's helper: else a test would prove nothing."""

import hmac
from collections.abc import Iterable


def header(body: bytes, timestamp: int, secrets: Iterable[str]) -> str:
    """`Stripe-Signature`: one v1 for each valid secret. The key is the whole text, `whsec_` included."""
    message = str(timestamp).encode() + b"." + body
    signatures = (hmac.new(secret.encode(), message, "sha256").hexdigest() for secret in secrets)
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])
