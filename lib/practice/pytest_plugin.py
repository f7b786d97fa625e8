"""`pytest -p practice.pytest_plugin`: practice worlds for notebooks and tests.

Notebooks under nbval get the fixture world of their fault, by way of the environment that their kernels inherit, and a
fresh RUNBOOK_OUTPUTS each. Tests get `fixture_world` (the usual one) and `drill_world` (their own, on wall time).
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from practice.world import World

OUTPUTS = "RUNBOOK_OUTPUTS"


class Worlds:
    """The fixture worlds of this worker, opened when first needed, and the environment they have changed.

    The usual one stays open for tests and notebooks; a notebook that is about another fault has its own for as long
    as its cells run.
    """

    def __init__(self) -> None:
        self._home: Path | None = None
        self._usual: World | None = None
        self._own: World | None = None
        self._notebook: Path | None = None
        self._before: dict[str, str | None] = {}

    @property
    def home(self) -> Path:
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="practice-"))
        return self._home

    def usual(self) -> World:
        if self._usual is None:
            from practice.fixture import open_fixture_world

            self._usual = open_fixture_world(self.home / "world")
            self._set(self._usual.environment)
        return self._usual

    def next_notebook(self, notebook: Path) -> None:
        """A kernel takes over our environment when it starts, so it must be right before its first cell."""
        if notebook == self._notebook:
            return
        self.leave_notebook()
        self._notebook = notebook
        self._set(self._world_of(notebook).environment)
        self._set({OUTPUTS: tempfile.mkdtemp(prefix=f"{notebook.stem}-", dir=self.home)})

    def leave_notebook(self) -> None:
        """What comes next is a test, or another notebook: it finds the usual world again."""
        self._notebook = None
        if self._own is not None:
            self._forget(self._own.environment)
            self._own.close()
            self._own = None
            if self._usual is not None:
                self._set(self._usual.environment)

    def close(self) -> None:
        self.leave_notebook()
        if self._usual is not None:
            self._usual.close()
            self._usual = None
        self._forget(self._before)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _world_of(self, notebook: Path) -> World:
        from practice.fixture import FAULTS, open_fixture_world

        if notebook.stem not in FAULTS:
            return self.usual()
        self._own = open_fixture_world(self.home / notebook.stem, notebook.stem)
        return self._own

    def _set(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def _forget(self, names: Iterable[str]) -> None:
        """Put back what these variables were before any world was open."""
        for name in list(names):
            value = self._before.pop(name, None)
            if value is None:
                os.environ.pop(name, None)
            else:
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
    worlds = item.config.stash[WORLDS]
    if type(item).__name__ == "IPyNbCell":
        worlds.next_notebook(item.path)
    else:
        worlds.leave_notebook()


@pytest.fixture(scope="session")
def fixture_world(request: pytest.FixtureRequest) -> World:
    """The fixture world of this worker, its addresses in the environment. It belongs to all: do not change it."""
    return request.config.stash[WORLDS].usual()


@pytest.fixture
def drill_world(tmp_path: Path) -> Iterator[World]:
    """A small world of the test's own, on wall time, with nobody paying; inject what you need."""
    with World.open(tmp_path / "world", payments=300, users=60, live=False) as world:
        yield world
