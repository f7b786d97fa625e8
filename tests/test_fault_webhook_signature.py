"""Fault B: what is laid down is what the running service really says and does, and nothing of it contradicts itself."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from practice.faults.webhook_signature import CAUSE, NO_MATCH, TOO_OLD, VARIANTS
from practice.light import LightWorld, Quarters
from practice.light.variation import Variation
from practice.wires.containers.log import stamp
from practice.wires.gateway import ApiError
from practice.world import World

REFUSED = "Webhook signature verification failed"


@pytest.fixture(scope="module")
def quarters() -> Iterator[Quarters]:
    with Quarters() as opened:
        yield opened


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose secret was rolled, really."""
    with World.open(tmp_path_factory.mktemp("rolled"), payments=300, users=60, live=False) as world:
        world.inject(CAUSE, "rolled_secret", live=True)
        yield world


def laid(quarters: Quarters, variant: str, seed: int = 3) -> tuple[LightWorld, list[str], float]:
    """The world (the caller closes it), its log since the fault began, and when that was."""
    world = LightWorld.open(quarters, seed, Variation())
    began = world.inject(CAUSE, variant).began_at
    said = [entry.log for entry in world.process.log.entries() if entry.time >= stamp(began)]
    return world, said, began


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_laid_fits_together(quarters, variant):
    world, said, _ = laid(quarters, variant)
    with world:
        truth = world.truths[0]
        assert len({one.intent for one in truth.affected}) == len(truth.affected)
        assert bool(truth.affected) == (variant != "checks_off")
        if not truth.affected:
            return
        assert not any("processed" in line or "mail sent" in line for line in said), "nothing passes meanwhile"
        refused = [line for line in said if REFUSED in line]
        assert bool(refused) == (truth.conclusion == CAUSE)
        assert all((TOO_OLD if variant == "clock_ahead" else NO_MATCH) in line for line in refused)
        stripe = world.gateway.engine.mode("live")
        waits = 0 if variant in ("endpoint_disabled", "not_subscribed") else 1
        for one in truth.affected:
            assert stripe.retrieve("payment_intent", one.intent)["status"] == "succeeded"
            assert stripe.retrieve("event", one.event)["pending_webhooks"] == waits
        assert truth.conclusion == (CAUSE if refused else "webhook_not_subscribed")


@pytest.mark.parametrize("variant", ["wrong_secret", "clock_ahead"])
def test_the_same_seed_lays_the_same_fault(quarters, variant):
    both = []
    for _ in range(2):
        world, said, began = laid(quarters, variant)
        with world:
            port = re.compile(r"127\.0\.0\.1:\d+")
            both.append((world.truths[0].affected, [port.sub("", line) for line in said], began))
    assert both[0] == both[1]


def test_what_is_taken_out_of_the_day_leaves_both_sides_in_step(quarters):
    world, _, began = laid(quarters, "wrong_secret")
    with world:
        known = {row.intent for row in world.history.rows} | {one.intent for one in world.truths[0].affected}
        stripe = world.gateway.engine.mode("live")
        assert {item["id"] for item in stripe.tables["payment_intent"]} == known
        assert all(row.created_at < began for row in world.history.rows)
        assert all(charge["payment_intent"] in known for charge in stripe.tables["charge"])
        assert set(stripe.deliveries) == {event["id"] for event in stripe.tables["event"]}


def test_a_laid_refusal_reads_as_a_real_one(running):
    entries = [entry.log for entry in running.process.log.entries() if REFUSED in entry.log]
    alike = {re.sub(r'"ts":"[^"]+",', "", line) for line in entries}
    assert len(alike) == 1, "what was laid down and what the service has said since"
    assert len(entries) > len(running.truth.affected)


def test_the_fault_ends_when_the_service_has_the_new_secret(running):
    assert running.referee().judge().broken
    new = running.truth.hands_over["PRACTICE_NEW_WEBHOOK_SECRET"]
    running.reconfigure({"STRIPE_WEBHOOK_SECRET": new})
    assert running.referee().judge().broken == ()


def test_a_disabled_endpoint_gets_no_event_and_refuses_to_be_asked_for_one(quarters):
    world, _, _ = laid(quarters, "endpoint_disabled")
    with world:
        event, stripe = world.truths[0].affected[0].event, world.gateway.engine.mode("live")
        with pytest.raises(ApiError, match="is disabled"):
            stripe.retry_event(event, {"webhook_endpoint": world.endpoint["id"]})


def test_rows_of_the_taken_out_are_gone_from_a_real_ledger_too(running):
    truth = running.truth
    with psycopg.connect(running.shop.read_dsn) as conn:
        query = 'SELECT "stripePaymentIntentId" FROM "Transaction" WHERE "createdAt" >= to_timestamp(%s)'
        rows = {row[0] for row in conn.execute(query, (truth.began_at,))}
    assert rows == {one.intent for one in truth.affected}
