"""The slow reads of triage, all at once: each side waits for its own answers, and nobody waits for another's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from runbook.evidence.deliveries import probes
from runbook.evidence.gathering import kept_for_later
from runbook.evidence.keys import keys_tried
from runbook.evidence.logs import log_summary
from runbook.evidence.parts import sides
from runbook.evidence.sample import arrivals, sample
from runbook.evidence.webhooks import endpoints
from runbook.facts import Evidence
from runbook.incident import Incident, readable

# What is remembered by itself, and what is handed to the first who asks.
READ_ONCE: tuple[Callable[[Incident], object], ...] = (sample, log_summary)
ASKED: tuple[Callable[[Incident], Evidence], ...] = (keys_tried, sides, probes, endpoints)


def look_ahead(incident: Incident) -> None:
    """Read at the same time what triage will ask for; a side that is away is told to whoever asks."""
    arrivals(incident)
    with ThreadPoolExecutor(len(READ_ONCE) + len(ASKED)) as readers:
        once = [readers.submit(readable, lambda read=read: read(incident)) for read in READ_ONCE]
        asked = [readers.submit(ask, incident) for ask in ASKED]
        for reading in once:
            reading.result()
        for asking in asked:
            kept_for_later(incident, asking.result())
