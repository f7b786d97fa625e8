"""The slow reads of triage, all at once: each side waits for its own answers, and nobody waits for another's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from runbook.evidence.logs import log_summary
from runbook.evidence.sample import arrivals, sample
from runbook.incident import Incident, readable

READS: tuple[Callable[[Incident], object], ...] = (sample, log_summary)


def look_ahead(incident: Incident) -> None:
    """Read the payments and the logs of the window at the same time; what asks for them later finds them read. A side
    that is away is told to whoever asks."""
    arrivals(incident)
    with ThreadPoolExecutor(len(READS)) as readers:
        for reading in [readers.submit(readable, lambda read=read: read(incident)) for read in READS]:
            reading.result()
