"""Stripe speaks and the service does not hear: events come and are refused, or do not come at all.

variant                     mechanism                                  evidence                           cure
--------------------------  -----------------------------------------  ---------------------------------  -------------
wrong_secret                a redeployment brought another secret      400 since a new container; its     new secret
                                                                       secret is not the one on record
secret_of_another_endpoint  the same, copied from the finance          the same, and another endpoint     new secret
                            department's endpoint                      stands beside ours
secret_of_another_mode      the same, copied in test mode              the same, and test mode has an     new secret
                                                                       endpoint at our URL
rolled_secret               rolled at Stripe, the overlap is over      400 since a moment at which none   new secret
                                                                       was deployed; the secret is the
                                                                       one on record
parsed_body                 a release verifies the body after parsing  400 since a new container; the     a new release
                                                                       secret is the one on record
clock_ahead                 the service's clock is 7 minutes ahead     "Timestamp outside the tolerance   set the clock
                                                                       zone", lines stamped in the
                                                                       future
endpoint_disabled           Stripe has disabled the endpoint           no webhook in the log; disabled    enable it
wrong_url                   the endpoint was given another URL         no webhook in the log; no          the URL
                                                                       endpoint at our URL; events wait
not_subscribed              the event was taken off the list           no such webhook in the log; the    the list
                                                                       list itself
checks_off                  a release takes any event, signed or not   an unsigned event is answered 200  a new release

The four secrets look alike to a bystander, for Stripe shows no secret of an endpoint after its creation. Payments go
on meanwhile: the money is taken, the row stays PENDING, the event waits at Stripe or was never meant for anybody.
`checks_off` loses no payment; whoever knows the address can make one up.

Customers' ordinary purchases of that time are taken out of the day: they would have been recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from practice.faults import webhook_signature_live
from practice.faults.fault import HEALTHY, Affected, Face, Fault, Truth
from practice.traffic.history import LETTERS, WEBHOOK, History, Laid
from practice.traffic.plan import DAY, MINUTE, Plan, Purchase, purchase
from practice.wires.gateway.engine import Delivery, ModeEngine
from practice.wires.service import says
from practice.wires.service.records import Record
from practice.wires.service.settle import EFFECTS

if TYPE_CHECKING:
    from practice.world import World

CAUSE = "webhook_signature"
NOT_SUBSCRIBED = "webhook_not_subscribed"
STOPS = "It does not stop by itself: payments go unheard until what refuses or misses their events is set right."
SECRET = "STRIPE_WEBHOOK_SECRET"
NEW_SECRET = "PRACTICE_NEW_WEBHOOK_SECRET"
BAD_VERSION = "2026.11.5"

# In seconds before now. Customers write after about three quarters of an hour.
BEGAN_AGO = (45 * MINUTE, 110 * MINUTE)
# Nobody who paid this recently waits for anything yet.
YOUNGEST_AGO = 4 * MINUTE
BROKEN_MIN = 12
# Stripe comes again after about a minute and about twelve; after that not within the hour.
RETRIES_AFTER = (64.0, 12 * MINUTE)
AHEAD_SECONDS = 420.0
NO_MATCH = "No signatures found matching the expected signature for payload"
TOO_OLD = "Timestamp outside the tolerance zone"
# Where the endpoint is sent to by mistake: the route of an earlier version, which nobody answers any more.
FORMER_PATH = "/api/webhook/stripe"

Damage = Callable[["World", float, Random], None]


@dataclass(frozen=True, slots=True)
class Story:
    """What a variant leaves behind. `delivery`: what became of events at Stripe. `refusal`: with which words the
    service refused them; empty: it never saw them. `breaks`: what is changed at Stripe or in the deployment."""

    delivery: Delivery
    refusal: str
    breaks: Damage
    expected: str = ""
    needs_secret: bool = False
    ahead: float = 0.0
    face: Face = HEALTHY


def inject(world: World, variant: str, seed: int, live: bool) -> Truth:
    """Lay what was missed since the fault began, then break Stripe's side or the deployment; with `live`, the running
    service as well."""
    story, random, now = STORIES[variant], Random(f"{CAUSE} {variant} {seed}"), world.now()
    began = now - random.uniform(*BEGAN_AGO)
    count = 0 if variant == "checks_off" else how_many(world, now - began)
    if count:
        world.quiet_since(began)
    history = History(world.gateway.engine, mode=world.mode, wallets=dict(world.history.wallets))
    affected = [_break(history, variant, made, now) for made in damage(world.plan, random, began, now, count)]
    story.breaks(world, began, random)
    world.add(history)
    if live:
        waiting = [one.event for one in affected] if story.delivery == "pending" else []
        webhook_signature_live.take_force(world, variant, BAD_VERSION, AHEAD_SECONDS, waiting)
    handed = {NEW_SECRET: stripe_of(world).signing_secrets(world.endpoint["id"])[0]}
    return Truth(
        CAUSE, variant, seed, began, now, STOPS, tuple(affected), story.expected,
        hands_over=handed if story.needs_secret else {}, still_broken=webhook_signature_live.still_broken,
        face=story.face,
    )


def stripe_of(world: World) -> ModeEngine:
    """Stripe in the world's own mode."""
    return world.gateway.engine.mode(world.mode)


def how_many(world: World, seconds: float) -> int:
    """As many as this shop sells in that time, for everybody who paid is affected."""
    usual = len(world.plan.purchases) * seconds / DAY
    return max(BROKEN_MIN // 3, round(max(BROKEN_MIN, usual) * getattr(world, "severity", 1.0)))


def damage(plan: Plan, random: Random, began: float, now: float, count: int) -> Iterator[Purchase]:
    """The purchases that go unheard, in the order of their checkouts."""
    for at in sorted(random.uniform(began, now - YOUNGEST_AGO) for _ in range(count)):
        made = purchase(random, random.choice(plan.people), at, "paid")
        latest = now - YOUNGEST_AGO / 2 - made.at
        yield replace(made, paid_after=min(made.paid_after, 3 * MINUTE, latest))


def _break(history: History, variant: str, made: Purchase, now: float) -> Affected:
    """One purchase that Stripe took the money for and the service did not hear of."""
    story, known = STORIES[variant], len(history.records)
    row = history.check_out(made)
    event, heard = history.pay(made, row.intent, story.delivery), history.heard_at(made)
    if story.refusal:
        for at in (heard, *(heard + after for after in RETRIES_AFTER)):
            if at < now:
                history.records += _refused(story.refusal, at)
    history.records[known:] = [replace(record, ahead=story.ahead) for record in history.records[known:]]
    history.laid.append(Laid(made, row.intent, event))
    return Affected(
        row.intent, event, str(made.transaction), made.order, made.person.user_id, made.amount, made.currency,
        variant, "redeliver", made.at + made.paid_after,
    )


def _refused(reason: str, at: float) -> tuple[Record, Record]:
    words = f"{reason} ({int(at)})" if reason == TOO_OLD else reason
    return says.signature_refused(at, words), says.access(at + 0.002, "POST", WEBHOOK, 400, 2)


def _another_secret(world: World, began: float, random: Random) -> None:
    world.reconfigure({SECRET: "_".join(("whsec", "".join(random.choices(LETTERS, k=32))))}, at=began)


def _secret_of_finance(world: World, began: float, random: Random) -> None:
    with world.gateway.engine.at(began - 40 * DAY, "none"):
        other = stripe_of(world).create_webhook_endpoint(
            {"url": "https://finance.shop.example/stripe", "enabled_events": ["payout.paid"], "description": "finance"})
    world.reconfigure({SECRET: other["secret"]}, at=began)


def _secret_of_the_other_mode(world: World, began: float, random: Random) -> None:
    with world.gateway.engine.at(began - 60 * DAY, "none"):
        other = world.gateway.engine.mode("test" if world.mode == "live" else "live").create_webhook_endpoint(
            {"url": world.endpoint["url"], "enabled_events": list(EFFECTS), "description": "shop, the other mode"})
    world.reconfigure({SECRET: other["secret"]}, at=began)


def _rolled(world: World, began: float, random: Random) -> None:
    stripe_of(world).roll_secret(world.endpoint["id"])


def _shipped(world: World, began: float, random: Random) -> None:
    """A new release is a new container with the old environment."""
    world.add(History(world.gateway.engine, records=[says.started(began, BAD_VERSION)]))
    world.backdate_start(began)


def _nothing(world: World, began: float, random: Random) -> None:
    """The clock stands in no place that could be looked into."""


def _updated(world: World, began: float, random: Random, **params: object) -> None:
    stripe_of(world).update_webhook_endpoint(world.endpoint["id"], params)


def _moved(world: World, began: float, random: Random) -> None:
    _updated(world, began, random, url=world.service_url + FORMER_PATH)


WITHOUT_SUCCESS = [kind for kind in EFFECTS if kind != "payment_intent.succeeded"]

STORIES: dict[str, Story] = {
    "wrong_secret": Story("pending", NO_MATCH, _another_secret, needs_secret=True),
    "rolled_secret": Story("pending", NO_MATCH, _rolled, needs_secret=True),
    "secret_of_another_endpoint": Story("pending", NO_MATCH, _secret_of_finance, needs_secret=True),
    "secret_of_another_mode": Story("pending", NO_MATCH, _secret_of_the_other_mode, needs_secret=True),
    "parsed_body": Story("pending", NO_MATCH, _shipped),
    "clock_ahead": Story("pending", TOO_OLD, _nothing, ahead=AHEAD_SECONDS),
    "endpoint_disabled": Story("none", "", partial(_updated, disabled=True), NOT_SUBSCRIBED),
    "wrong_url": Story("pending", "", _moved, NOT_SUBSCRIBED),
    "not_subscribed": Story("none", "", partial(_updated, enabled_events=WITHOUT_SUCCESS), NOT_SUBSCRIBED),
    "checks_off": Story("none", "", _shipped, face=Face(unsigned=200, wrongly_signed=200)),
}
VARIANTS = tuple(STORIES)

FAULT = Fault(CAUSE, VARIANTS, STOPS, inject)
