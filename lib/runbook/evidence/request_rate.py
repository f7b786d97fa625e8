"""Outbound calls to Stripe beside inbound requests of customers, from the service's logs: how many a second, to which
endpoint, which were refused and why, and how many were on their way at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.evidence.gathering import gathered
from runbook.evidence.logs import entries_of, logs_by_hand, window_entries
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement.log_entry import LogEntry
from runbook.judgement.rates import Call, Rates, Wave, between, per_second, percentile, rates

MINUTE = 60
# How much of the calm before is shown, so that the trouble stands out against it.
CALM_SECONDS = 10 * MINUTE
NOT_SET = "not set"


def call_rates(incident: Incident) -> tuple[Rates, Evidence]:
    """Every call and request of the window's logs, and the calls by endpoint as evidence."""
    found = readable(lambda: incident.once("request rate", lambda: rates_in(incident, *window_entries(incident))))
    question = "How many calls a second go to each endpoint of Stripe?"
    if isinstance(found, CannotLook):
        return Rates(), Evidence(question, "logs", incident.as_of, by_hand=by_hand(incident), unreadable=str(found))
    note = f"{len(found.calls):,} calls out, {len(found.visits):,} requests in"
    if found.cut:
        note += "; older lines of the window were not read"
    rows = tuple(by_endpoint(found, incident.target.gateway.limits.endpoint_per_second))
    return found, Evidence(question, "logs", incident.as_of, rows, by_hand(incident), note=note)


def rates_in(incident: Incident, entries: Iterable[LogEntry], cut: bool) -> Rates:
    service = incident.target.service
    found = rates(entries, (service.paths.customers, service.paths.create_intent))
    return Rates(found.calls, found.visits, cut)


def by_hand(incident: Incident) -> str:
    return f"{logs_by_hand(incident)} | grep ' /v1/' | cut -c1-19 | sort | uniq -c"


def by_endpoint(found: Rates, limit: int) -> Iterator[Row]:
    """`above`: seconds in which more calls began than the limit of an endpoint allows."""
    for endpoint, count in Counter(call.endpoint for call in found.calls).most_common():
        seconds = per_second(call for call in found.calls if call.endpoint == endpoint)
        yield {
            "endpoint": endpoint,
            "calls": count,
            "refused": sum(call.endpoint == endpoint for call in found.refused),
            "peak a second": seconds[-1],
            "p95": int(percentile(seconds, 95)),
            "median": int(percentile(seconds, 50)),
            "limit": limit,
            "above": sum(each > limit for each in seconds),
        }


def refused_calls(incident: Incident, found: Rates, log: Evidence) -> Evidence:
    """Which limit did the refused calls meet, and where?"""
    rows = []
    counts = Counter((call.reason, call.endpoint) for call in found.refused)
    for (reason, endpoint), count in counts.most_common():
        mine = [call for call in found.refused if (call.reason, call.endpoint) == (reason, endpoint)]
        rows.append({
            "Stripe names": reason or "nothing", "endpoint": endpoint, "refused": count,
            "first_at": moment(mine[0].began), "last_at": moment(mine[-1].began),
        })  # fmt: skip
    return like(incident, log, "Which limit did the refused calls meet?", rows)


def calls_and_requests(incident: Incident, found: Rates, log: Evidence) -> Evidence:
    """Inbound beside outbound, in the waves of refusals and outside them."""
    waves = found.waves
    inside = {"calls out": len(found.in_waves), "requests in": len(found.visits_in_waves)}
    outside = {
        "calls out": len(found.calls) - len(found.in_waves),
        "requests in": len(found.visits) - len(found.visits_in_waves),
    }
    rows = [
        {"when": f"in {len(waves):,} waves of refusals", **inside, "calls each": ratio(*inside.values()),
         "requests answered with an error": found.lost},
        {"when": "outside them", **outside, "calls each": ratio(*outside.values()),
         "requests answered with an error": sum(visit.status >= 500 for visit in found.visits) - found.lost},
    ]  # fmt: skip
    return like(incident, log, "How many calls does a customer's request make?", rows if waves else rows[1:])


def ratio(calls: int, visits: int) -> str:
    return f"{calls * 10 // visits / 10:.1f}" if visits else "—"


def calls_in_progress(incident: Incident, found: Rates, log: Evidence) -> Evidence:
    """Little's law, L = λ · W, for the waves; beside it the count as the lines give it."""
    rows = [
        {"wave_at": moment(wave.began), "seconds": f"{wave.seconds:.0f}", **little(found, wave)}
        for wave in found.waves
    ]  # fmt: skip
    return like(incident, log, "How many calls are in progress at once?", rows)


def little(found: Rates, wave: Wave) -> Row:
    calls: list[Call] = list(between(found.calls, wave))  # type: ignore[arg-type]
    rate = len(calls) / wave.seconds
    took = sum(call.seconds for call in calls) / max(1, len(calls))
    peak = max((found.in_progress(call.began) for call in calls), default=0)
    return {"calls a second (λ)": f"{rate:.1f}", "each takes s (W)": f"{took:.2f}",
            "in progress on average (L)": f"{rate * took:.1f}", "at most": peak}  # fmt: skip


def calls_by_minute(incident: Incident, found: Rates, log: Evidence) -> Evidence:
    """The busiest second of each minute, out and in; from shortly before the first refusal until the window's end."""
    start = found.refused[0].began - CALM_SECONDS if found.refused else incident.window.start.timestamp()
    out, back, refused = (
        Counter(int(each.began) for each in these if each.began >= start)
        for these in (found.calls, found.visits, found.refused)
    )
    minutes = sorted({second // MINUTE * MINUTE for second in (*out, *back)})
    rows = [
        {"minute_at": minute, "calls": total(out, minute), "busiest second": busiest(out, minute),
         "requests": total(back, minute), "requests' busiest second": busiest(back, minute),
         "refused": total(refused, minute)}
        for minute in minutes
    ]  # fmt: skip
    return like(incident, log, "How busy was the busiest second of each minute?", rows)


def total(counts: Counter[int], minute: int) -> int:
    return sum(counts[second] for second in range(minute, minute + MINUTE))


def busiest(counts: Counter[int], minute: int) -> int:
    return max(counts[second] for second in range(minute, minute + MINUTE))


def like(incident: Incident, log: Evidence, question: str, rows: Iterable[Row]) -> Evidence:
    """Another question of the same reading."""
    return Evidence(question, "logs", incident.as_of, tuple(rows), log.by_hand, log.unreadable)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)


def queue_settings(incident: Incident) -> Evidence:
    """With which queue before Stripe does the service run? None of these values is secret."""
    names = msgspec.structs.asdict(incident.target.deploy.queue)

    def read() -> list[Row]:
        found = incident.containers.environment(tuple(name for name in names.values() if name))
        return [{"setting": setting, "variable": name, "value": harmless(found.get(name, NOT_SET))}
                for setting, name in names.items() if name]  # fmt: skip

    question = "With which queue before Stripe does the service run?"
    hand = "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' CONTAINER | grep -E 'QUEUE|RETRY'"
    return gathered(incident, question, "containers", read, hand)


def harmless(value: str) -> str:
    """A setting as it stands; whatever is none may be a secret in the wrong place, and is not shown."""
    return value if value.isdecimal() or value in (NOT_SET, "none", "full") else "no such setting (not shown)"


def containers_running(incident: Incident) -> int:
    """Each container has a queue of its own, and the account's limit is shared by all."""
    return max(1, sum(each.state == "running" for each in incident.containers.containers()))


def calls_since_repair(incident: Incident) -> tuple[Rates, Evidence]:
    """The calls since the newest applied step; nothing while there is none."""
    question = "How did the calls go since the repair?"
    applied = [entry.at for entry in incident.journal.entries("outcomes")
               if any(each["word"] == "applied" for each in entry.body["outcomes"])]  # fmt: skip
    if not applied:
        return Rates(), Evidence(question, "logs", incident.as_of, unreadable="nothing was applied yet")
    window = Window(datetime.fromisoformat(applied[-1]), incident.clock.now() + timedelta(seconds=1))
    found = readable(lambda: rates_in(incident, *entries_of(incident, window)))
    if isinstance(found, CannotLook):
        return Rates(), Evidence(question, "logs", incident.as_of, by_hand=by_hand(incident), unreadable=str(found))
    seconds = per_second(found.calls)
    row = {
        "calls out": len(found.calls),
        "refused": len(found.refused),
        "busiest second": max(seconds, default=0),
        "requests in": len(found.visits),
        "answered with an error": sum(v.status >= 500 for v in found.visits),
    }
    return found, Evidence(question, "logs", incident.as_of, (row,), by_hand(incident))
