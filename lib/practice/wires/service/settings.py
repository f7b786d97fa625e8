"""What the service reads from its environment, once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from practice.wires.service.queue import QueueError, QueueSettings
from practice.wires.service.records import FORMATS

VERSION = "2026.11.3"


class SettingsError(ValueError):
    """One sentence that names the variable, what was wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every value is required: a payments service that guesses its key or its database is worse than one that stops.
    Only the queue before Stripe may be left out, and then limits nothing."""

    port: int
    database_url: str = field(repr=False)
    stripe_secret_key: str = field(repr=False)
    stripe_publishable_key: str
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str
    smtp_url: str
    log_format: str
    admin_token: str = field(repr=False)
    queue: QueueSettings = field(default_factory=QueueSettings)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        values = {name: environment.get(name.upper(), "") for name in cls.__dataclass_fields__ if name != "queue"}
        missing = [name.upper() for name, value in values.items() if not value]
        if missing:
            raise SettingsError(f"The service needs {', '.join(missing)} in its environment.")
        if not values["port"].isdecimal():
            raise SettingsError(f"PORT must be a number, not `{values['port']}`.")
        if values["log_format"] not in FORMATS:
            raise SettingsError(f"LOG_FORMAT must be one of {', '.join(FORMATS)}, not `{values['log_format']}`.")
        try:
            queue = QueueSettings.from_environment(environment)
        except QueueError as problem:
            raise SettingsError(str(problem)) from None
        return cls(**(values | {"port": int(values["port"]), "queue": queue}))
