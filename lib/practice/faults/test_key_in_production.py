"""The shop runs on keys of the wrong mode: production on test keys, or staging on live ones.

A deployment took the variables of another environment. Stripe keeps its two modes apart, and so customers, cards and
events of one do not exist in the other; what the shop's people see follows from that alone.

variant               secret  webhook  in the web part  what follows
--------------------  ------  -------  ---------------  ---------------------------------------------------------------
test_keys             test    test     test             customers whose id is of live mode cannot check out (502); new
                                                        ones with real cards are declined (test_mode_live_card); who
                                                        knows a test card gets the order, COMPLETED and confirmed,
                                                        without any money
test_secret_key       test    live     live             as above, but the browser's live key knows no test intent: new
                                                        customers' checkouts stay PENDING for ever
test_publishable_key  live    live     test             the other way round: every checkout makes a live intent, and no
                                                        browser can confirm one; the API's log shows nothing at all
test_webhook_secret   test    test     live             the server's two secrets are of test mode, the web part was not
                                                        built again. To the eye it is test_secret_key: whose secret the
                                                        webhook's is can only be shown by a delivery, and here none
                                                        comes. Who sets the secret key alone breaks the next delivery
insufficient_funds    test    test     test             as test_keys, and the shop's smoke test pays with the card that
                                                        always says insufficient_funds; beside it customers' own
                                                        insufficient_funds of the day, which are livemode true
live_key_in_staging   live    live     live             needs a world of mode test: a tester's own card is really
                                                        charged, and staging's row stays PENDING, since production's
                                                        endpoint hears of it; testers with test cards are declined

What was honoured without money, or charged without an order, is for a person to decide: no machine changes a row for
it. What the ordinary day has of the time is taken out: with these keys nobody pays as usual.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from practice.faults import test_key_in_production_live as really
from practice.faults.fault import Affected, Fault, Truth, scaled
from practice.traffic.history import CHECKOUT, WEBHOOK, History, Laid, Wallet
from practice.traffic.people import TEST_CARDS, Person, person
from practice.traffic.plan import MINUTE, Purchase, purchase
from practice.wires.gateway import ApiError
from practice.wires.gateway.keys import Mode
from practice.wires.service import says
from practice.wires.service.settle import EFFECTS

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "test_key_in_production"
STOPS = "It goes on until the application runs with keys of its own mode again, and the web part was built with them."
SIGN_UP = "/api/customers"
INSUFFICIENT_FUNDS_CARD = "4000000000009995"
# When the wrong keys went on the air, in minutes before now: long enough for a dozen tickets, short enough for somebody
# to have seen the silence at Stripe.
BEGAN_AGO = (21, 45)
# Of those who try meanwhile, how many are new. A new customer is the only one who gets past the first request.
NEWCOMERS_PERCENT, ATTEMPTS_MIN, ATTEMPTS_LEAST = 40, 15, 6
# Everybody may read the numbers of the test cards; most do not.
KNOWS_TEST_CARDS_PERCENT = 35
SMOKE_TEST_EVERY_SECONDS = 120
SETTLE_SECONDS_MAX = 5.0
# Nobody who pays within it is still typing when the history ends.
PAYING_SECONDS = 4 * MINUTE
# Numbers of people that no other fault uses: an address belongs to one account.
FIRST_NUMBER = 20_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """Which of the keys are of the wrong mode."""

    secret: bool = False
    publishable: bool = False
    webhook: bool = False
    web: bool = False


VARIANTS: dict[str, Wrong] = {
    "test_keys": Wrong(secret=True, publishable=True, webhook=True, web=True),
    "test_secret_key": Wrong(secret=True),
    "test_publishable_key": Wrong(web=True),
    "test_webhook_secret": Wrong(secret=True, webhook=True),
    "insufficient_funds": Wrong(secret=True, publishable=True, webhook=True, web=True),
    "live_key_in_staging": Wrong(secret=True, publishable=True, webhook=True, web=True),
}


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Lay what came of the wrong keys, and put them in force. Raises ValueError in a world of the wrong mode."""
    own = world.history.mode
    if (variant == "live_key_in_staging") != (own == "test"):
        raise ValueError(f"`{variant}` does not fit a world of mode {own}; it needs one of mode "
                         f"{'live' if own == 'test' else 'test'}")
    random = Random(f"{CAUSE} {variant} {seed}")
    began = round(world.now() - random.uniform(*BEGAN_AGO) * MINUTE, 3)
    other: Mode = "test" if own == "live" else "live"
    secret = endpoint_secret(world, other, began)
    world.quiet_since(began)
    laying = Laying(world, variant, random, began, other)
    laying.lay()
    world.add(laying.history)
    with world.held() if live else contextlib.nullcontext():
        # What Stripe told in the last seconds was told before: with another secret it would not be believed.
        world.gateway.webhooks.settle(SETTLE_SECONDS_MAX)
        for app, values in environment(world, variant, secret).items():
            world.reconfigure(values, app=app, at=began)
    affected = list(laying.affected)
    if live:
        affected += really.break_payments(world, variant, seed)
    return Truth(CAUSE, variant, seed, began, world.now(), STOPS, tuple(affected), hands_over=hands_over(world),
                 still_broken=really.still_broken)


def environment(world: World, variant: str, webhook_secret: str) -> dict[str, dict[str, str | None]]:
    """What each application's container runs with; applications that have nothing wrong are not touched."""
    wrong = VARIANTS[variant]
    own = world.history.mode
    keys = world.gateway.keys["test" if own == "live" else "live"]
    api: dict[str, str | None] = {}
    if wrong.secret:
        api["STRIPE_SECRET_KEY"] = keys.secret
    if wrong.publishable:
        api["STRIPE_PUBLISHABLE_KEY"] = keys.publishable
    if wrong.webhook:
        api["STRIPE_WEBHOOK_SECRET"] = webhook_secret
    web: dict[str, str | None] = {"NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": keys.publishable} if wrong.web else {}
    return {app: values for app, values in (("api", api), ("web", web)) if values}


def endpoint_secret(world: World, other: Mode, began: float) -> str:
    """The secret of an endpoint in the other mode. Test mode has one at our own URL, as developers leave them behind.
    Live mode's is production's; here it asks for disputes alone, so that nothing of a practice world is ever sent to
    another host."""
    url, events = (world.service_url + WEBHOOK, list(EFFECTS)) if other == "test" else (
        "https://shop.example" + WEBHOOK, ["charge.dispute.created"])
    with world.gateway.engine.at(began - 40 * 86_400.0, "none"):
        made = world.gateway.engine.mode(other).create_webhook_endpoint(
            {"url": url, "enabled_events": events, "description": "left from development"})
    return str(made["secret"])


def hands_over(world: World) -> dict[str, str]:
    """What a person fetches from the Dashboard: a secret key can only be made anew, the other two can be read there."""
    own = world.history.mode
    return {
        "PRACTICE_NEW_SECRET_KEY": world.gateway.issue_key(own),
        "PRACTICE_NEW_PUBLISHABLE_KEY": world.gateway.keys[own].publishable,
        "PRACTICE_NEW_WEBHOOK_SECRET": world.endpoint["secret"],
    }


class Laying:
    """Lays everybody's attempts between `began` and now, in the order of their times."""

    def __init__(self, world: World, variant: str, random: Random, began: float, other: Mode) -> None:
        self.world, self.variant, self.random, self.began, self.other = world, variant, random, began, other
        self.affected: list[Affected] = []
        own = world.history.mode
        # The mode that intents are made in follows the secret key; new customers are of the same.
        self.history = History(world.gateway.engine, mode=other if VARIANTS[variant].secret else own)
        self.numbers = iter(range(FIRST_NUMBER, FIRST_NUMBER + 10_000))

    def lay(self) -> None:
        if self.variant == "insufficient_funds":
            self._lay_smoke_test()
        for at in self._moments():
            self._try(at)

    def _moments(self) -> Iterator[float]:
        """One try after another, as often as people came on this day; the last a moment ago."""
        now = self.world.now()
        usual = round(len(self.world.plan.purchases) * (now - self.began) / 86_400)
        count = scaled(self.world, max(ATTEMPTS_MIN, usual), ATTEMPTS_LEAST)
        moments = [self.random.uniform(self.began + 20, now - PAYING_SECONDS) for _ in range(count)]
        return iter([*sorted(moments), now - self.random.uniform(30, 100)])

    def _try(self, at: float) -> None:
        new = self.random.randrange(100) < NEWCOMERS_PERCENT and at < self.world.now() - PAYING_SECONDS
        knows = self.random.randrange(100) < KNOWS_TEST_CARDS_PERCENT
        if self.variant == "test_publishable_key":
            self._leave_unconfirmed(self._regular(at, self.world.history.wallets))
        elif not new:
            self._refuse(self.random.choice(self.world.plan.people), at)
        elif not VARIANTS[self.variant].web:
            self._leave_unconfirmed(self._newcomer(at))
        elif self.other == "live":
            self._charge_really(at) if knows else self._decline(at, "live_mode_test_card")
        elif knows and self.variant == "test_keys":
            self._honour(at)
        else:
            self._decline(at, "test_mode_live_card")

    def _regular(self, at: float, wallets: dict[str, Wallet]) -> Purchase:
        who = self.random.choice(self.world.plan.people)
        self.history.wallets[who.user_id] = wallets[who.user_id]
        return purchase(self.random, who, at, "abandoned")

    def _newcomer(self, at: float, card: str = "") -> Purchase:
        """Somebody signs up and goes to the checkout, with a card of their own or with this one."""
        who = person(self.random, next(self.numbers), at - self.random.uniform(15, 150))
        who = replace(who, currency=self.random.choice(self.world.plan.people).currency)
        self._sign_up(who, card or who.card)
        return purchase(self.random, who, at, "abandoned")

    def _sign_up(self, who: Person, card: str) -> None:
        self.history.register(who)
        at, random = who.registered_at, self.random
        with self.history.engine.at(at, "none"):
            method = self.history.stripe.create_payment_method({"type": "card", "card": {"number": card}})["id"]
        self.history.wallets[who.user_id] = Wallet(self.history.wallets[who.user_id].customer, method)
        self.history.records += (
            says.stripe_call(at + 0.11, "POST", "/v1/customers", 200, 104, request_id(random)),
            says.access(at + 0.118, "POST", SIGN_UP, 201, 118),
        )

    def _leave_unconfirmed(self, made: Purchase) -> None:
        """The checkout is made, and the browser's key does not know its intent: Stripe never hears of it again."""
        self.history.lay(made)

    def _refuse(self, who: Person, at: float) -> None:
        """A known customer's id is of the other mode, so Stripe makes no intent and the shop no row."""
        customer, params = self.world.history.wallets[who.user_id].customer, {"amount": 1000, "currency": who.currency}
        try:
            self.history.stripe.create_payment_intent(params | {"customer": customer})
        except ApiError as refusal:
            ms = self.random.randint(60, 130)
            self.history.records += (
                says.stripe_refusal(
                    at + ms / 1000 - 0.004, "POST", "/v1/payment_intents", refusal.status, ms - 7,
                    request_id(self.random), kind="InvalidRequestError", error_type="invalid_request_error",
                    code=refusal.code or "", decline_code="", message=refusal.message),
                says.access(at + ms / 1000, "POST", CHECKOUT, 502, ms),
            )

    def _decline(self, at: float, code: str) -> None:
        made = self._newcomer(at, TEST_CARDS[0] if self.other == "live" else "")
        if self.other == "live":
            self._confirm_unheard(replace(made, decline_code=code))
        else:
            self.history.lay(replace(made, outcome="declined", decline_code=code))

    def _honour(self, at: float) -> None:
        """Paid with a test card, recorded and confirmed by mail: an order without money."""
        made = self._newcomer(at, self.random.choice(TEST_CARDS))
        laid = self.history.lay(replace(made, outcome="paid", paid_after=min(made.paid_after, 3 * MINUTE)))
        self.affected.append(left_to_a_person(laid, self.variant))

    def _charge_really(self, at: float) -> None:
        """Staging took real money, and never heard of it."""
        made = self._newcomer(at)
        self.affected.append(left_to_a_person(self._confirm_unheard(made), self.variant))

    def _confirm_unheard(self, made: Purchase) -> Laid:
        made = replace(made, paid_after=min(made.paid_after, 3 * MINUTE))
        row = self.history.check_out(made)
        return Laid(made, row.intent, self.history.pay(made, row.intent, "none"))

    def _lay_smoke_test(self) -> None:
        """It signs up once, then pays every other minute with the card that never has the money."""
        made = person(self.random, next(self.numbers), self.began + 14)
        smoke = replace(made, email="checkout.smoke@shop.example", name="Checkout Smoke Test", currency="usd",
                        card=INSUFFICIENT_FUNDS_CARD)
        self._sign_up(smoke, smoke.card)
        at = self.began + 31
        while at < self.world.now() - PAYING_SECONDS:
            one = purchase(self.random, smoke, at, "declined")
            self.history.lay(replace(one, amount=100, paid_after=2.0, decline_code="insufficient_funds"))
            at += SMOKE_TEST_EVERY_SECONDS


def request_id(random: Random) -> str:
    return f"req_{random.getrandbits(56):014x}"


def left_to_a_person(laid: Laid, variant: str) -> Affected:
    made = laid.purchase
    return Affected(laid.intent, laid.event, str(made.transaction), made.order, made.person.user_id, made.amount,
                    made.currency, variant, "work_list", made.at + made.paid_after)


FAULT = Fault(CAUSE, tuple(VARIANTS), STOPS, inject)
