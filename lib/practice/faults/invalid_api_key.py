"""Stripe does not take the key that the shop runs with, in nine ways, or the browser's key does not fit the server's.

variant                what happened                                     what is seen
---------------------  ------------------------------------------------  -----------------------------------------------
revoked                the secret key was rolled in the Dashboard, and   401 in the log at every checkout
                       the service still runs with the old one
expired                the old key was rolled with a time limit, which   401, api_key_expired
                       is over
restricted             a restricted key that may not write intents       403 on intents, while customers can be made
publishable_as_secret  the publishable key stands where the secret one   403, secret_key_required
                       belongs
malformed_quotes       pasted with its quotes, and stored with them      401 in the log at every checkout
malformed_space        pasted from two lines of a mail                   the same
malformed_newline      stored with its line end                          no answer: the SDK does not send such a header,
                                                                         and its message holds the key
missing                the variable was lost in an edit                  the container ends at once, again and again
mismatched_pair        the publishable key is another account's          the log is clean: checkouts are made, and no
                                                                         browser can confirm one
web_not_rebuilt        both keys were rolled; the web part's variable    the same: the page still holds the old key
                       was changed, and its page never built again

The ordinary day is laid as if all was well: for as long as the fault lasts its payments stand beside the refused ones.
Nobody is charged and no row is made, so no payment is affected; what is lost are sales.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from practice.faults.fault import HEALTHY, Face, Fault, Truth
from practice.traffic.history import CHECKOUT, LETTERS, History
from practice.traffic.plan import MINUTE, purchase
from practice.wires.deploy import dotenv
from practice.wires.gateway import ApiError
from practice.wires.service import says
from practice.wires.service.records import Record

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "invalid_api_key"
STOPS = "It goes on until the service runs with a key that Stripe takes, and the web part was built with its fellow."
VARIANTS = ("revoked", "expired", "restricted", "publishable_as_secret", "malformed_quotes", "malformed_space",
            "malformed_newline", "missing", "mismatched_pair", "web_not_rebuilt")
IN_THE_BROWSER = ("mismatched_pair", "web_not_rebuilt")
SECRET, PUBLISHABLE, PAGE = "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"
# When the key ceased to work, in minutes before now: long enough for a page, short enough that the ordinary day beside
# it is a small contradiction.
BEGAN_AGO = (20, 40)
# Who is refused tries again.
TRIES_EACH, ATTEMPTS_MIN = 2.5, 20
# The SDK's exception, and Stripe's word for it, by the status of the answer.
REFUSALS = {401: ("AuthenticationError", "authentication_error"), 403: ("PermissionError", "permission_error")}
NO_HEADER = ("Unexpected error communicating with Stripe. If this problem persists, let us know at support@stripe.com. "
             "(Network error: InvalidHeader: Invalid leading whitespace, reserved character(s), or return character(s) "
             "in header value: {header!r})")


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Put the key out of force, and lay how everybody has been refused since."""
    random = Random(f"{CAUSE} {variant} {seed}")
    began = round(world.now() - random.uniform(*BEGAN_AGO) * MINUTE, 3)
    with world.held() if live else contextlib.nullcontext():
        key = spoil(world, variant, began)
        lay(world, variant, random, began, key)
    return Truth(CAUSE, variant, seed, began, world.now(), STOPS, (), hands_over=hands_over(world),
                 still_broken=still_broken, face=Face(0, 0, 0) if variant == "missing" else HEALTHY)


def spoil(world: World, variant: str, began: float) -> str:
    """Make it so, at Stripe or in the containers; returns the secret key that the service is left with."""
    gateway, mode = world.gateway, world.history.mode
    key, pair = gateway.keys[mode].secret, gateway.keys[mode].publishable
    at_stripe = {"revoked": gateway.faults.revoke, "expired": gateway.faults.expire}
    texts = {
        "restricted": lambda: gateway.issue_key(mode, "restricted", frozenset({"customer_write"})),
        "publishable_as_secret": lambda: pair,
        "malformed_quotes": lambda: f'"{key}"',
        "malformed_space": lambda: f"{key[:40]} {key[40:]}",
        "malformed_newline": lambda: f"{key}\n",
    }
    if variant in at_stripe:
        at_stripe[variant](key)
        return key
    if variant == "mismatched_pair":
        other = gateway.issue_foreign_key(mode)
        world.reconfigure({PUBLISHABLE: other}, at=began)
        world.reconfigure({PAGE: other}, app="web", at=began)
        return key
    if variant == "web_not_rebuilt":
        return roll(world, began, key, pair)
    text = texts[variant]() if variant in texts else None
    world.reconfigure({SECRET: text}, at=began)
    return text or ""


def roll(world: World, began: float, key: str, pair: str) -> str:
    """Both keys are rolled. The service gets the new ones; of the web part only the stored variable changes."""
    gateway, mode = world.gateway, world.history.mode
    new, shown = gateway.issue_key(mode), gateway.issue_key(mode, "publishable")
    world.reconfigure({SECRET: new, PUBLISHABLE: shown}, at=began)
    if applications := getattr(world, "applications", None):  # a light world has no web part
        web = applications.known["web"]
        web.stored = dotenv.changed(web.stored, PAGE, shown)
    for old in (key, pair):
        gateway.faults.revoke(old)
    return new


def lay(world: World, variant: str, random: Random, began: float, key: str) -> None:
    """The tries of everybody since then. A service that does not run has nothing to say of them."""
    if variant == "missing":
        return
    history = History(world.gateway.engine, wallets=dict(world.history.wallets), mode=world.history.mode)
    for at in moments(world, random, began):
        made = purchase(random, random.choice(world.plan.people), at, "abandoned")
        if variant in IN_THE_BROWSER:
            history.lay(made)
        else:
            history.records += refused(world, random, at, key)
    world.add(history)


def moments(world: World, random: Random, began: float) -> Iterator[float]:
    span = world.now() - began
    count = max(ATTEMPTS_MIN, round(len(world.plan.purchases) * span / 86_400 * TRIES_EACH))
    return iter(sorted(random.uniform(began + 20, world.now() - 30) for _ in range(count)))


def refused(world: World, random: Random, at: float, key: str) -> tuple[Record, ...]:
    """A checkout that ends at Stripe's door, as the service logs it; a test compares it with the running one."""
    ms, answer = random.randint(60, 130), world.gateway.refusal(key, "payment_intent_write")
    request = "req_" + "".join(random.choices(LETTERS, k=14))
    done = at + ms / 1000
    if key != key.rstrip("\n"):
        said = says.stripe_refusal(
            done - 0.004, "POST", "/v1/payment_intents", 0, ms - 7, "", kind="APIConnectionError",
            error_type="api_connection_error", code="", decline_code="",
            message=NO_HEADER.format(header=f"Bearer {key}"))
    else:
        assert isinstance(answer, ApiError)
        kind, word = REFUSALS[answer.status]
        said = says.stripe_refusal(
            done - 0.004, "POST", "/v1/payment_intents", answer.status, ms - 7, request, kind=kind, error_type=word,
            code=answer.code or "", decline_code="", message=answer.message)
    return said, says.access(done, "POST", CHECKOUT, 502, ms)


def hands_over(world: World) -> dict[str, str]:
    """What a person fetches from the Dashboard: a secret key is made anew, the publishable one stands there."""
    gateway, mode = world.gateway, world.history.mode
    shown = world.process.definition.environment.get(PUBLISHABLE, "")
    if not opens(world, shown):
        shown = gateway.keys[mode].publishable
    return {
        "PRACTICE_NEW_SECRET_KEY": gateway.issue_key(mode),
        "PRACTICE_NEW_PUBLISHABLE_KEY": shown,
    }


def still_broken(world: World) -> str:
    """Stripe is asked about the keys that really run: the service's, and the one in the page."""
    running = world.process.definition.environment
    key = running.get(SECRET, "")
    if key != key.strip() or world.gateway.refusal(key, "payment_intent_write"):
        return "Stripe still refuses the secret key that the service runs with."
    if not opens(world, running.get(PUBLISHABLE, "")):
        return "The API still runs with a publishable key that is revoked, or another account's."
    if not opens(world, world.applications.page_key()):
        return "The web part is still built with a publishable key that is revoked, or another account's."
    return ""


def opens(world: World, publishable: str) -> bool:
    """Whether a page with this key reaches this shop's payments."""
    try:
        return world.gateway.as_browser(publishable) is world.gateway.engine.mode(world.history.mode)
    except ApiError:
        return False


FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
