"""Telling people: mail over SMTP, a chat's incoming webhook, tasks of a `bd` program. Writers are repair's alone."""

from runbook.wires.messages.chat import ChatWriter
from runbook.wires.messages.mail import MailWriter
from runbook.wires.messages.sending import NOT_SENT, SENT, UNCLEAR, Sending
from runbook.wires.messages.tasks import TaskReader, TaskWriter, arguments

__all__ = [
    "NOT_SENT",
    "SENT",
    "UNCLEAR",
    "ChatWriter",
    "MailWriter",
    "Sending",
    "TaskReader",
    "TaskWriter",
    "arguments",
]
