"""What the gateway (Stripe) holds, and whether it accepts our key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import stripe

from runbook.clock import Window
from runbook.errors import BadInput, CannotLook
from runbook.target import Gateway, Secret
from runbook.wires import http
from runbook.wires.gateway import status_page
from runbook.wires.gateway.client import Kind, Mode, Wire, code_of, explain, rejected

PAGE = 100  # Stripe's largest page
TYPES_MAX = 20  # Stripe's limit for `types` on the events list
# "No such payment_intent: 'pi_…'; a similar object exists in test mode, but a live mode key was used to make this
# request." The id is unique over both modes, so the similar object is this one.
IN_THE_OTHER_MODE = "a similar object exists in"

Whereabouts = Literal["here", "other mode", "nowhere"]


@dataclass(frozen=True)
class KeyCheck:
    """`accepted` is None when nobody could be asked; `reason` says why it is not accepted, or what it may not."""

    accepted: bool | None
    mode: Mode
    kind: Kind
    reason: str


class GatewayReader(Wire):
    """Reads of the gateway. Every failure raises CannotLook with one sentence."""

    def __init__(self, settings: Gateway, key: Secret | None = None) -> None:
        super().__init__(settings, key or settings.read_key)

    def account(self) -> dict[str, Any]:
        return self._get("The gateway's account could not be read", "/v1/account")

    def balance(self) -> dict[str, Any]:
        return self._get("The gateway's balance could not be read", "/v1/balance")

    def find(self, path: str) -> dict[str, Any] | None:
        """The object at `path` (`/v1/payment_intents/pi_…`), None only when the gateway says that there is none."""

        def ask() -> dict[str, Any] | None:
            try:
                return self.request("get", path)
            except stripe.InvalidRequestError as error:
                if code_of(error) == "resource_missing":
                    return None
                raise

        return self.asked(f"`{path}` could not be read at the gateway", ask)

    def whereabouts(self, path: str) -> Whereabouts:
        """Where the object at `path` lives. Stripe's refusal itself says whether one with this id exists in the other
        mode, so that no key of that mode is needed."""

        def ask() -> Whereabouts:
            try:
                self.request("get", path)
            except stripe.InvalidRequestError as error:
                if code_of(error) != "resource_missing":
                    raise
                return "other mode" if IN_THE_OTHER_MODE in (error.user_message or "") else "nowhere"
            return "here"

        return self.asked(f"`{path}` could not be read at the gateway", ask)

    def every(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Each object of a cursor list, newest first, over all pages.

        An empty page that says `has_more`, or one whose last id repeats, ends in CannotLook: taking it for the end
        would make the missing objects look like missing payments.
        """
        asked = {"limit": PAGE, **(params or {})}
        what = f"The list `{path}` could not be read to its end at the gateway"
        last = ""
        while True:
            page = self._get(what, path, **asked)
            objects = page.get("data") if isinstance(page, dict) else None
            if objects is None:
                raise CannotLook(f"{what}: the answer is not a list. Check `api_base` in the target file.")
            yield from objects
            if not page.get("has_more"):
                return
            if not objects or objects[-1]["id"] == last:
                raise CannotLook(f"{what}: a page announces more and leads nowhere. Run again.")
            last = objects[-1]["id"]
            asked["starting_after"] = last

    def intents(self, window: Window) -> Iterator[dict[str, Any]]:
        return self.every("/v1/payment_intents", _created(window))

    def charges(self, window: Window) -> Iterator[dict[str, Any]]:
        return self.every("/v1/charges", _created(window))

    def refunds(self, window: Window) -> Iterator[dict[str, Any]]:
        return self.every("/v1/refunds", _created(window))

    def disputes(self, window: Window) -> Iterator[dict[str, Any]]:
        return self.every("/v1/disputes", _created(window))

    def events(
        self, window: Window, types: tuple[str, ...] = (), delivery_success: bool | None = None
    ) -> Iterator[dict[str, Any]]:
        """Events of the last 30 days. `delivery_success` False also holds events that are still pending, spans all
        endpoints, and misses a 200 that was rolled back: evidence, never the list of candidates."""
        if len(types) > TYPES_MAX:
            raise BadInput(f"The gateway takes at most {TYPES_MAX} event types at once; {len(types)} were asked for.")
        params = _created(window)
        if types:
            params["types"] = list(types)
        if delivery_success is not None:
            params["delivery_success"] = "true" if delivery_success else "false"
        return self.every("/v1/events", params)

    def webhook_endpoints(self) -> list[dict[str, Any]]:
        return list(self.every("/v1/webhook_endpoints"))

    def key_check(self) -> KeyCheck:
        """Whether the gateway takes our key now. One attempt: the answer is wanted at once."""
        if self.kind == "malformed":
            return KeyCheck(False, self.mode, self.kind, "it does not have the form of a Stripe key")
        try:
            self.request("get", "/v1/account", attempts=1)
        except stripe.PermissionError:
            return self._restricted_key_check()
        except stripe.AuthenticationError as error:
            return KeyCheck(False, self.mode, self.kind, rejected(error))
        except stripe.StripeError as error:
            return KeyCheck(None, self.mode, self.kind, explain(error))
        return KeyCheck(True, self.mode, self.kind, "")

    def _restricted_key_check(self) -> KeyCheck:
        """A restricted key may lack the account and still be good for everything else."""
        try:
            self.request("get", "/v1/payment_intents", attempts=1, limit=1)
        except (stripe.PermissionError, stripe.AuthenticationError) as error:
            return KeyCheck(False, self.mode, self.kind, rejected(error))
        except stripe.StripeError as error:
            return KeyCheck(None, self.mode, self.kind, explain(error))
        return KeyCheck(True, self.mode, self.kind, "without permission to read the account")

    def status_page(self, now: datetime | None = None) -> status_page.StatusPage:
        """The first status page that says something; an unreadable or stale one says nothing."""
        now = now or datetime.now(UTC)
        return status_page.read(self._settings.status_urls, self._settings.timeout_seconds, now)

    def clock(self) -> datetime | None:
        """What time the gateway says it is, to the second; None where it does not say. Raises CannotLook."""
        url = f"{self._settings.api_base.rstrip('/')}/v1/charges"
        return http.date_of(http.ask("GET", url, what="The gateway", seconds=self._settings.timeout_seconds))

    def reachable(self) -> bool:
        """Ask without a key: a 401 proves that the gateway's own front answers. Raises CannotLook otherwise."""
        self.asked("The gateway could not be reached", self._silence.require_rested)
        url = f"{self._settings.api_base.rstrip('/')}/v1/charges"
        began, seconds = time.monotonic(), self._silence.seconds
        try:
            reply = http.ask("GET", url, what="The gateway", seconds=seconds)
        except CannotLook:
            self._silence.waited(began, seconds)
            raise
        self._silence.heard()
        if reply.status != 401:
            raise CannotLook(
                f"The gateway answered {reply.status} to a request without a key, where 401 is expected. "
                "Check `api_base` in the target file, then its status page."
            )
        return True

    def _get(self, what: str, path: str, **params: Any) -> Any:
        return self.asked(what, lambda: self.request("get", path, **params))


def _created(window: Window) -> dict[str, Any]:
    start, end = window.epochs
    return {"created": {"gte": start, "lt": end}}
