"""The keys that the service runs with: kind and mode, never the value."""

from __future__ import annotations

from runbook.evidence.gathering import gathered
from runbook.facts import Evidence, Row
from runbook.incident import Incident
from runbook.judgement import payments


def configured_keys(incident: Incident) -> Evidence:
    """With which Stripe keys does the service run? Kind and mode only; the value stays in the container."""

    def read() -> list[Row]:
        found = incident.containers.environment()
        return [
            {"variable": name, **payments.describe_key(value)}
            for name, value in sorted(found.items())
            if payments.describe_key(value)["kind"]
        ]

    by_hand = "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' CONTAINER | cut -d= -f1"
    return gathered(incident, "With which Stripe keys does the service run?", "containers", read, by_hand)
