"""What the logs say of Stripe's deliveries: which were refused and why, which verified, and since when. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import median

from runbook.judgement import log_lines
from runbook.judgement.log_lines import LogEntry

# Stripe's libraries in several languages, in lower case; the first reason with a word in the text is the refusal's.
REASONS: dict[str, tuple[str, ...]] = {
    "too old": ("timestamp outside the tolerance", "timestamp wasn't within tolerance", "timestamp too old"),
    "parsed body": ("provided as a parsed", "payload must be provided as a string or a buffer"),
    "not signed": (
        "unable to extract timestamp", "no stripe-signature header", "header value was provided",
        "no signatures found with expected scheme", "webhook has no stripe-signature",
    ),
    "no match": ("no signatures found matching", "no valid signature", "signature mismatch", "none of the signatures"),
}  # fmt: skip
# Letters of strangers are not signed at all; the others only Stripe can have sent, or our own probe.
BY_STRIPE = ("too old", "parsed body", "no match", "other")
# As many refusals more than verified deliveries make an outage: strangers and our own probes stay below it.
OUTAGE_MIN = 4
STAMPS = ("ts", "time", "timestamp", "@timestamp", "at")
STAMPED_MAX = 40  # the newest lines with a stamp of their own: what the clock said before it was moved is past
EPOCH_MILLISECONDS_FROM = 10**11


@dataclass(frozen=True)
class Deliveries:
    """`refused`: when, and for which of REASONS (`other` for none of them). `verified`: when each event that passed was
    first named. `ahead`: by how many seconds the lines' own stamps are ahead of the engine's, where they have any."""

    refused: tuple[tuple[datetime, str], ...] = ()
    verified: tuple[datetime, ...] = ()
    entries: int = 0
    cut: bool = False
    ahead: int | None = None

    @cached_property
    def since(self) -> datetime | None:
        """When the outage of these logs began: from there refusals outnumber what verified the most. None for a few
        refusals among deliveries that pass."""
        steps = [(at, 1) for at, reason in self.refused if reason in BY_STRIPE] + [(at, -1) for at in self.verified]
        best, sum_, began, since = OUTAGE_MIN - 1, 0, None, None
        for at, step in sorted(steps):
            if sum_ <= 0:
                sum_, began = 0, at
            sum_ += step
            if sum_ > best:
                best, since = sum_, began
        return since

    @property
    def reasons(self) -> Counter[str]:
        """How often each reason was given since the outage began."""
        return Counter(reason for at, reason in self.refused if self.since and at >= self.since)

    @property
    def last_verified(self) -> datetime | None:
        """The newest delivery that passed before the outage."""
        return max((at for at in self.verified if self.since and at < self.since), default=None)

    @property
    def verified_since(self) -> int:
        return sum(self.since is not None and at >= self.since for at in self.verified)

    @property
    def is_over(self) -> bool:
        """Whether deliveries pass again: more after the last refusal than strays would explain."""
        last = max((at for at, reason in self.refused if reason in BY_STRIPE), default=None)
        return last is not None and sum(at > last for at in self.verified) >= OUTAGE_MIN


def read(entries: Iterable[LogEntry], cut: bool = False) -> Deliveries:
    """One pass over the window's entries."""
    refused: list[tuple[datetime, str]] = []
    verified: dict[str, datetime] = {}
    ahead: list[float] = []
    count = 0
    for entry in entries:
        count += 1
        if webhook := log_lines.webhook(entry):
            verified.setdefault(webhook.event_id, entry.at)
        elif log_lines.classify(entry) == "webhook_signature":
            refused.append((entry.at, reason_of(entry)))
        if (stamp := stamp_of(entry.fields)) is not None:
            ahead.append((stamp - entry.at).total_seconds())
    skew = round(median(ahead[-STAMPED_MAX:])) if ahead else None
    return Deliveries(tuple(refused), tuple(sorted(verified.values())), count, cut, skew)


def reason_of(entry: LogEntry) -> str:
    text = f"{entry.message}\n{entry.stack}".lower()
    return next((reason for reason, words in REASONS.items() if any(word in text for word in words)), "other")


def stamp_of(fields: Mapping[str, object]) -> datetime | None:
    """The time that a line claims for itself; None without one that names its zone."""
    value = next((fields[name] for name in STAMPS if name in fields), None)
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > EPOCH_MILLISECONDS_FROM else value, UTC)
        stamp = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return stamp if stamp is not None and stamp.tzinfo else None
