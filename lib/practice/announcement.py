"""world.env: addresses and keys of an open world, for whoever is to work on it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from practice.traffic.history import WEBHOOK
from practice.traffic.people import TEST_CARDS, card_number

if TYPE_CHECKING:
    from practice.world import World


def environment(world: World) -> dict[str, str]:
    """The names that the target file `practice.yaml` refers to."""
    keys, stripe = world.keys, world.gateway.engine.mode(world.mode)
    others = world.gateway.keys["test" if world.mode == "live" else "live"]
    # Attached to nobody, so that a test payment of any customer can use it.
    number = card_number(Random(f"drill card {world.seed}")) if world.mode == "live" else TEST_CARDS[0]
    method = stripe.create_payment_method({"type": "card", "card": {"number": number}})
    clock = world.clock.astimezone(UTC).isoformat().replace("+00:00", "Z") if world.clock else ""
    return {
        "PRACTICE_WORLD": f"world-{world.seed}",
        "PRACTICE_DIRECTORY": str(world.directory),
        "PRACTICE_CLOCK": clock,
        "PRACTICE_GATEWAY_URL": world.gateway.url,
        "PRACTICE_MODE": world.mode,
        "PRACTICE_GATEWAY_READ_KEY": keys.read_only,
        "PRACTICE_OTHER_MODE_READ_KEY": others.read_only,
        "PRACTICE_GATEWAY_WRITE_KEY": keys.write,
        "PRACTICE_PUBLISHABLE_KEY": keys.publishable,
        "PRACTICE_ACCOUNT": world.gateway.account_id,
        "PRACTICE_WEBHOOK_SECRET": world.endpoint["secret"],
        "PRACTICE_STATUS_URL": f"{world.gateway.url}/status/api/v2/status.json",
        "PRACTICE_LEDGER_READ_DSN": world.shop.read_dsn,
        "PRACTICE_LEDGER_WRITE_DSN": world.shop.write_dsn,
        "PRACTICE_SERVICE_URL": world.service_url,
        "PRACTICE_WEBHOOK_URL": world.service_url + WEBHOOK,
        "PRACTICE_ADMIN_TOKEN": world.admin_token,
        "PRACTICE_DOCKER_HOST": world.docker_host,
        "PRACTICE_CONTAINER": world.process.name,
        "PRACTICE_WEB_CONTAINER": world.applications.known["web"].process.name,
        "PRACTICE_WEB_URL": world.applications.web_url,
        "PRACTICE_DEPLOY_URL": world.deploy_url,
        "PRACTICE_DEPLOY_TOKEN": world.deploy_tokens["read"],
        "PRACTICE_DEPLOY_WRITE_TOKEN": world.deploy_tokens["write"],
        "PRACTICE_DEPLOY_API_ID": world.board.id_of("api"),
        "PRACTICE_DEPLOY_WEB_ID": world.board.id_of("web"),
        "PRACTICE_SMTP_HOST": world.smtp[0],
        "PRACTICE_SMTP_PORT": str(world.smtp[1]),
        "PRACTICE_CHAT_URL": world.chat_url,
        "PRACTICE_TEST_PAYMENT_METHOD": method["id"],
        "PRACTICE_LOG_FORMAT": world.log_format,
    }


@contextlib.contextmanager
def published(values: Mapping[str, str], directory: Path, scratch: Path) -> Iterator[None]:
    """world.env in `directory` for as long as the block lasts: for its owner only, and complete or not there."""
    draft, final = scratch / "world.env", directory / "world.env"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(final)
    try:
        yield
    finally:
        final.unlink(missing_ok=True)
