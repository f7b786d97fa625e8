"""What a status page says, taken with care: another shape, an old time or a web page means unknown, never "up"."""

from __future__ import annotations

import email.utils
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from runbook.errors import RunbookError
from runbook.wires import http

State = Literal["up", "degraded", "down", "unknown"]
# A page that nobody has touched for a day is a leftover: one such answer from 2024 was still served in 2026.
STALE_AFTER = timedelta(hours=24)
STATUSPAGE = {"none": "up", "minor": "degraded", "major": "down", "critical": "down", "maintenance": "degraded"}
WORDS = {"up": "up", "degraded": "degraded", "down": "down"}
TIME_FORMATS = ("%B %d, %Y @ %I:%M%p %z", "%B %d, %Y @ %I:%M %p %z")


@dataclass(frozen=True)
class StatusPage:
    state: State
    detail: str
    url: str


def read(urls: Iterable[str], seconds: float, now: datetime) -> StatusPage:
    """The first page of `urls` that says something, else the last one's reason for saying nothing."""
    page = StatusPage("unknown", "the target names no status page", "")
    for url in urls:
        page = look(url, seconds, now)
        if page.state != "unknown":
            return page
    return page


def look(url: str, seconds: float, now: datetime) -> StatusPage:
    try:
        reply = http.ask("GET", url, what="The status page", seconds=seconds, headers={"Accept": "application/json"})
    except RunbookError as error:
        return StatusPage("unknown", str(error), url)
    if reply.status != 200:
        return StatusPage("unknown", f"it answered {reply.status}", url)
    try:
        page = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return StatusPage("unknown", "it answered something that is not JSON", url)
    state, detail = judge(page, now)
    return StatusPage(state, detail, url)


def judge(page: Any, now: datetime) -> tuple[State, str]:
    """State and reason for the three shapes that are about: Statuspage's, `/current` and `/current/full`."""
    if not isinstance(page, dict):
        return "unknown", "its shape is not known"
    status = page.get("status")
    if isinstance(status, dict):
        word = STATUSPAGE.get(str(status.get("indicator")), "unknown")
        about = page.get("page")
        said, written = status.get("description"), about.get("updated_at") if isinstance(about, dict) else None
    else:
        word = WORDS.get(str(page.get("largestatus") or page.get("UptimeStatus")).lower(), "unknown")
        said, written = page.get("message"), page.get("time")
    if word == "unknown":
        return "unknown", "its shape is not known"
    if written is not None:
        moment = _moment(str(written))
        if moment is None:
            return "unknown", "its time is unreadable"
        if now - moment > STALE_AFTER:
            return "unknown", f"its answer is from {moment:%Y-%m-%d}, older than a day"
    return word, " ".join(str(said or "").split())[:200]  # type: ignore[return-value]


def _moment(text: str) -> datetime | None:
    for read_time in (datetime.fromisoformat, email.utils.parsedate_to_datetime, _written_out):
        try:
            moment = read_time(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _written_out(text: str) -> datetime:
    """`February 09, 2024 @ 06:08PM +00:00`."""
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(text)
