"""Mail over SMTP, one message at a time, with an answer that never claims more than is known."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formataddr

from runbook.target import Messages
from runbook.wires.messages.sending import NOT_SENT, SENT, UNCLEAR, Sending

SECONDS = 15
# One address of one person: no list, no comment, nothing that could begin another header.
ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[^\s@<>,;:\"\\()\[\]]{1,255}")


class MailWriter:
    """Sends one mail to one person. The target's `messages` say through which host and from whom."""

    def __init__(self, settings: Messages) -> None:
        self._settings = settings
        # An unset variable is said before anything is claimed.
        self._password = settings.smtp_password.reveal() if settings.smtp_password else ""

    def send(self, address: str, subject: str, text: str, message_id: str) -> Sending:
        """`message_id` is the same however often this mail is tried, so that the other side can tell."""
        if not ADDRESS.fullmatch(address):
            return Sending(NOT_SENT, "what stands as the address is none")
        message = letter(self._settings, address, subject, text, message_id)
        try:
            smtp = self._entered()
        except (OSError, smtplib.SMTPException) as error:
            return Sending(NOT_SENT, f"the mail host did not let us in ({why(error)})")
        try:
            smtp.send_message(message, self._settings.sender, [address])
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            return Sending(NOT_SENT, f"the mail host refused it ({why(error)})")
        except (OSError, smtplib.SMTPException) as error:
            return Sending(UNCLEAR, f"the mail host went away while it took the mail ({why(error)})")
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):  # it has the mail, or it has not: said above
                smtp.quit()
            smtp.close()
        return Sending(SENT, f"the mail host took it as {message_id}")

    def _entered(self) -> smtplib.SMTP:
        """A connection, encrypted where the host offers it; a password goes over no open line."""
        settings = self._settings
        smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS)
        try:
            smtp.ehlo_or_helo_if_needed()
            if smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            elif self._password:
                raise smtplib.SMTPNotSupportedError("no encryption is offered, and a password is set")
            if self._password:
                smtp.login(settings.smtp_user, self._password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def letter(settings: Messages, address: str, subject: str, text: str, message_id: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = formataddr((settings.sender_name, settings.sender))
    message["To"] = address
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # no holiday notice answers it
    message.set_content(text)
    return message


def why(error: Exception) -> str:
    """The kind of trouble, and the host's code; its words may quote the address."""
    code = getattr(error, "smtp_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((answer[0] for answer in error.recipients.values()), None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
