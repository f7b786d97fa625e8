"""The payments service's own HTTP face: its health, its refusal of events that are not Stripe's, and test payments."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from runbook.errors import CannotLook, Refused
from runbook.target import Service
from runbook.wires import http

REFUSALS = range(400, 500)
# The probes' body names itself, so that a person who finds it in the service's log knows whose it was.
PROBE = msgspec.json.encode({"id": "evt_runbook_probe", "object": "event", "type": "runbook.probe", "data": {}})


@dataclass(frozen=True)
class Health:
    ok: bool
    status: int  # HTTP; 0 when no answer came, and `detail` then says why
    detail: str
    milliseconds: int


@dataclass(frozen=True)
class Refusal:
    """Whether the webhook route refused an event that is not Stripe's. `refused` is None where that cannot be told,
    because the route answered with trouble of its own."""

    refused: bool | None
    status: int
    detail: str
    milliseconds: int


class ServiceReader:
    """Questions that change nothing. A probe without an answer raises CannotLook with one sentence."""

    def __init__(self, settings: Service) -> None:
        self._settings = settings

    def health(self) -> Health:
        url = self._settings.base_url.rstrip("/") + self._settings.paths.health
        headers = _bearer(self._settings)
        try:
            reply = http.ask("GET", url, what="The service", seconds=self._settings.timeout_seconds, headers=headers)
        except CannotLook as error:
            return Health(False, 0, str(error), 0)
        return Health(200 <= reply.status < 300, reply.status, _said(reply), reply.milliseconds)

    def clock(self) -> datetime | None:
        """What time the service says it is, to the second; None where it does not say. Raises CannotLook."""
        url = self._settings.base_url.rstrip("/") + self._settings.paths.health
        return http.date_of(http.ask("GET", url, what="The service", seconds=self._settings.timeout_seconds))

    def refuses_unsigned_event(self) -> Refusal:
        """Sends an event without a signature to the URL that is registered with the gateway. Anything but a refusal
        means that whoever knows the address can mark payments as paid."""
        return self._probe({})

    def refuses_wrong_signature(self) -> Refusal:
        """Sends an event with a fresh time and a random signature."""
        return self._probe({"Stripe-Signature": f"t={int(time.time())},v1={secrets.token_hex(32)}"})

    def _probe(self, headers: Mapping[str, str]) -> Refusal:
        reply = http.ask(
            "POST",
            self._settings.webhook_url,
            what="The webhook route",
            seconds=self._settings.timeout_seconds,
            body=PROBE,
            headers={"Content-Type": "application/json", **headers},
        )
        if reply.status in (400, 401, 403):
            return Refusal(True, reply.status, "refused, as it should be", reply.milliseconds)
        if 200 <= reply.status < 300:
            return Refusal(False, reply.status, "accepted: signatures are not checked", reply.milliseconds)
        detail = f"answered {reply.status}, which neither accepts nor refuses the event: {_said(reply)}"
        return Refusal(None, reply.status, detail, reply.milliseconds)


class ServiceWriter:
    """Test payments through the service's own front door; practice and test-mode targets only, decided by repair."""

    def __init__(self, settings: Service) -> None:
        self._settings = settings

    def create_customer(self, email: str, name: str) -> dict[str, Any]:
        return self._post(self._settings.paths.customers, {"email": email, "name": name})

    def create_intent(self, user_id: str, amount_minor: int, currency: str, order_key: str) -> dict[str, Any]:
        body = {"userId": user_id, "amount": amount_minor, "currency": currency, "orderId": order_key}
        return self._post(self._settings.paths.create_intent, body)

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's JSON object. Refused when the service says no, CannotLook when it has trouble of its own."""
        reply = http.ask(
            "POST",
            self._settings.base_url.rstrip("/") + path,
            what="The service",
            seconds=self._settings.timeout_seconds,
            body=msgspec.json.encode(body),
            headers={"Content-Type": "application/json", **_bearer(self._settings)},
        )
        if reply.status in REFUSALS:
            raise Refused(f"The service refused `{path}` with {reply.status}: {_said(reply)}. Nothing was paid.")
        try:
            answer = msgspec.json.decode(reply.body)
        except msgspec.DecodeError:
            answer = None
        if not 200 <= reply.status < 300 or not isinstance(answer, dict):
            raise CannotLook(f"The service answered `{path}` with {reply.status}: {_said(reply)}. Look at its log.")
        return answer


def _bearer(settings: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.admin_token.reveal()}"} if settings.admin_token else {}


def _said(reply: http.Reply) -> str:
    """The answer's beginning on one line; bodies of a service are its own words and not secrets of ours."""
    return " ".join(reply.text.split())[:200] or "no text"
