"""Triage's questions, each answered from evidence by a pure function that returns a Finding.

The order of the questions does not matter: every finding only speaks for causes or strikes them out.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook import money
from runbook.facts import Answer, Diagnosis, Evidence, Finding, Impact, Row, Suspects, cannot_tell
from runbook.judgement.causes import CAUSES
from runbook.judgement.log_summary import LogSummary
from runbook.target import Target, Thresholds

# Causes that keep a paid payment from being recorded.
UNRECORDED = ("database_rollback", "webhook_signature", "webhook_handler_error", "webhook_not_subscribed")
DATABASE_ERRORS = (
    "database_unique_violation",
    "database_foreign_key_violation",
    "database_timeout",
    "database_other",
    "process_crash",
)
# More declines than this are not customers' everyday bad luck. Card businesses see 5-20 %; twice that is worth a look.
DECLINE_SHARE_PERCENT = 40
# Fewer attempts than this say nothing about a share.
ATTEMPTS_MIN = 20
NEEDED_EVENT = "payment_intent.succeeded"


def all_suspects() -> Suspects:
    return Suspects(tuple(CAUSES))


def payments_are_recorded(missing: Evidence, stuck: Evidence) -> Finding:
    """Is every payment that Stripe took also completed in the ledger?"""
    statement = "Every payment that Stripe took is completed in the ledger."
    if not missing.readable:
        return cannot_tell(statement, missing)
    if not missing.rows:
        return Finding(statement, Answer.HOLDS, "none is missing", clears=UNRECORDED, evidence=(missing,))
    because = f"{len(missing)} are paid and not completed, {len(stuck)} of them for longer than the threshold"
    return Finding(
        statement, Answer.DOES_NOT_HOLD, because, implicates=("database_rollback",), evidence=(missing, stuck)
    )


def absent_from_logs(logs: LogSummary, log: Evidence, cause: str, classes: Sequence[str], what: str) -> Finding:
    """Do the service's logs name this kind of error?"""
    statement = f"The logs show no {what}."
    if not log.readable:
        return cannot_tell(statement, log)
    counts = {name: logs.classes[name].lines for name in classes if name in logs.classes}
    if not counts:
        return Finding(statement, Answer.HOLDS, f"0 of {logs.entries:,} entries", clears=(cause,), evidence=(log,))
    because = ", ".join(f"{name} {count}×" for name, count in counts.items())
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(cause,), evidence=(log,))


def service_key_is_accepted(logs: LogSummary, log: Evidence) -> Finding:
    """Does Stripe accept the key that the service calls with?"""
    return absent_from_logs(logs, log, "invalid_api_key", ["authentication_error"], "rejected API key")


def signatures_verify(logs: LogSummary, log: Evidence) -> Finding:
    return absent_from_logs(logs, log, "webhook_signature", ["webhook_signature"], "webhook whose signature fails")


def calls_are_within_limits(logs: LogSummary, log: Evidence) -> Finding:
    return absent_from_logs(logs, log, "rate_limited", ["rate_limit_error"], "call refused for its rate")


def requests_are_valid(logs: LogSummary, log: Evidence) -> Finding:
    return absent_from_logs(
        logs, log, "invalid_requests", ["invalid_request_error"], "request that Stripe calls invalid"
    )


def handler_runs_through(logs: LogSummary, log: Evidence) -> Finding:
    what = "webhook that fails in the handler for a reason of its own"
    return absent_from_logs(logs, log, "webhook_handler_error", ["webhook_handler_error"], what)


def transactions_are_kept(logs: LogSummary, log: Evidence) -> Finding:
    what = "rolled-back transaction and no crash of the service"
    return absent_from_logs(logs, log, "database_rollback", DATABASE_ERRORS, what)


def webhooks_are_handled(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: it says that something is wrong, not what."""
    limit = settings.webhook_failures_in_a_row
    statement = f"No more than {limit} webhooks failed in a row."
    if not log.readable:
        return cannot_tell(statement, log)
    counts = (
        ", ".join(f"{count:,} {state}" for state, count in sorted(logs.webhooks.items())) or "no webhook in the logs"
    )
    answer = Answer.HOLDS if logs.longest_run <= limit else Answer.DOES_NOT_HOLD
    return Finding(statement, answer, f"{counts}; longest run of failures {logs.longest_run}", evidence=(log,))


def requests_succeed(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: the share of requests on the payment paths that the service answered with a 5xx."""
    limit = settings.error_share_percent
    statement = f"No more than {limit} % of the requests on the payment paths fail."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.requests:
        return Finding(statement, Answer.CANNOT_TELL, "no such request stands in the logs", evidence=(log,))
    holds = logs.requests_failed * 100 <= limit * logs.requests
    because = f"{logs.requests_failed:,} of {logs.requests:,} failed"
    return Finding(statement, Answer.HOLDS if holds else Answer.DOES_NOT_HOLD, because, evidence=(log,))


def database_answers(logs: LogSummary, log: Evidence, sides: Evidence) -> Finding:
    """A database that is away fails most requests; one that drops a connection fails a few."""
    statement = "The service reaches its database."
    state = {row["part"]: row["state"] for row in sides.rows}
    if state.get("service") == "down" and logs.classes.get("database_connection"):
        return Finding(statement, Answer.DOES_NOT_HOLD, "its health check fails and its logs name the database",
                       implicates=("database_unavailable",), evidence=(sides, log))  # fmt: skip
    if state.get("service") != "up":
        return cannot_tell(statement, sides)
    return Finding(
        statement, Answer.HOLDS, "its health check passes", clears=("database_unavailable",), evidence=(sides,)
    )


def gateway_is_up(logs: LogSummary, log: Evidence, sides: Evidence) -> Finding:
    """The status page may lag or lie, so our own probe and the service's failed calls count beside it."""
    statement = "Stripe answers."
    state = {row["part"]: row["state"] for row in sides.rows}
    failures = logs.classes.get("api_connection_error")
    failed = failures.lines if failures else 0
    if state.get("gateway") == "down" or state.get("status page") == "down":
        because = f"gateway {state.get('gateway')}, status page {state.get('status page')}"
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("gateway_outage",), evidence=(sides,))
    if failed > logs.outbound_ok:
        because = f"{failed} calls of the service did not get through, {logs.outbound_ok} did"
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("gateway_outage",), evidence=(sides, log))
    if state.get("gateway") != "up":
        return cannot_tell(statement, sides)
    because = f"our probe passes; {logs.outbound_ok:,} calls of the service got through, {failed} did not"
    return Finding(statement, Answer.HOLDS, because, clears=("gateway_outage",), evidence=(sides, log))


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
    because = "no endpoint has our URL" if not ours else "our endpoint is disabled or lacks the event"
    return Finding(
        statement, Answer.DOES_NOT_HOLD, because, implicates=("webhook_not_subscribed",), evidence=(endpoints,)
    )


def keys_have_the_right_mode(configured: Evidence, settings: Target) -> Finding:
    """Does every Stripe key the service runs with belong to the expected mode?"""
    statement = f"The service runs with {settings.gateway.expected_mode} keys."
    modes = {row["variable"]: row["mode"] for row in configured.rows if row["mode"]}
    if not configured.readable or not modes:
        return cannot_tell(statement, configured)
    wrong = [name for name, mode in modes.items() if mode != settings.gateway.expected_mode]
    if wrong:
        return Finding(statement, Answer.DOES_NOT_HOLD, f"{', '.join(wrong)} of the other mode",
                       implicates=("test_key_in_production",), evidence=(configured,))  # fmt: skip
    because = f"{', '.join(modes)} are all {settings.gateway.expected_mode}"
    return Finding(statement, Answer.HOLDS, because, clears=("test_key_in_production",), evidence=(configured,))


def customers_pay_as_usual(attempts: Evidence) -> Finding:
    """Are there more declines or authentications than customers' everyday share?

    `attempts` rows: outcome (paid | declined | authentication_required | other), count.
    """
    statement = "Customers' own declines and confirmations are at their everyday share."
    if not attempts.readable:
        return cannot_tell(statement, attempts)
    counts = {row["outcome"]: row["count"] for row in attempts.rows}
    total = sum(counts.values())
    shares = {name: 100 * counts.get(name, 0) for name in ("declined", "authentication_required")}
    high = [name for name, share in shares.items() if total >= ATTEMPTS_MIN and share > DECLINE_SHARE_PERCENT * total]
    names = {"declined": "card_declines", "authentication_required": "authentication_required"}
    because = f"{counts.get('declined', 0)} declined and {counts.get('authentication_required', 0)} to be confirmed of {total}"
    if high:
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=tuple(names[each] for each in high),
                       clears=tuple(names[each] for each in names if each not in high), evidence=(attempts,))  # fmt: skip
    return Finding(statement, Answer.HOLDS, because, clears=tuple(names.values()), evidence=(attempts,))


def impact(missing: Sequence[Row], settings: Thresholds) -> Impact:
    """Who is affected: payments that Stripe took and the ledger did not complete."""
    payments = len(missing)
    scale = (
        "nobody" if not payments
        else "one-off" if payments <= settings.one_off_up_to
        else "system-wide" if payments > settings.system_wide_above
        else "several"
    )  # fmt: skip
    users = {row["user_id"] or row["intent_id"] for row in missing}
    amounts = money.total((row["currency"], row["amount_minor"]) for row in missing)
    return Impact(payments, len(users), amounts, scale)


def diagnose(suspects: Suspects, found: Impact, alarms: Sequence[Finding], parameters: dict[str, str]) -> Diagnosis:
    """Name what is left. `alarms` are findings that say something is wrong without saying why."""
    causes = suspects.implicated
    wrong = found.payments or any(alarm.answer is Answer.DOES_NOT_HOLD for alarm in alarms)
    if not causes:
        blind = suspects.open_questions
        name = "unknown" if wrong or blind else "none"
        sentence = {
            "none": "Nothing is wrong: every suspect is struck out and no alarm rings.",
            "unknown": "Something is wrong, or could not be read, and no suspect explains it."
            + (f" Look next: {blind[0].because}" if blind else ""),
        }[name]
        return Diagnosis((name,), sentence, suspects, found)
    sentence = " ".join(CAUSES[cause].sentence for cause in causes)
    notebook = next((CAUSES[cause].notebook for cause in causes if CAUSES[cause].notebook), "")
    return Diagnosis(causes, sentence, suspects, found, notebook, parameters if notebook else {})
