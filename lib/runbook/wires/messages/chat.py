"""One message to the incident's channel, by an incoming webhook. The address is the credential and is never shown."""

from __future__ import annotations

import json

from runbook.errors import CannotLook
from runbook.target import Messages
from runbook.wires import http
from runbook.wires.messages.sending import NOT_SENT, SENT, UNCLEAR, Sending

SECONDS = 10
CHARACTERS_MAX = 3_000  # of one section; what is longer is cut, and the report has the whole


class ChatWriter:
    """Posts text as it is written: nothing in it becomes a link, a mention or a mark."""

    def __init__(self, settings: Messages) -> None:
        self._url = settings.chat_url.reveal()  # an unset variable is said before anything is claimed

    def post(self, text: str) -> Sending:
        body = json.dumps({"text": escaped(text[:CHARACTERS_MAX])}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            reply = http.ask("POST", self._url, what="The chat", seconds=SECONDS, body=body, headers=headers)
        except CannotLook as error:
            if "refused the connection" in str(error) or "resolved" in str(error):
                return Sending(NOT_SENT, str(error))
            return Sending(UNCLEAR, str(error))
        if 200 <= reply.status < 300:
            return Sending(SENT, "the chat took it")
        return Sending(NOT_SENT, f"the chat answered {reply.status}: {' '.join(reply.text.split())[:80]}")


def escaped(text: str) -> str:
    """The three characters that an incoming webhook reads as marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
