"""The mutations that a plan may hold on the gateway's side. Imported by repair alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from runbook.errors import Refused
from runbook.target import Gateway
from runbook.wires.gateway.client import Wire


class GatewayWriter(Wire):
    """Each method carries out one step; none decides."""

    def __init__(self, settings: Gateway) -> None:
        super().__init__(settings, settings.write_key)

    def redeliver(self, event_id: str, endpoint_id: str) -> dict[str, Any]:
        """Have the gateway deliver the event once more to the endpoint; it renders and signs the delivery itself."""
        what = f"The gateway did not take the redelivery of `{event_id}`"
        path = f"/v1/events/{event_id}/retry"
        once = f"runbook-redeliver-{uuid.uuid4()}"  # new for each call, the same for its attempts
        return self.asked(
            what,
            lambda: self.request("post", path, webhook_endpoint=endpoint_id, idempotency_key=once),
            Refused,
        )

    def update_endpoint(self, endpoint_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change an endpoint where `changes` (url, status, enabled_events) says so. Its secret stays what it is."""
        what = f"The gateway did not change the endpoint `{endpoint_id}`"
        params: dict[str, Any] = {name: changes[name] for name in ("url", "enabled_events") if name in changes}
        if "status" in changes:
            params["disabled"] = "true" if changes["status"] == "disabled" else "false"
        once = f"runbook-endpoint-{uuid.uuid4()}"  # new for each call, the same for its attempts
        path = f"/v1/webhook_endpoints/{endpoint_id}"
        return self.asked(what, lambda: self.request("post", path, idempotency_key=once, **params), Refused)

    def confirm(self, intent_id: str, payment_method: str, key: str) -> dict[str, Any]:
        """Confirm an intent with a saved payment method; `key` is the step's idempotency key."""
        what = f"The gateway did not confirm `{intent_id}`"
        path = f"/v1/payment_intents/{intent_id}/confirm"
        return self.asked(
            what,
            lambda: self.request("post", path, payment_method=payment_method, idempotency_key=key),
            Refused,
        )
