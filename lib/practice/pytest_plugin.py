"""`pytest -p practice.pytest_plugin`: practice worlds for notebooks and tests.

Notebooks under nbval get the fixture world, one per worker, by way of the environment that their kernels inherit, and
a fresh RUNBOOK_OUTPUTS each. Tests get `fixture_world` (the same one) and `drill_world` (their own, on wall time).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from practice.world import World

OUTPUTS = "RUNBOOK_OUTPUTS"


class Worlds:
    """The fixture world of this worker, opened when first needed, and the environment it has changed."""

    def __init__(self) -> None:
        self._home: Path | None = None
        self._world: World | None = None
        self._notebook: Path | None = None
        self._before: dict[str, str | None] = {}

    @property
    def home(self) -> Path:
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="practice-"))
        return self._home

    def fixture(self) -> World:
        if self._world is None:
            from practice.fixture import open_fixture_world

            self._world = open_fixture_world(self.home / "world")
            self._set(self._world.environment)
        return self._world

    def next_notebook(self, notebook: Path) -> None:
        """A kernel takes over our environment when it starts, so it must be right before its first cell."""
        if notebook == self._notebook:
            return
        self.fixture()
        self._notebook = notebook
        self._set({OUTPUTS: tempfile.mkdtemp(prefix=f"{notebook.stem}-", dir=self.home)})

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _set(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value


WORLDS = pytest.StashKey[Worlds]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[WORLDS] = Worlds()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Not later: a worker of xdist is given a few seconds to unconfigure, and is then interrupted in the middle."""
    session.config.stash[WORLDS].close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before nbval starts a notebook's kernel, which it does in the set-up of the notebook's first cell."""
    if type(item).__name__ == "IPyNbCell":
        item.config.stash[WORLDS].next_notebook(item.path)


@pytest.fixture(scope="session")
def fixture_world(request: pytest.FixtureRequest) -> World:
    """The fixture world of this worker, its addresses in the environment. It belongs to all: do not change it."""
    return request.config.stash[WORLDS].fixture()


@pytest.fixture
def drill_world(tmp_path: Path) -> Iterator[World]:
    """A small world of the test's own, on wall time, with nobody paying; inject what you need."""
    with World.open(tmp_path / "world", payments=300, users=60, live=False) as world:
        yield world
