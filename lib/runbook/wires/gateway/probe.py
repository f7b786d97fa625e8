"""A key that is not the runbook's own, tried at the gateway in memory: does it let in, and may it do what is needed?

Nothing comes of the tries: reads, and writes to objects that do not exist, which the gateway answers with 404 to a key
that would be allowed and with 403 to one that is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe

from runbook.target import Gateway
from runbook.target.secret import Held
from runbook.wires.gateway.client import Wire, code_of, explain, rejected

# What a payments service cannot do without: permission → a write that has no effect.
NEEDED = {
    "payment intents": "/v1/payment_intents/pi_runbookProbe",
    "customers": "/v1/customers/cus_runbookProbe",
}


@dataclass(frozen=True)
class Answer:
    """`yes` is None when nobody could be asked; `because` holds no piece of a key."""

    yes: bool | None
    because: str = ""


class KeyProbe(Wire):
    """One key's standing with the gateway. One attempt each: the answer is wanted at once."""

    needed = tuple(NEEDED)

    def __init__(self, settings: Gateway, key: str) -> None:
        super().__init__(settings, Held("a key of the service", key))

    def accepted(self) -> Answer:
        """Whether the gateway knows the key at all."""
        answer, _ = self._tried("get", "/v1/account")
        return answer if answer.yes is not False or "permission" not in answer.because else Answer(True)

    def account(self) -> str:
        """The account that the key opens, empty where it may not say."""
        _, found = self._tried("get", "/v1/account")
        return str(found["id"]) if found else ""

    def may_write(self, what: str) -> Answer:
        answer, _ = self._tried("post", NEEDED[what])
        return answer

    def knows(self, intent: str, client_secret: str) -> Answer:
        """Whether a browser with this publishable key reaches the payment, asked as the browser asks."""
        answer, _ = self._tried("get", f"/v1/payment_intents/{intent}", client_secret=client_secret)
        return answer if answer.because != MISSING else Answer(False, "the gateway does not know our payments by it")

    def _tried(self, method: str, path: str, **params: Any) -> tuple[Answer, Any]:
        try:
            return Answer(True), self.request(method, path, attempts=1, **params)
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            return Answer(False, rejected(error)), None
        except stripe.InvalidRequestError as error:
            missing = code_of(error) == "resource_missing"
            if missing and method == "post":
                return Answer(True), None
            return Answer(False, MISSING if missing else explain(error)), None
        except stripe.StripeError as error:
            return Answer(None, explain(error)), None


MISSING = "no such object"
