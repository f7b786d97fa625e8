"""The worlds of the diagnosis bench: which faults, how much of them, beside how much noise, by which seed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from random import Random
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:
    from practice.light import LightWorld, Quarters

SCENARIOS = ("invalid_api_key", "webhook_signature", "database_rollback", "rate_limited", "test_key_in_production")
# What the runbook was developed on is never what it is judged by.
FIRST_SEED = {"develop": 1_000_000, "report": 2_000_000}
SEVERITIES = (0.4, 1.0, 1.6)
NOISES = ("quiet", "some", "heavy")
# Shares of a bench of any size.
SHARES = {"single": 45, "pair": 15, "look-alike": 22, "none": 10, "novel": 8}
# Two that set the same variable do not hold at once: the second takes the first away.
SAME_KEY = {"invalid_api_key", "test_key_in_production"}
SETS_WEBHOOK_SECRET = ("test_keys", "test_webhook_secret", "insufficient_funds")
# Staging's own fault needs a staging world.
MODES = {"live_key_in_staging": "test"}


@dataclass(frozen=True)
class Case:
    kind: str
    faults: tuple[tuple[str, str], ...]
    severity: float
    noise: str
    seed: int

    @property
    def name(self) -> str:
        what = " + ".join(f"{cause}/{variant}" for cause, variant in self.faults) or "nothing"
        return f"{self.kind} {what}, severity {self.severity}, noise {self.noise}, seed {self.seed}"

    @contextlib.contextmanager
    def open(self, quarters: Quarters) -> Iterator[LightWorld]:
        from practice.light import LightWorld, lay_noise

        mode = next((MODES[variant] for _, variant in self.faults if variant in MODES), "live")
        with LightWorld.open(quarters, self.seed, severity=self.severity, mode=mode) as world:  # type: ignore[arg-type]
            lay_noise(world, self.noise, self.seed)  # type: ignore[arg-type]
            for cause, variant in self.faults:
                world.inject(cause, variant)
            yield world


def pending(world: LightWorld) -> int:
    """How many rows the ledger calls pending."""
    known = world.variation
    column = dict(known.names.by_key)["status"]
    query = SQL("SELECT count(*) FROM {}.{} WHERE {} = %s").format(
        Identifier(known.schema), Identifier(known.names.table), Identifier(column)
    )
    row = world.quarters.conn.execute(query, (known.words[0],)).fetchone()
    world.quarters.conn.rollback()
    return row[0] if row else 0


def cases(count: int, seeds: str) -> list[Case]:
    """About `count` cases: of every kind its share, over all variants, severities and levels of noise in turn."""
    random = Random(f"bench {seeds}")
    drawn: list[Case] = []
    for kind, share in SHARES.items():
        stories = stories_of(kind)
        if not stories:
            continue
        wanted = max(1, round(count * share / 100))
        settings = list(product(SEVERITIES, NOISES))
        for number in range(wanted):
            severity, noise = settings[(number // len(stories) + number) % len(settings)]
            faults = stories[number % len(stories)]
            drawn.append(Case(kind, faults, severity, noise, FIRST_SEED[seeds] + len(drawn)))
    random.shuffle(drawn)
    return drawn


def stories_of(kind: str) -> list[tuple[tuple[str, str], ...]]:
    """Every combination of faults of this kind; pairs in an order by chance, but always the same."""
    from practice.faults import FAULTS

    alone = {
        "single": [name for name in FAULTS if name in SCENARIOS],
        "look-alike": [name for name in FAULTS if name not in SCENARIOS and name != "novel"],
        "novel": [name for name in FAULTS if name == "novel"],
    }
    if kind in alone:
        return [((name, variant),) for name in alone[kind] for variant in FAULTS[name].variants]
    if kind == "none":
        return [()]
    variants = {name: [each for each in FAULTS[name].variants if each not in MODES] for name in SCENARIOS
                if name in FAULTS}
    pairs = [
        ((one, first), (other, second))
        for one, other in combinations(variants, 2)
        for first, second in product(variants[one], variants[other])
        if not ({one, other} <= SAME_KEY or second in SETS_WEBHOOK_SECRET)
    ]
    Random("pairs").shuffle(pairs)
    return pairs
