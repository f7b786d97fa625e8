"""The wrong keys, really in force: people meet them over the real wires until every part runs with the right ones."""

from __future__ import annotations

import contextlib
import time
from random import Random
from typing import TYPE_CHECKING

import httpx
import psycopg

from practice.faults.fault import Affected
from practice.traffic.people import TEST_CARDS, Person, person, price
from practice.wires.gateway import ApiError
from practice.wires.gateway.keys import mode_of

if TYPE_CHECKING:
    from practice.world import World

# Of the live customers, how many are new while the fault lasts, and after it: long enough for a drill to see them pay.
NEWCOMERS_PERCENT = 30
# Enough to see every way it can end; the customers who go on paying add to them.
NEWCOMERS, REGULARS = 4, 2
# Numbers of people that no other fault and no history uses.
FIRST_NUMBER = 30_000
PATIENCE_SECONDS = 15.0
CHECKED_SECONDS = 5


def break_payments(world: World, variant: str, seed: int) -> list[Affected]:
    """Let some people try over the real wires, and return what was honoured, or charged, of it. From now on new people
    come by among the customers, too."""
    random = Random(f"live wrong mode {variant} {seed}")
    affected = []
    with world.held():
        for who in random.sample(world.plan.people, REGULARS):
            with contextlib.suppress(ApiError, httpx.HTTPStatusError):
                _check_out(world, random, who, who.user_id)
        for number in range(NEWCOMERS):
            who = person(random, FIRST_NUMBER + number, world.now())
            one = _come_by(world, random, who, variant, TEST_CARDS[0] if number % 2 else who.card)
            affected += [one] if one else []
    world.traffic.newcomers_percent = NEWCOMERS_PERCENT
    return affected


def _come_by(world: World, random: Random, who: Person, variant: str, card: str) -> Affected | None:
    """Somebody new signs up, checks out, and pays if Stripe lets them."""
    user = world.shopper.sign_up(who.email, who.name)
    intent, transaction, amount, order = _check_out(world, random, who, user)
    with contextlib.suppress(ApiError):
        world.shopper.confirm_with(intent, card)
        event = _event(world, intent)
        real = world.shopper.stripe.livemode
        if real == (world.mode == "live"):
            return None
        if not real:
            _wait_for_completion(world, transaction)
        return Affected(intent, event, transaction, order, user, amount, who.currency, variant, "work_list",
                        world.now(), live=True)
    return None


def _check_out(world: World, random: Random, who: Person, user: str) -> tuple[str, str, int, str]:
    amount, order = price(random, who.currency), f"ORD-{random.randrange(16**7):07X}"
    return *world.shopper.check_out(user, amount, who.currency, order), amount, order


def _event(world: World, intent: str) -> str:
    told = world.shopper.stripe.events(("payment_intent.succeeded",))
    return next(str(event["id"]) for event in reversed(told) if event["data"]["object"]["id"] == intent)


def _wait_for_completion(world: World, transaction: str) -> None:
    """A test payment is told to the shop like any other; its order is honoured when the mail about it is on its way."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    query = 'SELECT "confirmationSentAt" IS NOT NULL FROM "Transaction" WHERE "id" = %s'
    with psycopg.connect(world.shop.read_dsn, autocommit=True) as conn:
        while (conn.execute(query, (transaction,)).fetchone() or (False,)) != (True,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the test payment of {transaction} was not completed in time")
            time.sleep(0.03)


def still_broken(world: World) -> str:
    """Stripe is asked about the secret key that the container runs with; the page's key and the webhook's secret are
    held against what was issued."""
    api, mode = world.applications.known["api"].running, world.mode
    secret, publishable = api.get("STRIPE_SECRET_KEY", ""), api.get("STRIPE_PUBLISHABLE_KEY", "")
    answer = httpx.get(f"{world.gateway.url}/v1/balance", headers={"Authorization": f"Bearer {secret}"},
                       timeout=CHECKED_SECONDS, trust_env=False)
    if answer.status_code != 200:
        return "The API runs with a secret key that Stripe does not accept."
    if answer.json()["livemode"] != (mode == "live"):
        return f"The API still runs with a secret key that is not of {mode} mode."
    if mode_of(publishable) != mode:
        return f"The API still runs with a publishable key that is not of {mode} mode."
    if mode_of(world.applications.page_key()) != mode:
        return f"The web part is still built with a publishable key that is not of {mode} mode."
    signing = world.gateway.engine.mode(mode).signing_secrets(world.endpoint["id"])
    if api.get("STRIPE_WEBHOOK_SECRET", "") not in signing:
        return f"The API's webhook secret is not that of the {mode} endpoint."
    return ""
