"""The service's logs in one pass: which errors, how often, since when; and how requests, webhooks and calls went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from runbook.judgement import log_lines
from runbook.judgement.log_lines import LogEntry
from runbook.redact import redact

EXAMPLE_CHARACTERS = 160


@dataclass
class Occurrence:
    """How often one class of error stands in the logs, when first and last, and its first wording."""

    lines: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: str = ""

    def see(self, entry: LogEntry) -> None:
        if self.first is None:
            self.first, self.example = entry.at, redact(entry.message)[:EXAMPLE_CHARACTERS]
        self.lines, self.last = self.lines + 1, entry.at


@dataclass
class LogSummary:
    """Counts over one window; `longest_run` is the longest row of webhook failures without a success between."""

    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    classes: dict[str, Occurrence] = field(default_factory=dict)
    requests: int = 0  # on the payment paths
    requests_failed: int = 0  # of them, answered 5xx
    webhooks: dict[str, int] = field(default_factory=dict)  # by state
    failures_in_a_row: int = 0
    longest_run: int = 0
    outbound_ok: int = 0
    mails: int = 0

    def see(self, entry: LogEntry, payment_path: str) -> None:
        self.entries += 1
        self.first, self.last = self.first or entry.at, entry.at
        if name := log_lines.classify(entry):
            self.classes.setdefault(name, Occurrence()).see(entry)
        if request := log_lines.request(entry):
            on_payments = request.path.startswith(payment_path)
            self.requests += on_payments
            self.requests_failed += on_payments and request.status >= 500
        if (call := log_lines.outbound(entry)) and call.status < 400:
            self.outbound_ok += 1
        if webhook := log_lines.webhook(entry):
            self._see_webhook(webhook[2])

    def _see_webhook(self, state: str) -> None:
        self.webhooks[state] = self.webhooks.get(state, 0) + 1
        if state == "failed":
            self.failures_in_a_row += 1
            self.longest_run = max(self.longest_run, self.failures_in_a_row)
        elif state == "processed":
            self.failures_in_a_row = 0


def summarise(entries: Iterable[LogEntry], payment_path: str) -> LogSummary:
    summary = LogSummary()
    for entry in entries:
        summary.see(entry, payment_path)
    return summary
