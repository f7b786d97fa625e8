"""The gateway's client: no global state, a throttle, bounded patience, and errors as sentences without a key."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import stripe

from runbook.errors import BadInput, CannotLook, RunbookError
from runbook.target import Gateway, Secret
from runbook.wires.gateway.silence import Silence, Silent

stripe.enable_telemetry = False  # otherwise the first request writes a file into the home directory

ATTEMPTS = 4  # with the waits below a burst of rate limiting or a failover passes; an outage does not, and is said
FIRST_WAIT_SECONDS = 0.5  # doubled each time, as the SDK does
LONGEST_MESSAGE = 200

KEY = re.compile(r"(sk|rk|pk)_(live|test)_[A-Za-z0-9]{8,}")
KINDS = {"sk": "secret", "rk": "restricted", "pk": "publishable"}
SECRET_SHAPE = re.compile(r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_*]+")

Mode = Literal["live", "test", "unknown"]
Kind = Literal["secret", "restricted", "publishable", "malformed"]


def shape(key: str) -> tuple[Mode, Kind]:
    """Mode and kind of a key from its form alone."""
    found = KEY.fullmatch(key)
    return (found[2], KINDS[found[1]]) if found else ("unknown", "malformed")  # type: ignore[return-value]


class Wire:
    """A client without global state, a throttle, and errors as sentences."""

    def __init__(self, settings: Gateway, key: Secret) -> None:
        self._settings = settings
        revealed = key.reveal().strip()
        if not re.fullmatch(r"[!-~]+", revealed):
            raise BadInput(f"The key in {key!r} holds a space or a character that no key has; set the variable again.")
        self.mode, self.kind = shape(revealed)
        base = settings.api_base.rstrip("/")
        self._clients = cache(lambda seconds: client(revealed, base, seconds))
        self._silence = Silence(settings.timeout_seconds)
        self._pause = 1 / settings.requests_per_second
        self._next_at = 0.0
        self._turn = threading.Lock()

    def request(self, method: str, path: str, *, attempts: int = ATTEMPTS, **params: Any) -> Any:
        """One answer as plain dicts and lists; raises the SDK's error after the last attempt."""
        for attempt in range(1, attempts + 1):
            self._throttle()
            try:
                return self._look(method, path, params)
            except stripe.StripeError as error:
                if attempt == attempts or not _worth_another(error, attempt):
                    raise
                time.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1))
        raise AssertionError("the last attempt returns or raises")

    def _look(self, method: str, path: str, params: dict[str, Any]) -> Any:
        """One request. A read is hurried while the gateway is silent; a write has its whole time in any case, because
        one that is given up half way may still have been carried out."""
        reads = method == "get"
        if reads:
            self._silence.require_rested()
        began, seconds = time.monotonic(), self._silence.seconds if reads else self._settings.timeout_seconds
        try:
            answer = self._clients(seconds).raw_request(method, path, **params).data
        except stripe.APIConnectionError:
            self._silence.waited(began, seconds)
            raise
        except stripe.StripeError:
            self._silence.heard()
            raise
        self._silence.heard()
        return answer

    def _throttle(self) -> None:
        """Several threads may ask; together they keep to the one rate."""
        with self._turn:
            now = time.monotonic()
            mine = max(now, self._next_at)
            self._next_at = mine + self._pause
        if mine > now:
            time.sleep(mine - now)

    def asked(self, what: str, ask: Callable[[], Any], failure: type[RunbookError] = CannotLook) -> Any:
        """The answer of `ask`, or one sentence that holds no key (also not in the exception's context)."""
        try:
            return ask()
        except stripe.StripeError as error:
            sentence = f"{what}: {explain(error)}"
            failure = CannotLook if unanswered(error) else failure
        raise failure(sentence)


def client(key: str, base: str, seconds: float) -> stripe.StripeClient:
    """A client that gives up after so long. Retries are our own: the SDK repeats no 429 and would not show that it
    waited."""
    http = stripe.RequestsClient(timeout=seconds)
    return stripe.StripeClient(key, base_addresses={"api": base}, http_client=http, max_network_retries=0)


def explain(error: stripe.StripeError) -> str:
    """Cause and next move, without any part of a key."""
    status = error.http_status
    if isinstance(error, Silent):
        return str(error)
    if isinstance(error, stripe.APIConnectionError):
        return "it could not be reached in time. Check `api_base` in the target file and the network, then run again."
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return f"{rejected(error)}. Check the key that the target names; notebook 10 is about rejected keys."
    if isinstance(error, stripe.RateLimitError):
        limit = (error.headers or {}).get("Stripe-Rate-Limited-Reason", "")
        return f"it limits our rate{f' ({limit})' if limit else ''}. Wait a minute or lower `requests_per_second`."
    if status is None or status >= 500 or status == 200:
        return f"it answered {status or 'nothing'}, which is trouble on its own side. Look at its status page."
    return f"it answered {status}, {_told(error)}. Correct the request or the target file."


def code_of(error: stripe.StripeError) -> str:
    """The gateway's error code; the SDK keeps it in another place for some kinds of errors."""
    return error.code or (error.error.code if error.error else None) or ""


def rejected(error: stripe.StripeError) -> str:
    """Why a key was not taken: its own words name a piece of the key, so only the kind of refusal is told."""
    if code_of(error) == "api_key_expired":
        return "the gateway says that the key has expired (401)"
    if error.http_status == 403:
        return "the gateway knows the key and denies it this permission (403)"
    return "the gateway rejects the key (401)"


def unanswered(error: stripe.StripeError) -> bool:
    """True where the gateway did not decide: nobody answered, a rate limit, trouble on its side, a rejected key."""
    status = error.http_status
    refused = isinstance(error, stripe.AuthenticationError | stripe.RateLimitError)
    return refused or status is None or status >= 500 or status == 200


def _told(error: stripe.StripeError) -> str:
    text = SECRET_SHAPE.sub("(key)", error.user_message or "no reason given").rstrip(".")
    code = f"`{code_of(error)}`: " if code_of(error) else ""
    return code + " ".join(text.split())[:LONGEST_MESSAGE]


def _worth_another(error: stripe.StripeError, attempt: int) -> bool:
    """Bounded patience: a rate limit and trouble on the other side pass, a hanging connection is tried twice."""
    if isinstance(error, stripe.APIConnectionError):
        return attempt < 2 and not isinstance(error, Silent)
    if (error.headers or {}).get("Stripe-Should-Retry") == "false":
        return False
    status = error.http_status or 0
    return isinstance(error, stripe.RateLimitError) or status == 409 or status >= 500
