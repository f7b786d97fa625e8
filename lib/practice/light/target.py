"""The target file of a light world: what its owner would have written about a shop of this variation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from practice.light.face import SHOP
from practice.traffic.history import WEBHOOK
from practice.wires.service.provision import DATABASE

if TYPE_CHECKING:
    from practice.light.world import LightWorld

LEVELS = (0, 15, 30, 60)
# A small account, as in practice.yaml: what the fault of rate limits is laid against.
LIMITS = {"account_per_second": 20, "endpoint_per_second": 15}


def environment(world: LightWorld) -> dict[str, str]:
    """The secrets, and what announcement.py calls likewise in a world with a running service."""
    others = world.gateway.keys["test" if world.mode == "live" else "live"]
    return {
        "PRACTICE_WORLD": f"light-{world.seed}",
        "PRACTICE_GATEWAY_READ_KEY": world.keys.read_only,
        "PRACTICE_OTHER_MODE_READ_KEY": others.read_only,
        "PRACTICE_GATEWAY_WRITE_KEY": world.keys.write,
        "PRACTICE_PUBLISHABLE_KEY": world.keys.publishable,
        "PRACTICE_WEBHOOK_SECRET": world.endpoint["secret"],
        "PRACTICE_LEDGER_READ_DSN": world.quarters.shop.read_dsn,
        "PRACTICE_LEDGER_WRITE_DSN": world.quarters.shop.write_dsn,
        "PRACTICE_ADMIN_TOKEN": world.admin_token,
    }


def content(world: LightWorld) -> dict[str, Any]:
    clock = datetime.fromtimestamp(world.now(), UTC).isoformat().replace("+00:00", "Z")
    variation = world.variation
    return {
        "environment": "practice",
        "fixed_clock": clock,
        "gateway": {
            "api_base": world.gateway.url, "account": world.gateway.account_id,
            "read_key": "env:PRACTICE_GATEWAY_READ_KEY", "write_key": "env:PRACTICE_GATEWAY_WRITE_KEY",
            "publishable_key": "env:PRACTICE_PUBLISHABLE_KEY", "webhook_secret": "env:PRACTICE_WEBHOOK_SECRET",
            "other_mode_read_key": "env:PRACTICE_OTHER_MODE_READ_KEY", "expected_mode": world.mode,
            "status_urls": [f"{world.gateway.url}/status/api/v2/status.json"],
            "requests_per_second": 1000, "timeout_seconds": 2, "limits": LIMITS,
        },
        "ledger": {"read_dsn": "env:PRACTICE_LEDGER_READ_DSN", "write_dsn": "env:PRACTICE_LEDGER_WRITE_DSN",
                   "database": DATABASE, **variation.ledger_section()},
        "service": {
            "base_url": world.service_url, "webhook_url": world.service_url + WEBHOOK, "names": [variation.service],
            "web_names": [world.applications.names["web"]], "web_url": world.service_url + SHOP,
            "docker_host": world.quarters.docker_host, "admin_token": "env:PRACTICE_ADMIN_TOKEN",
            "log_format": variation.log_format if variation.log_format_told else "auto", "timeout_seconds": 2,
        },
        "escalation": {
            "levels": [{"after_minutes": after, "contact": f"level {number}", "action": "look"}
                       for number, after in enumerate(LEVELS, 1)],
            "usd_rates": {"eur": "1.08", "gbp": "1.27", "jpy": "0.0065"},
        },
    }


def write(world: LightWorld, directory: Path, name: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.yaml").write_text(yaml.safe_dump(content(world), sort_keys=False), encoding="utf-8")
