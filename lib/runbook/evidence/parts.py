"""Can each part be reached from here?"""

from __future__ import annotations

from collections.abc import Iterable

from runbook.errors import CannotLook
from runbook.evidence.gathering import gathered
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable


def sides(incident: Incident) -> Evidence:
    """Can each part be reached from here?"""
    return gathered(
        incident, "Can each part be reached from here?", "all", lambda: _sides(incident), "./runbook doctor"
    )


def _sides(incident: Incident) -> Iterable[Row]:
    away = readable(incident.gateway.reachable)
    yield part("gateway", "up" if away is True else "down", "" if away is True else str(away or "no answer"))
    key = readable(incident.gateway.key_check)
    if isinstance(key, CannotLook) or key.accepted is None:
        yield part("our key", "cannot tell", str(key) if isinstance(key, CannotLook) else key.reason)
    else:
        yield part(
            "our key", "accepted" if key.accepted else "rejected", f"{key.kind}, {key.mode} {key.reason}".strip()
        )
    page = incident.gateway.status_page(incident.as_of)
    yield part("status page", page.state, page.detail)
    mapping = readable(incident.ledger.check_mapping)
    yield part("ledger", "down" if isinstance(mapping, CannotLook) else "up", str(mapping or ""))
    health = incident.service.health()
    yield part("service", "up" if health.ok else "down", health.detail)
    found = readable(incident.containers.containers)
    if isinstance(found, CannotLook):
        yield part("containers", "cannot tell", str(found))
        return
    for each in found:
        yield part(f"container {each.service}", each.state, f"image {each.image}, {each.restart_count} restarts")


def part(name: str, state: str, detail: str) -> Row:
    return {"part": name, "state": state, "detail": detail}
