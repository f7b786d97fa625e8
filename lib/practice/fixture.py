"""The one world that never changes: committed notebooks show it, and tests compare against it word for word."""

from datetime import UTC, datetime
from pathlib import Path

from practice.world import SEED, World

CLOCK = datetime(2026, 1, 15, 12, tzinfo=UTC)
FAULT, VARIANT = "database_rollback", "mixed"


def open_fixture_world(directory: Path) -> World:
    """Fixed clock, fixed seed, the fault of the first drill, nobody paying. Raises WorldError."""
    world = World.open(directory, seed=SEED, clock=CLOCK, live=False)
    try:
        world.inject(FAULT, VARIANT, seed=SEED, live=False)
    except BaseException:
        world.close()
        raise
    return world
