"""Every case is tried where there is time for it; the default run tries those that stand for the rest."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], always: Collection[Any]) -> list[Any]:
    """`cases` for a parametrized test: those of `always` in every run, the others where slow tests are asked for. A
    case of several values goes by its first."""
    return [case if first(case) in always else later(case) for case in cases]


def later(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)


def first(case: Any) -> Any:
    return case[0] if isinstance(case, tuple) else case
