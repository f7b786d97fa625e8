"""One request to the deployment, and its refusals as sentences that hold no token and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from runbook.errors import CannotLook, Refused, RunbookError
from runbook.redact import one_line
from runbook.target import Deploy, Secret
from runbook.wires import http

SECONDS = 15
LONGEST_MESSAGE = 300


class Wire:
    """The address and one token."""

    def __init__(self, settings: Deploy, token: Secret) -> None:
        self._settings, self._token = settings, token
        self._headers = {"x-api-key": token.reveal(), "Accept": "application/json"}

    def _get(self, call: str, **params: str) -> Any:
        return self._send("GET", f"{call}?{urlencode(params)}", b"")

    def _post(self, call: str, body: Mapping[str, Any]) -> Any:
        return self._send("POST", call, msgspec.json.encode(body))

    def _send(self, method: str, call: str, body: bytes) -> Any:
        url = f"{self._settings.url.rstrip('/')}/{call}"
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        reply = http.ask(method, url, what="The deployment", seconds=SECONDS, body=body, headers=headers)
        if not 200 <= reply.status < 300:
            raise refusal(call.partition("?")[0], reply, self._token)
        try:
            return msgspec.json.decode(reply.body)
        except msgspec.DecodeError:
            raise CannotLook(
                f"The deployment answered `{call.partition('?')[0]}` with something that is not JSON. "
                "Check `deploy.url`: it should end in /api."
            ) from None

    def application_id(self, app: str) -> str:
        """Raises Refused for an application that the target does not name."""
        found = self._settings.applications.get(app)  # type: ignore[call-overload]
        if found is None:
            raise Refused(f"The target names no application `{app}`; add it to `deploy.applications`.")
        return str(found.id)


def refusal(call: str, reply: http.Reply, token: Secret) -> RunbookError:
    if reply.status == 401:
        return CannotLook(f"The deployment does not know the token in `{token.name}` (401). Make a new one there.")
    if reply.status == 403:
        return Refused(f"The token in `{token.name}` may not do `{call}` (403). Give its key that permission.")
    if reply.status == 404:
        return CannotLook(f"The deployment has no such application for `{call}` (404). Correct `deploy.applications`.")
    return CannotLook(f"The deployment answered `{call}` with {reply.status}: {said(reply)}.")


def said(reply: http.Reply) -> str:
    try:
        message = msgspec.json.decode(reply.body)["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        message = "no reason given"
    return one_line(str(message))[:LONGEST_MESSAGE].rstrip(".")
