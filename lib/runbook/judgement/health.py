"""How healthy payments are, hour by hour: counts, shares with their intervals, and nothing said of nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runbook.facts import Evidence, Finding, Row, cannot_tell
from runbook.judgement import checks, declines, payments
from runbook.judgement.shares import middle, percentile, show_interval, show_share

HOUR = 3600
# The three looks back, in hours.
PERIODS = {"last hour": 1, "last day": 24, "last week": 168}
HOURS_MAX = max(PERIODS.values())
KINDS = ("completed", "by_us", "declined", "unclear", "open")
# How long a stuck payment has waited, in hours; the last is open to the end.
AGES = {"up to 1 h": 1, "up to 6 h": 6, "up to 24 h": 24, "over a day": HOURS_MAX}


def kind_of(status: str, reason: str, words: Mapping[str, Sequence[str]]) -> str:
    """What a ledger row counts as: completed | by_us | declined | unclear | open; empty for what was given up."""
    for name in payments.PAID:
        if status in words.get(name, ()):
            return "completed"
    if status in words.get("failed", ()):
        found = declines.whose(reason)
        return {declines.CUSTOMERS: "declined", declines.OURS: "by_us"}.get(found, "unclear")
    return "open" if status in words.get("pending", ()) else ""


def by_hour(rows: Iterable[Row], missing: Iterable[Row], words: Mapping[str, Sequence[str]], until: int) -> list[
    dict[str, int]
]:  # fmt: skip
    """For each past hour, newest first, how many payments ended how. `missing`: paid at Stripe and not recorded; they
    are failures of ours, whatever the ledger calls them, and taken from where it counts them."""
    hours = [dict.fromkeys(KINDS, 0) for _ in range(HOURS_MAX)]
    for row in rows:
        kind = kind_of(row["status"], row["reason"], words)
        if kind and 0 <= row["hours_ago"] < HOURS_MAX:
            hours[row["hours_ago"]][kind] += row["payments"]
    for row in missing:
        ago = (until - 1 - row["created_at"]) // HOUR
        if not 0 <= ago < HOURS_MAX:
            continue
        hours[ago]["by_us"] += 1
        if kind_of(row["ledger"], "", words) == "open" and hours[ago]["open"]:
            hours[ago]["open"] -= 1
    return hours


def success(hours: Sequence[Mapping[str, int]]) -> list[Row]:
    """Each look back as one row; customers' own declines and open checkouts stand beside the share, not in it."""
    return [{"period": name, **summed(hours[:back])} for name, back in PERIODS.items()]


def summed(hours: Iterable[Mapping[str, int]]) -> dict[str, object]:
    listed = list(hours)
    counts = {kind: sum(each[kind] for each in listed) for kind in KINDS}
    good, total = counts["completed"], counts["completed"] + counts["by_us"]
    return {
        "completed": good,
        "failed_by_us": counts["by_us"],
        "declined": counts["declined"],
        "reason_not_noted": counts["unclear"],
        "open": counts["open"],
        "share": show_share(good, total),
        "true share most likely": show_interval(good, total),
    }


def pieces(hours: Sequence[Mapping[str, int]], back: int, every: int, until: int) -> list[Row]:
    """The last `back` hours in pieces of `every`, oldest first."""
    return [
        {"from_at": until - (start + every) * HOUR, **summed(hours[start : start + every])}
        for start in reversed(range(0, back, every))
    ]


def within(rows: Iterable[Row], name: str, until: int, back_hours: int) -> list[Row]:
    """The rows whose instant `name` lies in the last so many hours."""
    return [row for row in rows if until - back_hours * HOUR <= row[name] < until]


def deliveries(events: Sequence[Row], until: int, read_back_to: int) -> list[Row]:
    """How many of Stripe's events were delivered. `read_back_to`: before this instant nothing was read."""
    rows = []
    for name, back in PERIODS.items():
        states = [row["state"] for row in within(events, "created_at", until, back)]
        good, lost = states.count("delivered"), states.count("undelivered")
        rows.append({
            "period": name,
            "delivered": good,
            "undelivered": lost,
            "settled otherwise": states.count("settled otherwise"),
            "on their way": len(states) - good - lost - states.count("settled otherwise"),
            "share": show_share(good, good + lost) if good + lost else "no events",
            "true share most likely": show_interval(good, good + lost),
            "read": "whole" if read_back_to <= until - back * HOUR else "newest only",
        })  # fmt: skip
    return rows


def waits(found: Sequence[Row], until: int, read_back_to: int) -> list[Row]:
    """From payment to confirmation, in seconds. `found` rows: paid_at, waited."""
    rows = []
    for name, back in PERIODS.items():
        seconds = [row["waited"] for row in within(found, "paid_at", until, back)]
        rows.append({
            "period": name,
            "confirmed": len(seconds),
            "median": shown(middle(seconds)),
            "p95": shown(percentile(seconds, 95)),
            "slowest": shown(max(seconds, default=None)),
            "read": "whole" if read_back_to <= until - back * HOUR else "newest only",
        })  # fmt: skip
    return rows


def shown(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:,.0f} min"


def reasons(rows: Iterable[Row], words: Mapping[str, Sequence[str]]) -> list[Row]:
    """Why payments failed as the ledger notes it, most frequent of the week first."""
    failed = [row for row in rows if row["status"] in words.get("failed", ())]
    names = {row["reason"] for row in failed}
    table = [
        {"reason": name or "(none noted)", "whose": declines.whose(name),
         **{period: sum(row["payments"] for row in failed if row["reason"] == name and row["hours_ago"] < back)
            for period, back in PERIODS.items()}}
        for name in names
    ]  # fmt: skip
    return sorted(table, key=lambda row: (-row["last week"], row["reason"]))


def ages(stuck: Iterable[Row], until: int) -> list[Row]:
    """Stuck payments by how long they have waited."""
    listed, rows, low = list(stuck), [], 0
    for name, high in AGES.items():
        inside = [row for row in listed if low <= until - row["created_at"] < high * HOUR or
                  (high == HOURS_MAX and until - row["created_at"] >= low)]  # fmt: skip
        rows.append({"waiting": name, "payments": len(inside)})
        low = high * HOUR
    return rows


def alarms(found: Evidence, delivered: Evidence, stuck: Evidence, percent: int) -> tuple[Finding, ...]:
    """What should wake somebody. A few payments ring no bell, and what could not be read is said."""
    return (
        *(success_alarm(found, percent, period) for period in ("last hour", "last day")),
        delivery_alarm(delivered, percent),
        stuck_alarm(stuck),
    )


def success_alarm(found: Evidence, percent: int, period: str) -> Finding:
    statement = f"More than {percent} % of the {period}'s payments went through, customers' own declines excluded."
    return of_period(statement, "went through", ("completed", "failed_by_us"), found, percent, period)


def delivery_alarm(found: Evidence, percent: int) -> Finding:
    statement = f"More than {percent} % of the last hour's events were delivered."
    return of_period(statement, "were delivered", ("delivered", "undelivered"), found, percent, "last hour")


def of_period(
    statement: str, verb: str, names: tuple[str, str], found: Evidence, percent: int, period: str
) -> Finding:
    """The share of one look back; `names` are the columns of what went well and of what did not."""
    if not found.readable:
        return cannot_tell(statement, found)
    good, bad = (next(row for row in found.rows if row["period"] == period)[name] for name in names)
    return checks.share(statement, verb, good, bad, percent, f"in the {period}", found)


def stuck_alarm(found: Evidence) -> Finding:
    statement = "No payment is stuck: pending here, and paid at Stripe."
    if not found.readable:
        return cannot_tell(statement, found)
    return checks.answered(statement, not found.rows, f"{len(found):,} are stuck", found)
