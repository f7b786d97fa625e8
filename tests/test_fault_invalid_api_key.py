"""The fault `invalid_api_key`: what it lays is what the running service really says, and its cure really ends it."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from keyed_world import as_it_was
from practice.faults import invalid_api_key
from practice.faults.invalid_api_key import IN_THE_BROWSER, VARIANTS
from practice.traffic.plan import MINUTE
from practice.wires.deploy import dotenv
from practice.wires.gateway import ApiError
from practice.world import World

from tests.sampled import sampled

CLOCK = datetime(2026, 1, 15, 12, tzinfo=UTC)
TIMES = re.compile(r'"(ts|ms|request_id)":("[^"]*"|\d+)|\d+ms|\*+\w{4}')
IN_THE_LOG = [each for each in VARIANTS if each not in (*IN_THE_BROWSER, "missing")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    """Small, and with its clock running: time goes on between one fault and the next."""
    with World.open(tmp_path_factory.mktemp("run"), seed=11, payments=300, users=30, live=False) as opened:
        yield opened


@pytest.fixture
def healthy(world: World) -> Iterator[World]:
    with as_it_was(world):
        yield world


def refusals(world: World) -> list[str]:
    return [TIMES.sub("", entry.log) for entry in world.process.log.entries() if "StripeClient" in entry.log
            and entry.stream == "stderr"]


@pytest.mark.parametrize("variant", sampled(IN_THE_LOG, ["revoked"]))
def test_what_is_laid_is_what_the_running_service_says(healthy: World, variant: str) -> None:
    before = Counter(refusals(healthy))
    truth = healthy.inject("invalid_api_key", variant, live=False)
    laid = list((Counter(refusals(healthy)) - before).elements())
    assert len(laid) >= invalid_api_key.ATTEMPTS_MIN
    with pytest.raises(httpx.HTTPStatusError, match="502"):
        healthy.shopper.check_out(healthy.plan.people[0].user_id, 999, "usd", "ORD-1")
    assert refusals(healthy)[-1] == laid[0], "the laid sentence is not the live one"
    assert truth.still_broken(healthy)
    healthy.reconfigure({invalid_api_key.SECRET: truth.hands_over["PRACTICE_NEW_SECRET_KEY"]})
    healthy.shopper.check_out(healthy.plan.people[0].user_id, 999, "usd", "ORD-1")
    assert truth.still_broken(healthy) == ""


@pytest.mark.parametrize("variant", IN_THE_BROWSER)
def test_a_key_that_only_browsers_use_stops_them_alone(healthy: World, variant: str) -> None:
    before = len(refusals(healthy))
    truth = healthy.inject("invalid_api_key", variant, live=False)
    who = healthy.plan.people[0]
    intent, _ = healthy.shopper.check_out(who.user_id, 999, "usd", "ORD-1")
    with pytest.raises(ApiError):
        healthy.shopper.confirm(intent, healthy.history.wallets[who.user_id].method)
    assert len(refusals(healthy)) == before
    assert truth.still_broken(healthy)
    shown = truth.hands_over["PRACTICE_NEW_PUBLISHABLE_KEY"]
    healthy.reconfigure({invalid_api_key.PUBLISHABLE: shown})
    healthy.reconfigure({invalid_api_key.PAGE: shown}, app="web")
    healthy.shopper.confirm(intent, healthy.history.wallets[who.user_id].method)
    assert truth.still_broken(healthy) == ""


def test_a_service_without_its_key_ends_again_and_again(healthy: World) -> None:
    truth = healthy.inject("invalid_api_key", "missing", live=False)
    assert healthy.applications.health() == 0
    assert healthy.process.restart_count > 10
    assert invalid_api_key.SECRET not in dotenv.parse(healthy.applications.known["api"].stored)
    healthy.reconfigure({invalid_api_key.SECRET: truth.hands_over["PRACTICE_NEW_SECRET_KEY"]})
    assert healthy.applications.health() == 200
    assert truth.still_broken(healthy) == ""


def test_a_page_that_was_not_built_again_differs_from_what_is_stored(healthy: World) -> None:
    healthy.inject("invalid_api_key", "web_not_rebuilt", seed=2, live=False)
    web = healthy.applications.known["web"]
    stored = dotenv.parse(web.stored)[invalid_api_key.PAGE]
    assert web.running[invalid_api_key.PAGE] != stored
    assert stored == healthy.process.definition.environment[invalid_api_key.PUBLISHABLE]


@pytest.mark.parametrize("variant", sampled(["missing", "revoked"], ["revoked"]))
def test_the_same_clock_and_seed_lay_the_same_fault(tmp_path: Path, variant: str) -> None:
    told = []
    for name in "ab":
        with World.open(tmp_path / name, seed=4, clock=CLOCK, payments=100, users=20) as world:
            truth = world.inject("invalid_api_key", variant)
            state = dataclasses.replace(world.process.state, pid=None)
            told.append((truth.began_at, truth.hands_over, state,
                         [(entry.time, entry.log) for entry in world.process.log.entries()]))
            assert 20 * MINUTE <= world.now() - truth.began_at <= 40 * MINUTE
    assert told[0] == told[1]
