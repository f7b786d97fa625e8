"""Worlds that never change: committed notebooks show them, and tests compare against them word for word."""

from datetime import UTC, datetime
from pathlib import Path

from practice.world import SEED, World

CLOCK = datetime(2026, 1, 15, 12, tzinfo=UTC)
# The fault of the first drill; what is asked of no fault in particular is shown on it.
USUAL = ("database_rollback", "mixed")
# A scenario's notebook is committed as it looks on the day it is needed: on a world with its own fault, as (cause,
# variant).
FAULTS = {
    "10_scenario_a_api_key": ("invalid_api_key", "revoked"),
    "11_scenario_b_webhook_signature": ("webhook_signature", "wrong_secret"),
    "13_scenario_d_rate_limit": ("rate_limited", "traffic_burst"),
    "14_scenario_e_test_mode": ("test_key_in_production", "test_keys"),
}


def open_fixture_world(directory: Path, notebook: str = "") -> World:
    """Fixed clock, fixed seed, the fault that this notebook is about, nobody paying. Raises WorldError."""
    cause, variant = FAULTS.get(notebook, USUAL)
    world = World.open(directory, seed=SEED, clock=CLOCK, live=False)
    try:
        world.inject(cause, variant, seed=SEED, live=False)
    except BaseException:
        world.close()
        raise
    return world
