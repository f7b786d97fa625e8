"""Between the service and Stripe: is its key taken, are its calls within limits and well formed, does Stripe answer?"""

from __future__ import annotations

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.log_summary import UNANSWERED, LogSummary
from runbook.judgement.triage.logs import absent_from_logs, states

# A network drops a call now and then, and the client repeats it. Five in a row are Stripe, or the way there.
UNANSWERED_IN_A_ROW = 5


def service_key_is_accepted(logs: LogSummary, log: Evidence) -> Finding:
    """Does Stripe accept the key that the service calls with?"""
    return absent_from_logs(logs, log, "invalid_api_key", ["authentication_error"], "rejected API key")


def calls_are_within_limits(logs: LogSummary, log: Evidence) -> Finding:
    what = "call refused for its rate"
    return absent_from_logs(logs, log, "rate_limited", ["rate_limit_error"], what, stray=True)


def requests_are_valid(logs: LogSummary, log: Evidence) -> Finding:
    classes = ["invalid_request_error", "idempotency_error", "lock_timeout"]
    return absent_from_logs(logs, log, "invalid_requests", classes, "request that Stripe calls invalid", stray=True)


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
                       weight=logs.lines(*UNANSWERED), span=logs.span(*UNANSWERED))  # fmt: skip
    if probe != "up" or page == "down":
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(sides, log))
    return Finding(statement, Answer.HOLDS, because, clears=("gateway_outage",), evidence=(sides, log))
