"""Why does Stripe refuse calls? Six mechanisms, told apart by what stands in the logs. Pure.

| mechanism      | Stripe names         | calls per customer's request | our calls when it refuses    |
|----------------|----------------------|------------------------------|------------------------------|
| traffic_burst  | global-rate          | one or two                   | as many as the limit         |
| retry_storm    | a rate               | three and more               | as many as the limit         |
| other_job      | global-rate          | one or two                   | few: somebody else's count   |
| endpoint_limit | endpoint-rate        | one or two                   | as many as the limit         |
| concurrency    | …-concurrency        | one or two                   | few a second, many at once   |
| lock_timeout   | no limit at all      | one or two                   | few: the rate is not why     |
"""

from __future__ import annotations

from runbook.facts import Answer, Evidence, Finding, Suspects, cannot_tell
from runbook.judgement.rates import Rates, percentile
from runbook.target import Limits

MECHANISMS = {
    "traffic_burst": "More customers come at once than Stripe allows calls.",
    "retry_storm": "Our own service repeats its calls without a pause.",
    "other_job": "Somebody else spends the account's budget.",
    "endpoint_limit": "One endpoint has a limit of its own, and our calls go there.",
    "concurrency": "Too many calls are in progress at once.",
    "lock_timeout": "Two calls want the same object; no rate is exceeded.",
}
# What each of Stripe's reasons speaks for; a rate in all three cases may as well be our own repetition.
BY_REASON = {
    "global-rate": ("traffic_burst", "retry_storm", "other_job"),
    "endpoint-rate": ("endpoint_limit", "retry_storm"),
    "resource-specific": ("endpoint_limit", "retry_storm"),
    "global-concurrency": ("concurrency",),
    "endpoint-concurrency": ("concurrency",),
    "lock_timeout": ("lock_timeout",),
}
# A checkout makes one call, a first purchase two; what makes three and more repeats itself.
CALLS_PER_VISIT_MAX = 3
# Stripe's second is not ours, so nine tenths of a limit is reached. Under half of it, the rest was somebody else's.
REACHED_PERCENT, FOREIGN_PERCENT = 90, 50


def all_mechanisms() -> Suspects:
    return Suspects(tuple(MECHANISMS))


def others(*names: str) -> tuple[str, ...]:
    return tuple(each for each in MECHANISMS if each not in names)


def no_call_is_refused(rates: Rates, log: Evidence) -> Finding:
    """Which limit does Stripe itself name? Its header says so; its 429 alone does not."""
    statement = "Stripe refuses no call for its rate."
    if not log.readable:
        return cannot_tell(statement, log)
    if not rates.refused:
        return Finding(statement, Answer.HOLDS, f"0 of {len(rates.calls):,} calls", clears=others(), evidence=(log,))
    told = ", ".join(f"{reason or 'no reason told'} {count:,}×" for reason, count in rates.reasons.most_common())
    because = f"{len(rates.refused):,} of {len(rates.calls):,} calls got 429: {told}"
    if not rates.reason:
        hint = "; the service does not log the header Stripe-Rate-Limited-Reason"
        return Finding(statement, Answer.CANNOT_TELL, because + hint, evidence=(log,))
    named = BY_REASON[rates.reason]
    own = named if len(named) == 1 or rates.reason.startswith("endpoint") else ()
    implicated = tuple(each for each in own if each != "retry_storm")
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicated, others(*named), (log,), len(rates.refused))


def each_visit_calls_once(rates: Rates, log: Evidence) -> Finding:
    """Inbound beside outbound: does a customer's request make the calls that it needs, or does it repeat them?"""
    statement = "A customer's request makes one call to Stripe or two."
    if not log.readable:
        return cannot_tell(statement, log)
    ratio = rates.calls_per_visit
    if ratio is None:
        because = "no request of a customer's stands in the logs beside the refused calls"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log,))
    because = (
        f"{len(rates.in_waves):,} calls for {len(rates.visits_in_waves):,} requests while Stripe refused calls: "
        f"{ratio:.1f} for each"
    )
    if ratio < CALLS_PER_VISIT_MAX:
        return Finding(statement, Answer.HOLDS, because, clears=("retry_storm",), evidence=(log,))
    return Finding(statement, Answer.DOES_NOT_HOLD, because, ("retry_storm",), others("retry_storm", "lock_timeout",
                   "concurrency"), (log,), len(rates.refused))  # fmt: skip


def our_calls_reach_the_limit(rates: Rates, log: Evidence, limits: Limits) -> Finding:
    """Is it our own rate that Stripe refuses, or somebody else's on the same account?"""
    statement = "When Stripe refuses a call, our own calls are as many as it allows."
    if not log.readable:
        return cannot_tell(statement, log)
    if not rates.refused:
        return Finding(statement, Answer.CANNOT_TELL, "no call was refused", evidence=(log,))
    limit, what = limit_of(rates.reason, limits)
    median = int(percentile(rates.rates_at_refusals, 50))
    because = (
        f"{median:,} calls of ours in the second before a refusal (median; the limit of {what} is {limit:,} a second; "
        f"our busiest second without refusals has {rates.usual_per_second:,})"
    )
    if median * 100 >= REACHED_PERCENT * limit:
        return Finding(statement, Answer.HOLDS, because, ("traffic_burst",), ("other_job",), (log,))
    if median * 100 <= FOREIGN_PERCENT * limit and median <= 2 * max(1, rates.usual_per_second):
        named = ("other_job",) if rates.reason == "global-rate" else ()
        return Finding(statement, Answer.DOES_NOT_HOLD, because, named, ("traffic_burst", "retry_storm"), (log,))
    hint = "; the account's limit may be lower than the target says, or others share it"
    return Finding(statement, Answer.CANNOT_TELL, because + hint, evidence=(log,))


def few_calls_are_in_progress(rates: Rates, log: Evidence) -> Finding:
    """Little's law: calls in progress are their rate times how long they take. Slow calls pile up at any rate."""
    statement = "Calls are answered quickly enough that few are in progress at once."
    if not log.readable:
        return cannot_tell(statement, log)
    if not rates.refused:
        return Finding(statement, Answer.CANNOT_TELL, "no call was refused", evidence=(log,))
    took, at_once = percentile(rates.durations, 50), int(percentile(rates.in_progress_at_refusals, 50))
    because = f"a call that goes well takes {took:.2f} s (median); {at_once:,} in progress when Stripe refuses one"
    if rates.reason.endswith("-concurrency"):
        return Finding(statement, Answer.DOES_NOT_HOLD, because, ("concurrency",), others("concurrency"), (log,))
    return Finding(statement, Answer.HOLDS, because, clears=("concurrency",), evidence=(log,))


def limit_of(reason: str, limits: Limits) -> tuple[int, str]:
    """The target's figure for the limit that Stripe names."""
    if reason in ("endpoint-rate", "resource-specific"):
        return limits.endpoint_per_second, "an endpoint"
    return limits.account_per_second, "the account"


def mechanism(suspects: Suspects) -> str:
    """The one mechanism left with evidence for it; empty while there is none, or more than one."""
    return suspects.implicated[0] if len(suspects.implicated) == 1 else ""
