"""Between Stripe and the service: are events sent to us, do they verify, and does the handler get through them?"""

from __future__ import annotations

from dataclasses import replace

from runbook.facts import Answer, Evidence, Finding, Span, cannot_tell
from runbook.judgement.log_summary import LogSummary
from runbook.judgement.triage.logs import absent_from_logs
from runbook.target import Thresholds

NEEDED_EVENT = "payment_intent.succeeded"
WORDS = {
    "received": "received",
    "processed": "processed",
    "failed": "failed",
    "unverified": "with a signature that fails",
    "duplicate": "skipped as known",
    "stranger": "not signed by Stripe",
}
# An address that the internet can reach gets letters of strangers, and our own probes. They stand alone between events
# that verify; a wrong secret refuses every event, so that more of them stand in a row.
STRANGERS_IN_A_ROW = 3


def signatures_verify(logs: LogSummary, log: Evidence) -> Finding:
    what = "webhook whose signature fails"
    found = absent_from_logs(logs, log, "webhook_signature", ["webhook_signature"], what)
    verified = sum(logs.webhooks.get(state, 0) for state in ("received", "processed"))
    lines = logs.lines("webhook_signature")
    suspicious = lines - logs.webhooks.get("stranger", 0)
    few = 0 < logs.longest_unverified <= STRANGERS_IN_A_ROW and verified > suspicious
    if lines and (few or not suspicious):
        because = (
            f"but for {lines:,} that are not Stripe's: never more than {logs.longest_unverified} in a row with a "
            f"signature, beside {verified:,} entries of events that verify; {logs.show_last('webhook_signature')}"
        )
        return Finding(found.statement, Answer.HOLDS, because, clears=("webhook_signature",), evidence=(log,))
    # None verifies any more: that payments were recorded until then is no excuse.
    return replace(found, certain=logs.unverified_in_a_row > STRANGERS_IN_A_ROW)


def events_must_be_signed(probes: Evidence) -> Finding:
    """Does the registered route refuse an unsigned and a wrongly signed event? One that is taken means that nothing is
    checked. That both are refused says nothing of the secret: only a delivery by Stripe proves it.

    `probes` rows: sent, refused (yes | no | cannot tell), detail.
    """
    statement = "The webhook route refuses events that Stripe did not sign."
    if not probes.readable:
        return cannot_tell(statement, probes)
    taken = [row["sent"] for row in probes.rows if row["refused"] == "no"]
    unsure = [row["detail"] for row in probes.rows if row["refused"] == "cannot tell"]
    if taken:
        because = f"{' and '.join(taken)} was taken: whoever knows the address can mark payments as paid"
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("webhook_signature",), evidence=(probes,),
                       weight=len(taken), certain=True, alert="the webhook route takes events without a signature",
                       )  # fmt: skip
    if unsure:
        return Finding(statement, Answer.CANNOT_TELL, unsure[0], evidence=(probes,))
    return Finding(statement, Answer.HOLDS, "an unsigned and a wrongly signed event were refused", evidence=(probes,))


def handler_runs_through(logs: LogSummary, log: Evidence) -> Finding:
    """A handler fails aloud, with an error of its own, or silently: an event comes in and nothing more is heard."""
    what = "webhook that fails in the handler for a reason of its own"
    found = absent_from_logs(logs, log, "webhook_handler_error", ["webhook_handler_error"], what)
    left = logs.left_in_hand()
    if found.implicates or len(left) <= STRANGERS_IN_A_ROW or logs.lines("process_crash"):
        return found
    because = f"{len(left):,} events came in and nothing became of them"
    return Finding(found.statement, Answer.DOES_NOT_HOLD, because, implicates=("webhook_handler_error",),
                   evidence=(log,), weight=len(left),
                   span=Span(left[0], left[-1], logs.is_near_the_end(left[-1])))  # fmt: skip


def webhooks_are_handled(logs: LogSummary, log: Evidence, settings: Thresholds) -> Finding:
    """An alarm: it says that something is wrong, not what. A signature that fails is a failure too."""
    limit = settings.webhook_failures_in_a_row
    statement = f"No more than {limit} webhooks failed in a row."
    if not log.readable:
        return cannot_tell(statement, log)
    if not logs.webhooks:
        return Finding(statement, Answer.CANNOT_TELL, "no webhook stands in the logs", evidence=(log,))
    counts = ", ".join(f"{logs.webhooks[state]:,} {word}" for state, word in WORDS.items() if state in logs.webhooks)
    now = f", and the newest {logs.failures_in_a_row:,} all failed" if logs.failures_in_a_row else ""
    answer = Answer.HOLDS if logs.longest_run <= limit else Answer.DOES_NOT_HOLD
    because = f"{counts}; at most {logs.longest_run:,} failures in a row{now}"
    return Finding(statement, answer, because, evidence=(log,))


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
