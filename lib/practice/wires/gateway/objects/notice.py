"""Event and webhook endpoint: what Stripe tells us, and where."""

from typing import Any

import msgspec


def event(id: str, created: int, livemode: bool, type: str, item: dict[str, Any], *, api_version: str,
          request: dict[str, str | None], previous: dict[str, Any] | None) -> dict[str, Any]:
    """An event. `data.object` is the object's JSON as it was at this moment: bytes cannot change later, and making
    them costs a tenth of a deep copy."""
    data: dict[str, Any] = {"object": msgspec.Raw(msgspec.json.encode(item))}
    if previous is not None:
        data["previous_attributes"] = previous
    return {"id": id, "object": "event", "api_version": api_version, "created": created, "data": data,
            "livemode": livemode, "pending_webhooks": 0, "request": request, "type": type}


def webhook_endpoint(id: str, created: int, livemode: bool, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id, "object": "webhook_endpoint", "api_version": params.get("api_version"), "application": None,
        "created": created, "description": params.get("description"), "enabled_events": params["enabled_events"],
        "livemode": livemode, "metadata": dict(params.get("metadata") or {}), "status": "enabled", "url": params["url"],
    }
