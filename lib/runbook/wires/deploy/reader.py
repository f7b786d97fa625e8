"""What the deployment has stored for an application, and what became of its deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook.errors import CannotLook
from runbook.redact import one_line
from runbook.target import Deploy
from runbook.wires.containers import Environment
from runbook.wires.deploy import dotenv
from runbook.wires.deploy.client import LONGEST_MESSAGE, Wire


@dataclass(frozen=True)
class Stored:
    """An application as the deployment holds it. `text` and the rest of the environment are in memory only."""

    id: str
    name: str  # the Swarm service that runs it
    text: str = field(repr=False)
    build_args: str | None = field(default=None, repr=False)
    build_secrets: str | None = field(default=None, repr=False)
    create_env_file: bool = True

    @property
    def variables(self) -> Environment:
        return Environment(dotenv.parse(self.text))


@dataclass(frozen=True)
class Deployed:
    """One deployment by its title: running | done | error | cancelled, and what went wrong."""

    title: str
    status: str
    error: str = ""


class DeployReader(Wire):
    """Questions that change nothing. Failures raise CannotLook or Refused with one sentence."""

    def __init__(self, settings: Deploy) -> None:
        super().__init__(settings, settings.read_token)

    def application(self, app: str) -> Stored:
        return stored(self._get("application.one", applicationId=self.application_id(app)))

    def deployments(self, app: str) -> list[Deployed]:
        """Newest first."""
        found = self._get("deployment.all", applicationId=self.application_id(app))
        if not isinstance(found, list):
            raise CannotLook("The deployment's list of deployments has a shape that is not known here. Look there.")
        newest = sorted(found, key=lambda each: str(each.get("createdAt") or ""), reverse=True)
        return [Deployed(str(each.get("title") or ""), str(each.get("status") or ""),
                         one_line(str(each.get("errorMessage") or ""))[:LONGEST_MESSAGE]) for each in newest]


def stored(raw: Mapping[str, Any]) -> Stored:
    """Raises CannotLook for a shape that is not known: what cannot be read whole must not be written back."""
    try:
        texts = [raw[name] for name in ("env", "buildArgs", "buildSecrets")]
        if not all(text is None or isinstance(text, str) for text in texts):
            raise TypeError
        return Stored(str(raw["applicationId"]), str(raw["appName"]), texts[0] or "", texts[1], texts[2],
                      bool(raw["createEnvFile"]))
    except (KeyError, TypeError):
        raise CannotLook(
            "The deployment describes the application in a shape that is not known here, so nothing of it is changed. "
            "Change it by hand, and set `deploy.kind: manual`."
        ) from None
