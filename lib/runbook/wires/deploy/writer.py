"""The mutations that a plan may hold on the deployment's side. Imported by repair alone."""

from __future__ import annotations

from runbook.errors import Refused
from runbook.target import Deploy
from runbook.wires.deploy import dotenv
from runbook.wires.deploy.client import Wire
from runbook.wires.deploy.reader import Stored, stored


class DeployWriter(Wire):
    """Each method carries out one step; none decides."""

    def __init__(self, settings: Deploy) -> None:
        super().__init__(settings, settings.write_token)

    def set_variable(self, app: str, seen: Stored, name: str, value: str) -> Stored:
        """Change one variable of what was `seen`, and return what is stored then.

        The deployment checks no version, so it is read once more just before; Refused where it is not what was seen,
        or where it does not hold afterwards what was sent.
        """
        now = self._application(app)
        if now != seen:
            raise Refused(f"The stored environment of {seen.name} was changed by somebody in between")
        text = dotenv.with_value(seen.text, name, value)
        self._post("application.saveEnvironment", {
            "applicationId": seen.id, "env": text, "buildArgs": seen.build_args, "buildSecrets": seen.build_secrets,
            "createEnvFile": seen.create_env_file,
        })  # fmt: skip
        after = self._application(app)
        if after.text != text:
            raise Refused(f"The stored environment of {seen.name} is not what was sent; look at it there")
        return after

    def redeploy(self, app: str, title: str, description: str) -> None:
        """Queue a build; the title is how it is found again."""
        body = {"applicationId": self.application_id(app), "title": title, "description": description}
        self._post("application.redeploy", body)

    def restart(self, app: str, seen: Stored) -> None:
        """A new container of the same build, with the stored environment."""
        self._post("application.reload", {"applicationId": seen.id, "appName": seen.name})

    def _application(self, app: str) -> Stored:
        return stored(self._get("application.one", applicationId=self.application_id(app)))
