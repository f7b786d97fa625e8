"""The service's logs in one pass: which errors, how often, since when; and how requests, webhooks and calls went."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runbook import clock
from runbook.facts import Span
from runbook.judgement import log_lines
from runbook.judgement.log_entry import Webhook
from runbook.judgement.log_lines import LogEntry
from runbook.judgement.log_words import EVENT_TYPE
from runbook.judgement.webhook_log import reason_of
from runbook.redact import one_line

EXAMPLE_CHARACTERS = 160
# Redacting costs by length, and an example is cut anyway; a secret that the cut would split is still seen whole.
EXAMPLE_READ_CHARACTERS = 2_000
# Classes of error that mean: Stripe gave no answer, or none that it meant.
UNANSWERED = ("api_connection_error", "api_error")
# An error this close to the end of the logs is taken to be going on: most shops see a payment every few minutes.
GOING_ON = timedelta(minutes=5)
# What came in this short a time before the logs end may still be finished.
IN_HAND_FOR = timedelta(seconds=60)
# The two letters of a probe are sent one after the other.
PROBE_LASTS = timedelta(seconds=3)
# Requests are counted by pieces of this length, so that a trouble of the last half hour does not drown in a day.
SLOT_SECONDS = 600
# Errors that nobody has a name for are told apart by their wording, numbers and ids taken out; so many wordings.
WORDINGS_MAX = 200
VARYING = re.compile(r"\b(?=\w*\d)[\w-]+\b|\d+")


@dataclass
class Occurrence:
    """How often one class of error stands in the logs, when first and last, in which hours, and its first wording."""

    lines: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: str = ""
    by_hour: Counter[int] = field(default_factory=Counter)

    def see(self, entry: LogEntry) -> None:
        if self.first is None:
            self.first = entry.at
            self.example = one_line(entry.message[:EXAMPLE_READ_CHARACTERS])[:EXAMPLE_CHARACTERS]
        self.lines, self.last = self.lines + 1, entry.at
        self.by_hour[int(entry.at.timestamp()) // 3600] += 1


@dataclass
class LogSummary:
    """Counts over one window. `longest_run` is the longest row of webhooks that failed without a success between,
    `longest_unverified` of those whose signature failed, `longest_unanswered` the same for calls to Stripe."""

    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    cut: bool = False  # older entries of the window were not read
    classes: dict[str, Occurrence] = field(default_factory=dict)
    requests: int = 0  # on the payment paths
    requests_failed: int = 0  # of them, answered 5xx
    webhooks: dict[str, int] = field(default_factory=dict)  # by state; `unverified` is a signature that failed
    failures_in_a_row: int = 0
    longest_run: int = 0
    outbound_ok: int = 0
    unanswered_in_a_row: int = 0
    longest_unanswered: int = 0
    unverified_in_a_row: int = 0
    longest_unverified: int = 0
    slots: dict[int, list[int]] = field(default_factory=dict)  # piece of time → requests, failed, refused
    unnamed: dict[str, Occurrence] = field(default_factory=dict)  # errors without a class, by their wording
    in_hand: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # events received and never finished
    finished_kinds: set[str] = field(default_factory=set)
    processed: set[str] = field(default_factory=set)  # events
    failed_for: dict[str, str] = field(default_factory=dict)  # event that failed and was not processed since → class
    _unsigned_at: datetime | None = None
    skipped: set[str] = field(default_factory=set)  # events skipped as known that were never seen to be processed

    def see(self, entry: LogEntry, payment_path: str) -> None:
        self.entries += 1
        self.first, self.last = self.first or entry.at, entry.at
        name = log_lines.classify(entry)
        if name:
            self.classes.setdefault(name, Occurrence()).see(entry)
        elif entry.level in ("error", "fatal") and entry.exchange is None:
            self._see_unnamed(entry)
        paid = False
        if request := log_lines.request(entry):
            on_payments = request.path.startswith(payment_path)
            if on_payments:
                self._see_request(entry.at, request.status)
            paid = on_payments and request.method == "POST" and request.status < 400
        call = log_lines.outbound(entry)
        self.outbound_ok += call is not None and 0 < call.status < 400
        if name in UNANSWERED:
            self.unanswered_in_a_row += 1
            self.longest_unanswered = max(self.longest_unanswered, self.unanswered_in_a_row)
        elif paid or (call and 0 < call.status < 500):
            self.unanswered_in_a_row = 0
        if webhook := log_lines.webhook(entry):
            self._see_webhook(webhook.state)
            self._see_hand(webhook, entry)
            self._see_fate(webhook, name or "")
        elif name == "webhook_signature":
            self._see_webhook("stranger" if self._is_a_strangers(entry) else "unverified")

    def _is_a_strangers(self, entry: LogEntry) -> bool:
        """Stripe signs what it sends. A letter without a signature is a stranger's or our own probe, and so is the
        wrongly signed one that our probe sends right after it."""
        if reason_of(entry) == "not signed":
            self._unsigned_at = entry.at
            return True
        probed, self._unsigned_at = self._unsigned_at, None
        return probed is not None and entry.at - probed <= PROBE_LASTS

    def _see_request(self, at: datetime, status: int) -> None:
        """404 is somebody's old link, and 429 has a question of its own."""
        failed, refused = status >= 500, 400 <= status < 500 and status not in (404, 429)
        self.requests += 1
        self.requests_failed += failed
        slot = self.slots.setdefault(int(at.timestamp()) // SLOT_SECONDS, [0, 0, 0])
        for place, seen in enumerate((True, failed, refused)):
            slot[place] += seen

    def _see_unnamed(self, entry: LogEntry) -> None:
        wording = VARYING.sub("#", entry.message[:EXAMPLE_CHARACTERS])
        if wording in self.unnamed or len(self.unnamed) < WORDINGS_MAX:
            self.unnamed.setdefault(wording, Occurrence()).see(entry)

    def _see_hand(self, webhook: Webhook, entry: LogEntry) -> None:
        if webhook.state == "received":
            kind = EVENT_TYPE.search(entry.message)
            self.in_hand.setdefault(webhook.event_id, (kind[0] if kind else "", entry.at))
            return
        kind_of, _ = self.in_hand.pop(webhook.event_id, ("", None))
        if webhook.state == "processed":
            self.finished_kinds.add(kind_of)

    def _see_fate(self, webhook: Webhook, name: str) -> None:
        """What became of the event in the end: Stripe tries again, and most failures mend themselves."""
        if webhook.state == "failed":
            self.failed_for[webhook.event_id] = name
        elif webhook.state == "processed":
            self.processed.add(webhook.event_id)
            self.failed_for.pop(webhook.event_id, None)
            self.skipped.discard(webhook.event_id)
        elif webhook.state == "duplicate" and webhook.event_id not in self.processed:
            self.skipped.add(webhook.event_id)

    def _see_webhook(self, state: str) -> None:
        if state != "stranger":
            self.unverified_in_a_row = self.unverified_in_a_row + 1 if state == "unverified" else 0
        self.longest_unverified = max(self.longest_unverified, self.unverified_in_a_row)
        self.webhooks[state] = self.webhooks.get(state, 0) + 1
        if state in ("failed", "unverified"):
            self.failures_in_a_row += 1
            self.longest_run = max(self.longest_run, self.failures_in_a_row)
        elif state == "processed":
            self.failures_in_a_row = 0

    def lines(self, *classes: str) -> int:
        return sum(self.classes[name].lines for name in classes if name in self.classes)

    def densest_hour(self, *classes: str) -> int:
        """How many of these errors stand in the hour that has most of them."""
        hours: Counter[int] = Counter()
        for name in classes:
            hours += self.classes[name].by_hour if name in self.classes else Counter()
        return max(hours.values(), default=0)

    def ended(self, *classes: str) -> datetime | None:
        """When the newest of these errors stands in the logs."""
        times = [last for name in classes if name in self.classes and (last := self.classes[name].last)]
        return max(times, default=None)

    def is_going_on(self, *classes: str) -> bool:
        ended = self.ended(*classes)
        return ended is not None and self.is_near_the_end(ended)

    def is_near_the_end(self, at: datetime) -> bool:
        return self.last is not None and self.last - at <= GOING_ON

    def span(self, *classes: str) -> Span | None:
        """From when to when these errors stand in the logs."""
        seen = [self.classes[name] for name in classes if name in self.classes]
        firsts, lasts = [each.first for each in seen if each.first], [each.last for each in seen if each.last]
        return Span(min(firsts), max(lasts), self.is_going_on(*classes)) if firsts else None

    def unmended(self, *classes: str) -> int:
        """Events that failed for one of these, and were not processed at a later try."""
        return sum(name in classes for name in self.failed_for.values())

    def left_in_hand(self) -> list[datetime]:
        """When events came in that nothing became of, of kinds that the service otherwise finishes; not those that
        came in when the logs end."""
        return sorted(
            at
            for kind, at in self.in_hand.values()
            if kind in self.finished_kinds and self.last is not None and self.last - at > IN_HAND_FOR
        )

    def recent_requests(self, pieces: int) -> tuple[int, int, int]:
        """Requests of the newest so many pieces of time, how many of them failed, and how many were refused."""
        if self.last is None:
            return 0, 0, 0
        newest = int(self.last.timestamp()) // SLOT_SECONDS
        counted = [count for slot, count in self.slots.items() if slot > newest - pieces]
        requests, failed, refused = (sum(count[place] for count in counted) for place in range(3))
        return requests, failed, refused

    def show_last(self, *classes: str) -> str:
        """`last 2026-01-15 11:51:12 UTC, 7 minutes before the logs end`: a thing of the past, or of now."""
        ended = self.ended(*classes)
        if ended is None or self.last is None:
            return "never"
        ago = int((self.last - ended).total_seconds() // 60)
        when = "going on when the logs end" if self.is_going_on(*classes) else f"{ago:,} minutes before the logs end"
        return f"last {clock.show(ended)}, {when}"


def summarise(entries: Iterable[LogEntry], payment_path: str) -> LogSummary:
    summary = LogSummary()
    for entry in entries:
        summary.see(entry, payment_path)
    return summary
