"""Does triage name what is wrong? Hundreds of light worlds with a known fault, each diagnosed as notebook 00 does it.

Every variant at several severities and levels of noise, two causes at once, what only looks like a cause, nothing at
all, and faults that nobody taught it. Beside it the same figures for what a paper runbook does: count pending rows and
grep the raw log for the error words. Seeds for reporting are never those for development.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from tests.bench import paper, worlds
from tests.bench.worlds import Case, cases

if TYPE_CHECKING:
    from practice.light import Quarters

WORKERS = 2
CHUNK = 4  # cases that a worker takes at a time
NOT_LAID = frozenset({"not laid"})


@dataclass(frozen=True)
class Outcome:
    case: Case
    expected: frozenset[str]
    found: frozenset[str]
    on_paper: frozenset[str]
    notebook: str
    seconds: float
    sentence: str

    @property
    def is_exact(self) -> bool:
        return self.found == self.expected


def measure(arguments: Sequence[str] = ()) -> dict[str, float]:
    """Figure → share in per cent, or what its name says."""
    parser = argparse.ArgumentParser(prog="bench diagnosis")
    parser.add_argument("--worlds", type=int, default=600)
    parser.add_argument("--seeds", choices=("report", "develop"), default="report")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    given = parser.parse_args(arguments)
    chosen = [case for case in cases(given.worlds, given.seeds) if given.only in case.name]
    outcomes = run(chosen)
    show(outcomes)
    return figures(outcomes)


def run(chosen: Sequence[Case], workers: int = WORKERS) -> list[Outcome]:
    """Each worker has one cluster, and opens one world after the other in it."""
    if workers == 1:
        with room() as (quarters, scratch):
            return [attempt(case, quarters, scratch) for case in chosen]
    with ProcessPoolExecutor(workers, get_context("spawn"), move_in) as pool:
        return [told(outcome) for outcome in pool.map(attempt_here, chosen, chunksize=CHUNK)]


@contextlib.contextmanager
def room() -> Iterator[tuple[Quarters, Path]]:
    """Quarters for worlds, and a folder for their targets and incidents; the environment is put back afterwards."""
    from practice.light import Quarters

    before = dict(os.environ)
    with Quarters() as quarters, tempfile.TemporaryDirectory() as scratch:
        os.environ["RUNBOOK_OUTPUTS"] = f"{scratch}/outputs"
        try:
            yield quarters, Path(scratch)
        finally:
            os.environ.clear()
            os.environ.update(before)


HERE: list[tuple[Quarters, Path]] = []  # the room of this worker


def move_in() -> None:
    opened = contextlib.ExitStack()
    HERE.append(opened.enter_context(room()))
    Finalize(None, opened.close, exitpriority=1)  # a worker of a pool runs these at its end, and no other


def attempt_here(case: Case) -> Outcome:
    return attempt(case, *HERE[0])


def attempt(case: Case, quarters: Quarters, scratch: Path) -> Outcome:
    """A world that cannot be laid is reported, and counts as misread."""
    try:
        return diagnose(case, quarters, scratch)
    except Exception as problem:
        where = traceback.extract_tb(problem.__traceback__)[-1]
        sentence = f"{type(problem).__name__} in {where.filename}:{where.lineno}: {problem}"
        return Outcome(case, frozenset({"?"}), NOT_LAID, NOT_LAID, "", 0.0, sentence)


def told(outcome: Outcome) -> Outcome:
    """Each world that was misread is named as soon as it is."""
    if not outcome.is_exact:
        print(f"{outcome.case.name}: expected {names(outcome.expected)}, found {names(outcome.found)}: "
              f"{outcome.sentence[:300]}", file=sys.stderr, flush=True)  # fmt: skip
    return outcome


def diagnose(case: Case, quarters: Quarters, scratch: Path) -> Outcome:
    """One world, one triage."""
    from runbook import incident, response, target
    from runbook.errors import RunbookError

    targets = scratch / "targets"
    with (
        case.open(quarters) as world,
        mock.patch.object(target.read, "TARGETS", targets),
        mock.patch.dict(os.environ, world.environment),
    ):
        world.target_file(targets)
        lines = [entry.log for entry in world.process.log.entries()]
        on_paper = paper.diagnose(lines, world.process.definition.environment, worlds.pending(world))
        began = time.perf_counter()
        sentence = notebook = ""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found = response.triage(incident.open_incident("light"))
            causes, notebook, sentence = frozenset(found.causes), found.next_notebook, found.sentence
        except RunbookError as refusal:
            # Opening refuses sides that do not belong together, which is the verdict.
            causes, sentence = frozenset({"wrong_environment"}), str(refusal)
            if "not the same environment" not in sentence:
                causes = frozenset({"could not look"})
        seconds, expected = time.perf_counter() - began, world.expected
    return Outcome(case, expected, causes, on_paper, notebook, seconds, sentence)


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The figures by which the bench is judged, and the paper runbook's beside them."""
    seconds = [outcome.seconds for outcome in outcomes]
    of = {kind: [outcome for outcome in outcomes if outcome.case.kind == kind] for kind in
          ("single", "pair", "look-alike", "none", "novel")}
    found = {
        "worlds": len(outcomes),
        "singles, exact set, %": percent([each.is_exact for each in of["single"]]),
        "pairs, recall, %": recall(of["pair"], [each.found for each in of["pair"]]),
        "pairs, exact set, %": percent([each.is_exact for each in of["pair"]]),
        "look-alikes, exact set, %": percent([each.is_exact for each in of["look-alike"]]),
        "look-alikes, repairs proposed": sum(bool(each.notebook) for each in of["look-alike"]),
        "nothing wrong, false alarms": sum(each.found != {"none"} for each in of["none"]),
        "novel, abstained, %": percent([each.found == {"unknown"} for each in of["novel"]]),
        "paper: singles, exact set, %": percent([each.on_paper == each.expected for each in of["single"]]),
        "paper: pairs, recall, %": recall(of["pair"], [each.on_paper for each in of["pair"]]),
        "paper: look-alikes, repairs proposed": sum(bool(each.on_paper & paper.REPAIRED) for each in of["look-alike"]),
        "paper: nothing wrong, false alarms": sum(each.on_paper != {"none"} for each in of["none"]),
        "paper: novel, abstained, %": percent([each.on_paper == {"unknown"} for each in of["novel"]]),
        "seconds per diagnosis, median": round(statistics.median(seconds), 3) if seconds else 0,
        "seconds per diagnosis, longest": round(max(seconds), 3) if seconds else 0,
    }
    return {name: value for name, value in found.items() if value is not None}


def percent(hits: Sequence[bool]) -> float | None:
    return round(100 * sum(hits) / len(hits), 1) if hits else None


def recall(pairs: Sequence[Outcome], found: Sequence[frozenset[str]]) -> float | None:
    wanted = sum(len(each.expected) for each in pairs)
    named = sum(len(each.expected & one) for each, one in zip(pairs, found, strict=True))
    return round(100 * named / wanted, 1) if wanted else None


def show(outcomes: Sequence[Outcome]) -> None:
    """What was taken for what."""
    print("expected → found (worlds)")
    matrix = Counter((names(each.expected), names(each.found)) for each in outcomes if each.case.kind != "pair")
    for (expected, found), count in sorted(matrix.items()):
        mark = "" if expected == found else "   ←"
        print(f"  {expected:32} {found:40} {count:>4}{mark}")


def names(causes: frozenset[str]) -> str:
    return " + ".join(sorted(causes))
