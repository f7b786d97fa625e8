"""Whether the mail host answers; nothing is sent through it."""

from __future__ import annotations

import smtplib

from runbook.errors import CannotLook
from runbook.target import Messages

SECONDS = 5


def greets(settings: Messages) -> str:
    """The host's name for itself. Raises CannotLook when it does not answer like a mail host."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS) as host:
            code, answer = host.ehlo()
    except (OSError, smtplib.SMTPException) as error:
        cause = "gave no answer in time" if isinstance(error, TimeoutError) else "does not answer like a mail host"
        code, answer = 0, b""
    if code == 250:
        return answer.decode("ascii", "replace").split("\n")[0][:80]
    if code:
        cause = f"answered {code} to a greeting"
    raise CannotLook(f"The mail host at {where} {cause}. Check `messages.smtp_host` and `smtp_port`, then the network.")
