"""A small world in which one fault of its keys follows the other: what each left is put back in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from practice.faults.invalid_api_key import PAGE
from practice.world import World


@contextmanager
def as_it_was(world: World) -> Iterator[World]:
    """The keys, both containers and both stored texts are afterwards what they were before."""
    keys, board = world.gateway.keys["live"], world.board
    api, web = (dict(world.applications.known[app].running) for app in ("api", "web"))
    stored = {app: one.stored for app, one in world.applications.known.items()}
    try:
        yield world
    finally:
        for text in (keys.secret, keys.publishable):
            world.gateway.faults.restore(text)
        for app, text in stored.items():
            world.applications.known[app].stored = text
        board.grant(world.deploy_tokens["write"], "read", "envVars", "deployment")
        if world.applications.known["api"].running != api:
            world.reconfigure(api, stored=False)
        if world.applications.page_key() != web[PAGE]:
            world.reconfigure({PAGE: web[PAGE]}, app="web", stored=False)
        world.truths = ()
