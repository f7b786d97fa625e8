"""A drill: a world with a hidden fault, the runbook at work on it, and what came of it."""

import json
import os
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from practice import runs
from practice.faults import FAULTS
from practice.faults.fault import UnknownFault
from practice.referee import Verdict
from practice.world import World

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
BRIEFS = ROOT / "parameters" / "drills"
DEFAULT_CAUSE = "database_rollback"
# What the best of the paper runbooks promise: from the page to a verified repair.
TARGET_SECONDS = 20 * 60
NO_MINOR_UNIT = frozenset({"jpy", "krw"})
# How long the response stays for an approval; the instructor's comes at once or not at all.
PATIENCE_MINUTES = 1
# A repair may leave a plan for what was paid while it was made; what takes more needs a person's thought.
APPROVALS_MAX = 6


class DrillError(RuntimeError):
    """The drill could not be carried through; the text is one sentence."""


def say(text: str = "") -> None:
    print(text, flush=True)


def choose(cause: str, seed: int) -> str:
    """`random` is any cause that has a brief. Raises UnknownFault for one that has none."""
    known = sorted(name for name in FAULTS if (BRIEFS / f"{name}.yaml").exists())
    if cause == "random":
        return random.Random(seed).choice(known)
    if cause not in known:
        raise UnknownFault(f"There is no drill of `{cause}`; choose from: {', '.join(known)}, random.")
    return cause


def some_seed() -> int:
    return secrets.randbelow(100_000)


def brief(cause: str) -> str:
    """The symptom as the instructor reads it out. Raises DrillError."""
    path = BRIEFS / f"{cause}.yaml"
    try:
        return str(yaml.safe_load(path.read_text(encoding="utf-8"))["symptom"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as problem:
        raise DrillError(f"The brief {path.relative_to(ROOT)} cannot be read: {problem}.") from problem


def drill(cause: str, seed: int) -> int:
    """The whole response, headless. Returns an exit code of ./runbook. Raises DrillError, WorldError."""
    story = brief(cause)
    started = time.monotonic()
    with broken_world(cause, seed) as world:
        say(f"The world is open and broken ({time.monotonic() - started:.1f} s; seed {seed}).")
        say(f"\nBrief: {story}\n")
        incident, code = Instructor(world).respond()
        record = read_record(incident)
        verdict = world.referee().judge()
        say()
        for line in summary(record, verdict, incident):
            say(line)
        say(f"\nWhole drill, world included: {time.monotonic() - started:.0f} s.")
    return code if verdict.is_recovered else code or 1


def lab(cause: str, seed: int) -> int:
    """JupyterLab on the broken world, customers and all, until Ctrl-C."""
    story = brief(cause)
    with broken_world(cause, seed) as world:
        say(f"Brief: {story}\n")
        say("The notebooks open in JupyterLab; Ctrl-C here ends it and closes the world.")
        try:
            code = runs.interactive(["lab", "--target", "practice", "--notebook", "00_triage"], world.environment)
        except KeyboardInterrupt:
            say()
            code = 0
        say(f"Referee: {world.referee().judge()}")
    return code


def broken_world(cause: str, seed: int) -> World:
    world = World.open(RUN, seed=seed)
    try:
        world.inject(cause, seed=seed)
    except BaseException:
        world.close()
        raise
    return world


class Instructor:
    """Runs the response and says yes to its plans: reads them (here: trusts them) and approves them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._incident = ""
        self._approved: set[str] = set()

    def respond(self) -> tuple[str, int]:
        """Incident id and exit code of the whole response. Raises DrillError."""
        options = ["--target", "practice", "--wait", str(PATIENCE_MINUTES)]
        code = runs.runbook(["respond", *options], self._world.environment, self._hear)
        if not self._incident:
            raise DrillError(f"The response ended with code {code} and named no incident; see its messages above.")
        return self._incident, code

    def _hear(self, line: str) -> None:
        word, _, name = line.partition(" ")
        if word == "incident" and name.startswith("inc-"):
            self._incident = name
        elif word == "plan" and name.startswith("plan-"):
            self._consider(name)
        else:
            say(line)

    def _consider(self, plan: str) -> None:
        if plan in self._approved or len(self._approved) >= APPROVALS_MAX:
            return
        self._approved.add(plan)
        say(f"\nThe instructor approves {plan}.")
        code = runs.runbook(["approve", self._incident, plan], self._world.environment, say)
        if code != 0:
            raise DrillError(f"{plan} could not be approved (code {code}); see the message above.")


def outputs() -> Path:
    return Path(os.environ.get("RUNBOOK_OUTPUTS", ROOT / "outputs"))


def read_record(incident: str) -> dict[str, Any]:
    path = outputs() / incident / "record.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as problem:
        raise DrillError(f"The response left no readable record at {path}: {problem}.") from problem


def summary(record: dict[str, Any], verdict: Verdict, incident: str) -> list[str]:
    """What a person wants to know at the end, a line for each thing."""
    impact, outcomes = record["impact"], record["outcomes"]
    sums = ", ".join(money(amount, currency) for currency, amount in sorted(impact["amounts_minor"].items()))
    total = record["timings_seconds"]["total"]
    told = impact.get("scale") != "cannot tell"
    failed = f"; {impact['turned_away']:,} checkouts failed" if impact.get("turned_away") else ""
    lines = [
        f"diagnosis   {', '.join(record['diagnosis']['causes']) or 'not made'}; verdict {record['verdict']}",
        f"impact      {impact['payments']} payments of {impact['users']} users: {sums or 'no money'}{failed}" if told
        else "impact      cannot be told, because a side could not be read",
        f"repaired    {outcomes['applied']} applied, {outcomes['already_done']} already done, "
        f"{outcomes['withheld']} withheld",
    ]
    lines += [f"            withheld {count}: {reason}" for reason, count in reasons(record["withheld"])]
    lines += [f"            for a person {count}: {why}" for why, count in reasons(record["work_list"])]
    lines += [f"checks      {line}" for line in compared(record["checks"])]
    lines += [
        f"time        {total:.1f} s of machine time; the target is {TARGET_SECONDS // 60} minutes",
        f"report      {outputs() / incident / 'report.html'}",
        f"referee     {verdict}",
    ]
    return lines


def reasons(items: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Equal reasons counted, most frequent first."""
    counts: dict[str, int] = {}
    for item in items:
        why = str(item.get("reason") or item.get("proposal") or item.get("why") or "see the report")
        counts[why] = counts.get(why, 0) + 1
    return sorted(counts.items(), key=lambda entry: -entry[1])


def compared(checks: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Each check before and after, side by side."""
    after = {check.get("statement"): check.get("answer") for check in checks["after"]}
    before = {check.get("statement"): check.get("answer") for check in checks["before"]}
    return [f"{str(statement).rstrip('.')}: {before.get(statement, 'not looked at')} -> "
            f"{after.get(statement, 'not looked at')}" for statement in {**before, **after}]


def money(amount: int, currency: str) -> str:
    if currency in NO_MINOR_UNIT:
        return f"{amount:,} {currency.upper()}"
    return f"{amount // 100:,}.{amount % 100:02d} {currency.upper()}"


def complain(text: str) -> None:
    print(f"practice: {text}", file=sys.stderr, flush=True)
