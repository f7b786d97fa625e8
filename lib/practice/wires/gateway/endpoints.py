"""Webhook endpoints, their secrets, and the delivery of events to them."""

from typing import Any
from urllib.parse import urlsplit

from . import errors
from .base import Base, State, act
from .customers import merged_metadata
from .objects.notice import webhook_endpoint
from .table import Object

# Stripe allows sixteen endpoints for an account.
ENDPOINTS_MAX = 16
# After a roll in the Dashboard the old secret may stay valid for up to a day.
ROLL_OVERLAP_SECONDS_MAX = 86_400


class Endpoints(Base):
    """Acts on webhook endpoints and on deliveries."""

    @act
    def create_webhook_endpoint(self, params: dict[str, Any]) -> Object:
        """A new endpoint. The answer alone shows its secret; no later read does."""
        self._check(params)
        if len(self.tables["webhook_endpoint"]) >= ENDPOINTS_MAX:
            raise errors.invalid(f"You have reached the maximum of {ENDPOINTS_MAX} webhook endpoints.")
        item = self.add(webhook_endpoint(self.ids.new("we"), self.now, self.livemode, params))
        secret = self.ids.new("whsec")
        self.endpoint_secrets[item["id"]] = [(secret, None)]
        return item | {"secret": secret}

    @act
    def update_webhook_endpoint(self, id: str, params: dict[str, Any]) -> Object:
        """Change an endpoint; enabled again, it gets what is still pending."""
        item = self.find("webhook_endpoint", id, "webhook_endpoint")
        self._check(params)
        item.update({name: params[name] for name in ("url", "enabled_events", "description") if name in params})
        if "metadata" in params:
            item["metadata"] = merged_metadata(item["metadata"], params["metadata"])
        if "disabled" in params:
            self._enable(item, not params["disabled"])
        return item

    @act
    def delete_webhook_endpoint(self, id: str) -> Object:
        """Remove an endpoint: nothing more is sent to it."""
        self.find("webhook_endpoint", id, "webhook_endpoint")
        self.tables["webhook_endpoint"].remove(id)
        del self.endpoint_secrets[id]
        for deliveries in self.deliveries.values():
            deliveries.states.pop(id, None)
        return {"id": id, "object": "webhook_endpoint", "deleted": True}

    @act
    def retry_event(self, id: str, params: dict[str, Any]) -> Object:
        """Queue one fresh delivery, as the Stripe CLI's resend does; the answer is the event."""
        event = self.find("event", id)
        if "webhook_endpoint" not in params:
            raise errors.missing_param("webhook_endpoint")
        endpoint = self.find("webhook_endpoint", params["webhook_endpoint"], "webhook_endpoint")
        if endpoint["status"] != "enabled":
            raise errors.invalid(f"The webhook endpoint {endpoint['id']} is disabled.", param="webhook_endpoint")
        if not {"*", event["type"]} & set(endpoint["enabled_events"]):
            raise errors.invalid(f"The webhook endpoint {endpoint['id']} is not subscribed to {event['type']}.",
                                 param="webhook_endpoint")
        self.deliveries[id].states.setdefault(endpoint["id"], "pending")
        self.engine.courier.carry(self.mode, id, endpoint["id"], once=True)
        return self.shown(event)

    @act
    def set_delivery(self, event_id: str, state: State) -> None:
        """Say what became of an event at every endpoint subscribed to it. For the world: history is made so."""
        event = self.find("event", event_id)
        deliveries = self.deliveries[event_id]
        targets = {endpoint["id"] for endpoint in self.subscribers(event["type"])} | set(deliveries.states)
        deliveries.states = dict.fromkeys(sorted(targets), state)

    @act
    def roll_secret(self, id: str, overlap_seconds: float = 0.0) -> str:
        """A new signing secret, as a person rolls it in the Dashboard; the old one signs along until the overlap
        (wall time, at most a day) is over. For the world alone."""
        if not 0 <= overlap_seconds <= ROLL_OVERLAP_SECONDS_MAX:
            raise ValueError("an old secret can stay valid for a day at most")
        self.find("webhook_endpoint", id, "webhook_endpoint")
        until = self.engine.courier.wall_time() + overlap_seconds
        secret = self.ids.new("whsec")
        self.endpoint_secrets[id] = [(secret, None), *((old, until) for old, end in self.endpoint_secrets[id]
                                                       if end is None)]
        return secret

    def signing_secrets(self, id: str) -> list[str]:
        """The secrets that sign for an endpoint now, the newest first."""
        now = self.engine.courier.wall_time()
        return [secret for secret, until in self.endpoint_secrets[id] if until is None or now < until]

    def _enable(self, item: Object, enabled: bool) -> None:
        was = item["status"]
        item["status"] = "enabled" if enabled else "disabled"
        if was == "disabled" and enabled:
            for event_id, deliveries in self.deliveries.items():
                if deliveries.states.get(item["id"]) == "pending":
                    self.engine.courier.carry(self.mode, event_id, item["id"])

    def _check(self, params: dict[str, Any]) -> None:
        url = urlsplit(params.get("url", "http://localhost"))
        if url.scheme not in ("http", "https") or not url.hostname:
            raise errors.invalid("Invalid URL: An explicit scheme (such as https) must be provided.",
                                 code="url_invalid", param="url")
        if "enabled_events" in params and not params["enabled_events"]:
            raise errors.invalid("Invalid enabled_events: at least one event must be named", param="enabled_events")
