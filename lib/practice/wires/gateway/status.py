"""The status pages, in the shapes that runbooks have read over the years. Which of them Stripe serves is unclear."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Indicator = Literal["none", "minor", "major", "critical"]
DESCRIPTIONS = {"none": "All Systems Operational", "minor": "Partially Degraded Service",
                "major": "Partial System Outage", "critical": "Major Service Outage"}
LEVELS = {"none": "up", "minor": "degraded", "major": "degraded", "critical": "down"}
MESSAGES = {"up": "All services are online.", "degraded": "Some services are degraded.",
            "down": "Services are experiencing an outage."}
# The page of a single-page application: 200, and nothing in it that a program could read.
SHELL = "<!doctype html><html><head><title>Status</title></head><body><div id=\"root\"></div></body></html>"


@dataclass
class Status:
    """What the pages say, which need not be true. `shell`: an empty HTML page instead. `frozen_at`: an old answer."""

    indicator: Indicator = "none"
    shell: bool = False
    frozen_at: float | None = None

    def page(self, path: str, now: float, base: str) -> dict[str, Any] | None:
        """The JSON of a path; None where there is no such page."""
        at = datetime.fromtimestamp(self.frozen_at or now, UTC)
        level = LEVELS[self.indicator]
        current = {"largestatus": level, "message": MESSAGES[level], "time": f"{at:%B %d, %Y @ %I:%M%p} +00:00"}
        match path:
            case "/status/api/v2/status.json":
                return {"page": {"id": "practice", "name": "Stripe", "url": f"{base}/status", "time_zone": "Etc/UTC",
                                 "updated_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")},
                        "status": {"indicator": self.indicator, "description": DESCRIPTIONS[self.indicator]}}
            case "/status/current":
                return current | {"statuses": dict.fromkeys(("api", "dashboard", "stripejs", "checkoutjs"), level)}
            case "/status/current/full":
                return current | {"UptimeStatus": level, "uptimeData": [
                    {"key": "api", "title": "API", "warning": None if level == "up" else MESSAGES[level]}]}
        return None
