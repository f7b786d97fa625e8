"""Triage's questions, each answered from evidence by a pure function that returns a Finding.

The order of the questions does not matter: every finding only speaks for causes or strikes them out. What they come to
is said by `diagnose`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.diagnosis import all_suspects, diagnose, impact
from runbook.judgement.log_summary import UNANSWERED, LogSummary
from runbook.target import Target, Thresholds

__all__ = [
    "all_suspects",
    "calls_are_within_limits",
    "customers_pay_as_usual",
    "database_answers",
    "diagnose",
    "events_are_subscribed",
    "gateway_is_up",
    "handler_runs_through",
    "impact",
    "keys_have_the_right_mode",
    "payments_are_recorded",
    "requests_are_valid",
    "requests_succeed",
    "service_key_is_accepted",
    "signatures_verify",
    "transactions_are_kept",
    "webhooks_are_handled",
]

# Causes that keep a paid payment from being recorded; that all payments are recorded speaks against the first three.
# A missing subscription is seen directly, and may be so new that no payment has met it yet.
UNRECORDED = ("database_rollback", "webhook_signature", "webhook_handler_error", "webhook_not_subscribed")
DATABASE_ERRORS = (
    "database_unique_violation",
    "database_foreign_key_violation",
    "database_timeout",
    "database_connection",
    "database_other",
    "process_crash",
)
# More declines than this are not customers' everyday bad luck. Card businesses see 5-20 %; twice that is worth a look.
DECLINE_SHARE_PERCENT = 40
# Fewer attempts than this say nothing about a share.
ATTEMPTS_MIN = 20
# Every day a call or two is refused for its content or its rate; a few among hundreds are no incident.
STRAY_MAX, CALLS_PER_STRAY = 3, 100
# A network drops a call now and then, and the client repeats it. Five in a row are Stripe, or the way there.
UNANSWERED_IN_A_ROW = 5
# A pool loses some connections at every failover and deployment; more than this, and until now, is a database away.
CONNECTIONS_LOST_MIN = 10
NEEDED_EVENT = "payment_intent.succeeded"


def payments_are_recorded(missing: Evidence, stuck: Evidence) -> Finding:
    """Is every payment that Stripe took also completed in the ledger?"""
    statement = "Every payment that Stripe took is completed in the ledger."
    if not missing.readable:
        return cannot_tell(statement, missing)
    if not missing.rows:
        return Finding(statement, Answer.HOLDS, "none is missing", clears=UNRECORDED[:3], evidence=(missing,))
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
    )


def absent_from_logs(
    logs: LogSummary, log: Evidence, cause: str, classes: Sequence[str], what: str, stray: bool = False
) -> Finding:
    """Do the service's logs name this kind of error? `stray`: a few among many calls that went well are none.

    Logs that are empty, or were not read to their beginning, cannot show that something is absent.
    """
    statement = f"The logs show no {what}."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.entries:
        return Finding(statement, Answer.CANNOT_TELL, "the logs of the window are empty", evidence=(log,))
    lines = logs.lines(*classes)
    if stray and 0 < lines <= STRAY_MAX and logs.outbound_ok >= CALLS_PER_STRAY * lines:
        because = f"{lines} beside {logs.outbound_ok:,} calls that went well, {logs.show_last(*classes)}"
        return Finding(statement, Answer.HOLDS, f"but for a stray few: {because}", clears=(cause,), evidence=(log,))
    if lines:
        counts = ", ".join(f"{name} {logs.classes[name].lines:,}×" for name in classes if name in logs.classes)
        because = f"{counts}; {logs.show_last(*classes)}"
        return Finding(
            statement, Answer.DOES_NOT_HOLD, because, implicates=(cause,), evidence=(log,), weight=lines
        )
    if logs.cut:
        because = f"none among the newest {logs.entries:,} entries; the older ones were not read"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log,))
    return Finding(statement, Answer.HOLDS, f"0 of {logs.entries:,} entries", clears=(cause,), evidence=(log,))


def service_key_is_accepted(logs: LogSummary, log: Evidence) -> Finding:
    """Does Stripe accept the key that the service calls with?"""
    return absent_from_logs(logs, log, "invalid_api_key", ["authentication_error"], "rejected API key")


def signatures_verify(logs: LogSummary, log: Evidence) -> Finding:
    return absent_from_logs(logs, log, "webhook_signature", ["webhook_signature"], "webhook whose signature fails")


def calls_are_within_limits(logs: LogSummary, log: Evidence) -> Finding:
    what = "call refused for its rate"
    return absent_from_logs(logs, log, "rate_limited", ["rate_limit_error"], what, stray=True)


def requests_are_valid(logs: LogSummary, log: Evidence) -> Finding:
    classes = ["invalid_request_error", "idempotency_error"]
    return absent_from_logs(logs, log, "invalid_requests", classes, "request that Stripe calls invalid", stray=True)


def handler_runs_through(logs: LogSummary, log: Evidence) -> Finding:
    what = "webhook that fails in the handler for a reason of its own"
    return absent_from_logs(logs, log, "webhook_handler_error", ["webhook_handler_error"], what)


def transactions_are_kept(logs: LogSummary, log: Evidence) -> Finding:
    what = "rolled-back transaction and no crash of the service"
    return absent_from_logs(logs, log, "database_rollback", DATABASE_ERRORS, what)


def webhooks_are_handled(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: it says that something is wrong, not what. A signature that fails is a failure too."""
    limit = settings.webhook_failures_in_a_row
    statement = f"No more than {limit} webhooks failed in a row."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.webhooks:
        return Finding(statement, Answer.CANNOT_TELL, "no webhook stands in the logs", evidence=(log,))
    counts = ", ".join(f"{logs.webhooks[state]:,} {word}" for state, word in WEBHOOKS.items() if state in logs.webhooks)
    now = f", and the newest {logs.failures_in_a_row:,} all failed" if logs.failures_in_a_row else ""
    answer = Answer.HOLDS if logs.longest_run <= limit else Answer.DOES_NOT_HOLD
    because = f"{counts}; at most {logs.longest_run:,} failures in a row{now}"
    return Finding(statement, answer, because, evidence=(log,))


WEBHOOKS = {
    "received": "received",
    "processed": "processed",
    "failed": "failed",
    "unverified": "with a signature that fails",
    "duplicate": "skipped as known",
}


def requests_succeed(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: the share of requests on the payment paths that the service answered with a 5xx."""
    limit = settings.error_share_percent
    statement = f"No more than {limit} % of the requests on the payment paths fail."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.requests:
        return Finding(statement, Answer.CANNOT_TELL, "no such request stands in the logs", evidence=(log,))
    holds = logs.requests_failed * 100 <= limit * logs.requests
    because = f"{logs.requests_failed:,} of {logs.requests:,} were answered with 5xx"
    return Finding(statement, Answer.HOLDS if holds else Answer.DOES_NOT_HOLD, because, evidence=(log,))


def database_answers(logs: LogSummary, log: Evidence, sides: Evidence) -> Finding:
    """A database that is away is named by a failing health check, or by errors that go on while the check, which need
    not ask the database, passes."""
    statement = "The service reaches its database."
    if not sides.readable:
        return cannot_tell(statement, sides)
    state = states(sides)
    passes = state.get("service") == "up"
    health = "its health check passes" if passes else "its health check does not pass"
    lost = logs.lines("database_connection")
    named = [f"{lost:,} lost connections in its logs, {logs.show_last('database_connection')}"] if lost else []
    signs = named if not passes or (lost >= CONNECTIONS_LOST_MIN and logs.is_going_on("database_connection")) else []
    if not passes and state.get("ledger") == "down":
        signs = [*signs, "the ledger does not answer us either"]
    if signs:
        return Finding(statement, Answer.DOES_NOT_HOLD, "; ".join([health, *signs]),
                       implicates=("database_unavailable",), evidence=(sides, log), weight=lost)  # fmt: skip
    if not passes:
        because = f"{health}, and nothing says that its database is the reason"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(sides, log))
    because = "; ".join([health, *named])
    return Finding(statement, Answer.HOLDS, because, clears=("database_unavailable",), evidence=(sides, log))


def gateway_is_up(logs: LogSummary, log: Evidence, sides: Evidence) -> Finding:
    """The status page may lag or lie, so our own probe and the service's unanswered calls count for more."""
    statement = "Stripe answers."
    if not sides.readable:
        return cannot_tell(statement, sides)
    state = states(sides)
    probe, page = state.get("gateway", "not tried"), state.get("status page", "unknown")
    calls = f"{logs.outbound_ok:,} calls of the service went well, {logs.lines(*UNANSWERED):,} had no answer"
    if logs.lines(*UNANSWERED):
        calls += f" (at most {logs.longest_unanswered:,} in a row, {logs.show_last(*UNANSWERED)})"
    because = f"our probe: {probe}; status page: {page}; {calls if log.readable else 'the logs could not be read'}"
    if probe == "down" or logs.longest_unanswered >= UNANSWERED_IN_A_ROW:
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("gateway_outage",), evidence=(sides, log),
                       weight=logs.lines(*UNANSWERED))  # fmt: skip
    if probe != "up" or page == "down":
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(sides, log))
    return Finding(statement, Answer.HOLDS, because, clears=("gateway_outage",), evidence=(sides, log))


def states(sides: Evidence) -> dict[str, str]:
    return {row["part"]: row["state"] for row in sides.rows}


def events_are_subscribed(endpoints: Evidence) -> Finding:
    """Is an enabled endpoint registered at our URL for the event that completes a payment?"""
    statement = f"Stripe is asked to send {NEEDED_EVENT} to our URL."
    if not endpoints.readable:
        return cannot_tell(statement, endpoints)
    ours = [row for row in endpoints.rows if row["at"] == "our URL"]
    good = [row for row in ours if row["status"] == "enabled" and {"*", NEEDED_EVENT} & set(row["events"])]
    if good:
        return Finding(statement, Answer.HOLDS, f"endpoint {good[0]['endpoint']} is enabled for it",
                       clears=("webhook_not_subscribed",), evidence=(endpoints,))  # fmt: skip
    disabled = [row["endpoint"] for row in ours if row["status"] != "enabled"]
    because = (
        "no endpoint has our URL" if not ours
        else f"our endpoint {disabled[0]} is disabled" if disabled
        else f"our endpoint {ours[0]['endpoint']} is not subscribed to {NEEDED_EVENT}"
    )  # fmt: skip
    return Finding(
        statement, Answer.DOES_NOT_HOLD, because, implicates=("webhook_not_subscribed",), evidence=(endpoints,)
    )


def keys_have_the_right_mode(configured: Evidence, settings: Target) -> Finding:
    """Does every Stripe key the service runs with belong to the expected mode?"""
    expected = settings.gateway.expected_mode
    statement = f"The service runs with {expected} keys."
    if not configured.readable:
        return cannot_tell(statement, configured)
    modes = {row["variable"]: row["mode"] for row in configured.rows if row["mode"]}
    if not modes:
        because = "no Stripe key stands in the container's environment"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(configured,))
    wrong = [f"{name} is a {mode} key" for name, mode in modes.items() if mode != expected]
    if wrong:
        return Finding(statement, Answer.DOES_NOT_HOLD, ", ".join(wrong), implicates=("test_key_in_production",),
                       evidence=(configured,), weight=len(wrong))  # fmt: skip
    because = f"{', '.join(modes)}: {expected}"
    return Finding(statement, Answer.HOLDS, because, clears=("test_key_in_production",), evidence=(configured,))


def customers_pay_as_usual(attempts: Evidence) -> Finding:
    """Are there more declines or authentications than customers' everyday share?

    `attempts` rows: outcome (paid | declined | authentication_required | in progress | other), count.
    """
    statement = "Customers' own declines and confirmations are at their everyday share."
    if not attempts.readable:
        return cannot_tell(statement, attempts)
    counts = {row["outcome"]: row["count"] for row in attempts.rows}
    total = sum(counts.values())
    declined, unconfirmed = counts.get("declined", 0), counts.get("authentication_required", 0)
    few = ", too few to speak of a share" if total < ATTEMPTS_MIN else ""
    because = f"{declined:,} declined and {unconfirmed:,} to be confirmed of {total:,} attempts{few}"
    names = {"declined": "card_declines", "authentication_required": "authentication_required"}
    high = {
        cause: counts[outcome]
        for outcome, cause in names.items()
        if total >= ATTEMPTS_MIN and counts.get(outcome, 0) * 100 > DECLINE_SHARE_PERCENT * total
    }
    usual = tuple(cause for cause in names.values() if cause not in high)
    answer = Answer.DOES_NOT_HOLD if high else Answer.HOLDS
    return Finding(statement, answer, because, tuple(high), usual, (attempts,), sum(high.values()))
