"""The service's calls to Stripe as its logs tell them, beside the requests of its own customers. Pure.

Stripe counts calls that go out, and a request that comes in may make none, one or a dozen of them: the two are counted
apart and never added. A line is written when a call has ended; Stripe counted it when it began.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from runbook.judgement import log_lines
from runbook.judgement.log_lines import LogEntry

REFUSED = 429
# Refusals this close together belong to one wave; a wave's customers came shortly before its first refusal.
WAVE_GAP_SECONDS, WAVE_LEAD_SECONDS = 5.0, 2.0
# An id has digits or capitals behind its prefix; `payment_intents` has neither.
ID = re.compile(r"/[a-z]{2,6}_(?=[^/]*[A-Z0-9])[A-Za-z0-9_]{6,}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Stripe, unix seconds; `reason` is the limit that it met, empty for none or none that was told."""

    began: float
    ended: float
    endpoint: str
    status: int
    reason: str

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def went_well(self) -> bool:
        return 0 < self.status < 400


@dataclass(frozen=True, slots=True)
class Visit:
    """A customer's request on one of the paths that call Stripe."""

    began: float
    status: int


@dataclass(frozen=True, slots=True)
class Wave:
    """A stretch with refusals, its customers' arrival included; unix seconds."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return max(1.0, self.ended - self.began)


@dataclass(frozen=True)
class Rates:
    """`calls` and `visits` in the order in which they began."""

    calls: tuple[Call, ...] = ()
    visits: tuple[Visit, ...] = ()
    cut: bool = False  # older lines of the window were not read

    @cached_property
    def refused(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if call.status == REFUSED)

    @cached_property
    def reasons(self) -> Counter[str]:
        """Refusals by the limit they met; "" for those that do not say."""
        return Counter(call.reason for call in self.refused)

    @property
    def reason(self) -> str:
        """The limit that most refusals met."""
        return self.reasons.most_common(1)[0][0] if self.reasons else ""

    @cached_property
    def waves(self) -> tuple[Wave, ...]:
        waves: list[Wave] = []
        for call in self.refused:
            if waves and call.began - waves[-1].ended <= WAVE_GAP_SECONDS:
                waves[-1] = Wave(waves[-1].began, max(waves[-1].ended, call.ended))
            else:
                waves.append(Wave(call.began - WAVE_LEAD_SECONDS, call.ended))
        return tuple(waves)

    @cached_property
    def in_waves(self) -> tuple[Call, ...]:
        return tuple(call for wave in self.waves for call in between(self.calls, wave))

    @cached_property
    def visits_in_waves(self) -> tuple[Visit, ...]:
        return tuple(visit for wave in self.waves for visit in between(self.visits, wave))

    @property
    def lost(self) -> int:
        """Customers' requests that were answered with an error while Stripe refused calls."""
        return sum(visit.status >= 500 or visit.status == REFUSED for visit in self.visits_in_waves)

    @property
    def calls_per_visit(self) -> float | None:
        return len(self.in_waves) / len(self.visits_in_waves) if self.visits_in_waves else None

    @property
    def share_of_busiest(self) -> tuple[str, float]:
        """The endpoint that most calls of the waves went to, and its share of them."""
        counts = Counter(call.endpoint for call in self.in_waves or self.calls)
        name, most = counts.most_common(1)[0] if counts else ("", 0)
        return name, most / counts.total() if counts else 0.0

    @cached_property
    def rates_at_refusals(self) -> list[int]:
        """How many calls of ours had begun in the second before each refusal, itself included; sorted."""
        return sorted(self.begun_before(call.began) for call in self.refused)

    @cached_property
    def accepted_at_refusals(self) -> list[int]:
        """The same without the refused ones: how many a second Stripe let through while it refused others; sorted."""
        starts = [call.began for call in self.calls if call.status != REFUSED]
        return sorted(bisect_right(starts, call.began) - bisect_right(starts, call.began - 1) for call in self.refused)

    def begun_before(self, at: float, seconds: float = 1.0) -> int:
        starts = self._starts
        return bisect_right(starts, at) - bisect_right(starts, at - seconds)

    @cached_property
    def in_progress_at_refusals(self) -> list[int]:
        """How many calls of ours were on their way when Stripe refused one, that one included; sorted."""
        return sorted(self.in_progress(call.began) for call in self.refused)

    @cached_property
    def held_at_refusals(self) -> list[int]:
        """How many calls that Stripe had let in were still on their way when a refusal came back: never more than it
        allows at once, whatever the order in which we began them; sorted."""
        let_in = [call for call in self.calls if call.status != REFUSED]
        starts, ends = [call.began for call in let_in], sorted(call.ended for call in let_in)
        return sorted(bisect_right(starts, call.ended) - bisect_left(ends, call.ended) for call in self.refused)

    def in_progress(self, at: float) -> int:
        return bisect_right(self._starts, at) - bisect_left(self._ends, at)

    @cached_property
    def usual_per_second(self) -> int:
        """The busiest second outside all waves: what this service does on its own."""
        quiet = Counter(
            int(call.began) for call in self.calls if not any(w.began <= call.began <= w.ended for w in self.waves)
        )
        return max(quiet.values(), default=0)

    @cached_property
    def durations(self) -> list[float]:
        """Seconds that calls took which went well while Stripe refused others; all of the window where none did."""
        within = [call.seconds for call in self.in_waves if call.went_well]
        return sorted(within or [call.seconds for call in self.calls if call.went_well])

    @cached_property
    def _starts(self) -> list[float]:
        return [call.began for call in self.calls]

    @cached_property
    def _ends(self) -> list[float]:
        return sorted(call.ended for call in self.calls)


def between(things: Sequence[Call] | Sequence[Visit], wave: Wave) -> Sequence[Call] | Sequence[Visit]:
    first = bisect_left(things, wave.began, key=lambda each: each.began)
    return things[first : bisect_right(things, wave.ended, key=lambda each: each.began)]


def rates(entries: Iterable[LogEntry], paths: Sequence[str]) -> Rates:
    """Count in one pass; `paths` are those of the service that call Stripe for a customer."""
    calls: list[Call] = []
    visits: list[Visit] = []
    for entry in entries:
        exchange = entry.exchange
        if exchange is None:
            continue
        ended = entry.at.timestamp()
        began = ended - (exchange.milliseconds or 0) / 1000
        if entry.to_stripe:
            endpoint = ID.sub("/:id", exchange.path)
            calls.append(Call(began, ended, endpoint, exchange.status, log_lines.limit_met(entry)))
        elif exchange.method == "POST" and exchange.path in paths:
            visits.append(Visit(began, exchange.status))
    return Rates(tuple(sorted(calls, key=lambda each: each.began)), tuple(sorted(visits, key=lambda each: each.began)))


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many per cent of them do not exceed; 0 for none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


def per_second(calls: Iterable[Call]) -> list[int]:
    """Calls in each second that saw one, sorted."""
    return sorted(Counter(int(call.began) for call in calls).values())
