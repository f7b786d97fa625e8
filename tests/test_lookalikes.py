"""What only looks like a cause we know, and what nobody has seen: each is laid alike twice, and both sides tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from practice.faults import FAULTS
from practice.faults.fault import Truth, nothing
from practice.light import LightWorld, Quarters, Variation
from practice.traffic.history import CHECKOUT, WEBHOOK
from practice.wires.service.records import FORMATS
from runbook.judgement.log_lines import entries
from runbook.judgement.log_summary import LogSummary, summarise
from runbook.wires.raw_line import RawLine

OWN = ("gateway_outage", "invalid_requests", "webhook_handler_error", "database_unavailable", "wrong_environment",
       "card_declines", "authentication_required", "nothing_wrong", "novel")
VARIANTS = [(cause, variant) for cause in OWN for variant in FAULTS[cause].variants]
ALL = pytest.mark.parametrize(("cause", "variant"), VARIANTS, ids=["-".join(pair) for pair in VARIANTS])
MINUTE = 60.0
# The errors that each puts into the log, and nothing else beside customers' everyday declines.
NAMED = {
    "gateway_outage": {"errors": "api_error", "unavailable": "api_error", "timeouts": "api_connection_error",
                       "resets": "api_connection_error", "over": "api_error"},
    "invalid_requests": {"unknown_parameter": "invalid_request_error", "missing_parameter": "invalid_request_error",
                         "decimal_amount": "invalid_request_error", "reused_key": "idempotency_error"},
    "webhook_handler_error": {"exception": "webhook_handler_error", "answers_first": "webhook_handler_error"},
    "database_unavailable": {"pool_exhausted": "database_pool", "connection_refused": "database_connection",
                             "too_many_clients": "database_connection"},
    "authentication_required": {"off_session": "authentication_required"},
}


@pytest.fixture(scope="module")
def quarters() -> Iterator[Quarters]:
    with Quarters() as opened:
        yield opened


def opened(quarters: Quarters, seed: int = 21, severity: float = 1.0, log_format: str = "json") -> LightWorld:
    return LightWorld.open(quarters, seed, Variation(payments=60, users=20, log_format=log_format), severity)


def everything(world: LightWorld) -> tuple[object, ...]:
    """All that a responder could read."""
    live = world.gateway.engine.mode("live")
    rows = world.quarters.conn.execute('SELECT * FROM "Transaction" ORDER BY id').fetchall()
    claims = world.quarters.conn.execute('SELECT * FROM "WebhookEvent" ORDER BY id').fetchall()
    world.quarters.conn.rollback()
    intents = live.listing("payment_intent", {"limit": 100})["data"]
    return (world.process.log.path.read_bytes(), rows, claims, intents, len(live.tables["event"]),
            world.process.definition, world.process.state, world.gateway.status)  # fmt: skip


def read(world: LightWorld) -> LogSummary:
    """The log as the runbook sums it up."""
    lines = [RawLine(datetime.fromisoformat(entry.time), entry.stream, entry.log.rstrip("\n"), "api")
             for entry in world.process.log.entries()]
    return summarise(entries(lines, "auto"), "/api/payments/")


def states(world: LightWorld, truth: Truth) -> Counter[tuple[str, str]]:
    """Of each affected payment the state at Stripe and in the ledger."""
    query = 'SELECT "stripePaymentIntentId", "status" FROM "Transaction"'
    rows = dict(world.quarters.conn.execute(query).fetchall())
    world.quarters.conn.rollback()
    find = world.gateway.engine.mode("live").find
    return Counter((find("payment_intent", one.intent)["status"], rows.get(one.intent, "")) for one in truth.affected)


@ALL
def test_it_is_laid_alike_twice_says_what_to_conclude_and_can_be_read(
    quarters: Quarters, cause: str, variant: str
) -> None:
    log_format = list(FORMATS)[VARIANTS.index((cause, variant)) % len(FORMATS)]
    seen = []
    for _ in range(2):
        with opened(quarters, log_format=log_format) as world:
            truth = world.inject(cause, variant)
            seen.append((replace(truth, still_broken=nothing), everything(world)))
            summary = read(world)
    assert seen[0] == seen[1]
    assert truth.conclusion == {"nothing_wrong": "none", "novel": "unknown"}.get(cause, cause)
    assert truth.began_at <= truth.stopped_at <= world.now()
    if cause not in ("nothing_wrong", "wrong_environment"):
        assert 20 * MINUTE <= world.now() - truth.began_at <= 120 * MINUTE
    named = NAMED.get(cause, {}).get(variant, "")
    if variant != "noisy":
        assert {*summary.classes} - {"card_declined"} == ({named} if named else set())
        assert not named or summary.lines(named) >= 8


@pytest.mark.parametrize("cause", [cause for cause in OWN if cause not in ("nothing_wrong", "wrong_environment")])
def test_a_small_one_is_smaller_and_still_there(quarters: Quarters, cause: str) -> None:
    counts = []
    for severity in (0.15, 1.0):
        with opened(quarters, severity=severity) as world:
            since = datetime.fromtimestamp(world.inject(cause).began_at, UTC).isoformat()
            counts.append(sum(entry.time[:19] >= since[:19] for entry in world.process.log.entries()))
    assert 0 < counts[0] < counts[1]


def test_nobody_pays_while_stripe_is_away_and_its_page_may_lie(quarters: Quarters) -> None:
    pages = {}
    for variant in FAULTS["gateway_outage"].variants:
        with opened(quarters) as world:
            truth = world.inject("gateway_outage", variant)
            since = [made for made in world.gateway.engine.mode("live").tables["payment_intent"]
                     if truth.began_at < made["created"] <= truth.stopped_at]
            assert since == []
            pages[variant] = (world.gateway.status.indicator, world.gateway.status.shell)
            assert bool(truth.still_broken(world)) is (variant != "over")  # type: ignore[arg-type]
            world.gateway.faults.clear()
            assert truth.still_broken(world) == ""  # type: ignore[arg-type]
    assert pages == {"errors": ("major", False), "unavailable": ("critical", False), "timeouts": ("none", False),
                     "resets": ("none", True), "over": ("none", False)}  # fmt: skip


@pytest.mark.parametrize("variant", FAULTS["webhook_handler_error"].variants)
def test_a_broken_handler_leaves_paid_rows_pending(quarters: Quarters, variant: str) -> None:
    with opened(quarters) as world:
        truth = world.inject("webhook_handler_error", variant)
        assert states(world, truth) == {("succeeded", "PENDING"): len(truth.affected)}
        live = world.gateway.engine.mode("live")
        told = {live.deliveries[one.event].open for one in truth.affected}
        summary = read(world)
    assert told == {0 if variant == "answers_first" else 1}
    assert summary.longest_run >= (0 if variant == "hanging" else 8)
    assert summary.requests_failed == 0


@pytest.mark.parametrize("variant", FAULTS["database_unavailable"].variants)
def test_a_lost_database_turns_customers_away_and_forgets_the_last_ones(quarters: Quarters, variant: str) -> None:
    with opened(quarters) as world:
        truth = world.inject("database_unavailable", variant)
        assert states(world, truth) == {("succeeded", "PENDING"): len(truth.affected)}
        text = "".join(entry.log for entry in world.process.log.entries())
    assert truth.face.health == 503
    assert f"POST {CHECKOUT} 500" in text
    assert f"POST {WEBHOOK} 500" in text


def test_a_strangers_ledger_and_stripe_share_not_one_payment(quarters: Quarters) -> None:
    with opened(quarters) as world:
        world.inject("wrong_environment")
        ours = {row.intent for row in world.history.rows}
        theirs = {intent["id"] for intent in world.gateway.engine.mode("live").tables["payment_intent"]}
    assert len(theirs) > 20
    assert ours & theirs == set()


def test_stolen_cards_are_many_and_their_accounts_few(quarters: Quarters) -> None:
    with opened(quarters) as world:
        truth = world.inject("card_declines", "card_testing")
        charges = [each for each in world.gateway.engine.mode("live").tables["charge"]
                   if each["created"] >= truth.began_at and each["status"] == "failed" and each["amount"] <= 250]
    assert len(charges) >= 140
    assert len({each["payment_method_details"]["card"]["fingerprint"] for each in charges}) == len(charges)
    assert len({each["customer"] for each in charges}) <= 4


@pytest.mark.parametrize(
    ("variant", "outcome"),
    [("issuer_wave", "FAILED"), ("unanswered", "PENDING"), ("off_session", "FAILED")],
)
def test_customers_own_trouble_is_most_of_a_wave_and_loses_no_payment(
    quarters: Quarters, variant: str, outcome: str
) -> None:
    cause = next(name for name in OWN if variant in FAULTS[name].variants)
    with opened(quarters) as world:
        truth = world.inject(cause, variant)
        since = datetime.fromtimestamp(truth.began_at, UTC)
        query = 'SELECT "status", count(*) FROM "Transaction" WHERE "createdAt" >= %s GROUP BY 1'
        counts = Counter(dict(world.quarters.conn.execute(query, (since,)).fetchall()))
    assert truth.affected == ()
    assert counts[outcome] > counts["COMPLETED"]


def test_a_new_kind_of_trouble_leaves_what_its_story_says(quarters: Quarters) -> None:
    told = {}
    for variant in FAULTS["novel"].variants:
        with opened(quarters) as world:
            truth = world.inject("novel", variant)
            summary = read(world)
            told[variant] = (summary.requests_failed > 0, *sorted(states(world, truth)))
    broken, paid = ("succeeded", "PENDING"), ("succeeded", "COMPLETED")
    assert told == {"tax_service": (True,), "disk_full": (True,), "fraud_rule": (False,), "checkout_blocked": (False,),
                    "events_late": (False, broken), "amounts_wrong": (False, paid),
                    "charged_twice": (False, paid)}  # fmt: skip


def test_a_wrong_amount_is_wrong_at_stripe_and_right_in_the_ledger(quarters: Quarters) -> None:
    with opened(quarters) as world:
        truth = world.inject("novel", "amounts_wrong")
        rows = dict(world.quarters.conn.execute('SELECT "stripePaymentIntentId", "amount" FROM "Transaction"'))
        find = world.gateway.engine.mode("live").find
        for one in truth.affected:
            assert rows[one.intent] == one.amount != find("payment_intent", one.intent)["amount"]


def test_an_order_that_was_sent_twice_was_charged_twice(quarters: Quarters) -> None:
    with opened(quarters) as world:
        truth = world.inject("novel", "charged_twice")
        query = 'SELECT "orderId" FROM "Transaction" GROUP BY 1 HAVING count(DISTINCT "stripePaymentIntentId") = 2'
        twice = {order for (order,) in world.quarters.conn.execute(query)}
    assert {one.order for one in truth.affected} == twice
