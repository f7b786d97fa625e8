"""What customers did and met: payments that were recorded or not, declines, failing requests, and silence."""

from __future__ import annotations

from collections import Counter

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.log_summary import LogSummary
from runbook.target import Thresholds

# Causes that keep a paid payment from being recorded; that all payments are recorded speaks against the first three.
# A missing subscription is seen directly, and may be so new that no payment has met it yet.
UNRECORDED = (
    "database_rollback",
    "webhook_signature",
    "webhook_handler_error",
    "webhook_not_subscribed",
    "database_unavailable",
)
# More declines than this are not customers' everyday bad luck. Card businesses see 5-20 %; twice that is worth a look.
DECLINE_SHARE_PERCENT = 40
# Fewer attempts than this say nothing about a share.
ATTEMPTS_MIN = 20
# A trouble that began half an hour ago is a fiftieth of a day: the newest pieces of time are looked at alone.
RECENT_PIECES = 3
# So many tries of one customer within an hour are no bad luck with a card.
TRIES_PER_TESTER = 5


def payments_are_recorded(missing: Evidence, stuck: Evidence) -> Finding:
    """Is every payment that Stripe took also completed in the ledger?"""
    statement = "Every payment that Stripe took is completed in the ledger."
    if not missing.readable:
        return cannot_tell(statement, missing)
    if not missing.rows:
        if missing.looked_at == 0:
            because = "nobody paid in the window, or not long enough ago to be late"
            return Finding(statement, Answer.CANNOT_TELL, because, evidence=(missing,))
        of = f" of {missing.looked_at:,} that were paid" if missing.looked_at else ""
        return Finding(statement, Answer.HOLDS, f"none is missing{of}", clears=UNRECORDED[:3], evidence=(missing,))
    states = ", ".join(f"{count:,} {state}" for state, count in Counter(row["ledger"] for row in missing.rows).items())
    waited = (
        f"{len(stuck):,} pending for too long" if stuck.readable
        else f"for how long could not be read: {stuck.unreadable}"
    )  # fmt: skip
    return Finding(
        statement,
        Answer.DOES_NOT_HOLD,
        f"{len(missing):,} paid and not completed; in the ledger: {states}; {waited}",
        implicates=UNRECORDED,
        evidence=(missing, stuck),
        weight=len(missing),
        shared=True,
    )


def requests_succeed(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: the share of requests on the payment paths that the service answered with a 5xx, in the whole window
    and in its newest half hour."""
    limit = settings.error_share_percent
    statement = f"No more than {limit} % of the requests on the payment paths fail."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.requests:
        return Finding(statement, Answer.CANNOT_TELL, "no such request stands in the logs", evidence=(log,))
    because = f"{logs.requests_failed:,} of {logs.requests:,} were answered with 5xx"
    if fail_lately(logs, limit):
        recent, failed, _ = logs.recent_requests(RECENT_PIECES)
        because += f"; in the last half hour {failed:,} of {recent:,}"
    answer = Answer.DOES_NOT_HOLD if turned_away(logs, settings) else Answer.HOLDS
    return Finding(statement, answer, because, evidence=(log,))


def fail_lately(logs: LogSummary, limit: int) -> bool:
    recent, failed, _ = logs.recent_requests(RECENT_PIECES)
    return recent >= ATTEMPTS_MIN and failed * 100 > limit * recent


def turned_away(logs: LogSummary, settings: Thresholds) -> int:
    """How many requests on the payment paths failed; a share below the limit is nobody's incident."""
    limit = settings.error_share_percent
    rings = logs.requests_failed * 100 > limit * logs.requests or fail_lately(logs, limit)
    return logs.requests_failed if rings else 0


def customers_pay_as_usual(attempts: Evidence) -> Finding:
    """Are there more declines or authentications than customers' everyday share?

    `attempts` rows: outcome (paid | declined | authentication_required | in progress | other | untried), count, in the
    last hour, customers. Checkouts that were never tried with a card are no attempts.
    """
    statement = "Customers' own declines and confirmations are at their everyday share."
    if not attempts.readable:
        return cannot_tell(statement, attempts)
    rows = [row for row in attempts.rows if row["outcome"] != "untried"]
    counts = {row["outcome"]: row["count"] for row in rows}
    late = {row["outcome"]: row["in the last hour"] for row in rows}
    total, lately = sum(counts.values()), sum(late.values())
    declined, unconfirmed = counts.get("declined", 0), counts.get("authentication_required", 0)
    few = ", too few to speak of a share" if total < ATTEMPTS_MIN else ""
    because = f"{declined:,} declined and {unconfirmed:,} to be confirmed of {total:,} attempts{few}"
    high = {
        cause: counts[outcome] for outcome, cause in OWN.items()
        if is_high(counts.get(outcome, 0), total) or is_high(late.get(outcome, 0), lately)
    }  # fmt: skip
    if high and lately >= ATTEMPTS_MIN:
        told = (f"{late.get('declined', 0):,} declined and {late.get('authentication_required', 0):,} to be confirmed")
        because += f"; in the last hour {told} of {lately:,}"
    if "card_declines" in high:
        because += of_whom(attempts)
    usual = tuple(cause for cause in OWN.values() if cause not in high)
    answer = Answer.DOES_NOT_HOLD if high else Answer.HOLDS
    return Finding(statement, answer, because, tuple(high), usual, (attempts,), sum(high.values()))


OWN = {"declined": "card_declines", "authentication_required": "authentication_required"}


def is_high(count: int, of: int) -> bool:
    return of >= ATTEMPTS_MIN and count * 100 > DECLINE_SHARE_PERCENT * of


def of_whom(attempts: Evidence) -> str:
    """A wave of declines from few customers is somebody who tries out stolen cards: nothing of ours is broken, and
    Stripe should hear of it."""
    row = next(row for row in attempts.rows if row["outcome"] == "declined")
    tries, customers = row["in the last hour"], row["customers"]
    if tries < ATTEMPTS_MIN or customers * TRIES_PER_TESTER > tries:
        return ""
    return (
        f"; {tries:,} of them from {customers:,} customers: somebody tests stolen cards. Block them with Stripe's "
        "Radar, and put a limit and a captcha before the checkout"
    )
