"""Scenario B's questions. Each answer speaks for mechanisms of webhooks that go unheard, or strikes them out.

Some look alike from outside, and what parts them is named here:
- a signature that fits with a time that is too old proves the secret: only the clock is left;
- a secret that differs from the one on record, since a new container: the deployment brought another;
- the secret on record, since a new container: the release treats the body otherwise;
- no new container at that time: it was changed at Stripe's end, so the secret was rolled.
Which wrong secret it is cannot be told for certain, and need not be: the cure is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runbook import clock
from runbook.facts import Answer, Evidence, Finding, Row, Suspects, cannot_tell
from runbook.judgement.mechanisms import DEPLOYED, MECHANISMS, REFUSING, SECRETS
from runbook.judgement.triage import NEEDED_EVENT
from runbook.judgement.webhook_log import Deliveries

OURS = "our URL"
# Stripe's libraries refuse what is older than five minutes; a clock that runs ahead makes everything older.
TOLERANCE_SECONDS = 300
WRONG_SECRETS = tuple(name for name in SECRETS if name != "rolled_secret")


def suspects() -> Suspects:
    """Every mechanism, none ruled out yet."""
    return Suspects(tuple(MECHANISMS))


def events_of_strangers_are_refused(probes: Evidence) -> Finding:
    """Does the route refuse what Stripe did not sign? Where it does not, anybody can mark an order as paid."""
    statement = "The webhook route refuses events that Stripe did not sign."
    if not probes.readable:
        return cannot_tell(statement, probes)
    taken = [row["sent"] for row in probes.rows if row["refused"] == "no"]
    unsure = [row["detail"] for row in probes.rows if row["refused"] == "cannot tell"]
    if taken:
        return Finding(
            statement, Answer.DOES_NOT_HOLD,
            f"critical: {' and '.join(taken)} was taken, so that whoever knows the address can mark payments as paid",
            implicates=("checks_off", "webhook_signature"), clears=REFUSING, evidence=(probes,),
            alert="the webhook route takes events that nobody signed: forged payments are possible",
        )  # fmt: skip
    if unsure:
        return Finding(statement, Answer.CANNOT_TELL, unsure[0], evidence=(probes,))
    because = ", ".join(f"{row['sent']}: {row['status']}" for row in probes.rows)
    return Finding(statement, Answer.HOLDS, because, clears=("checks_off",), evidence=(probes,))


def url_is_registered(endpoints: Evidence) -> Finding:
    statement = "An endpoint of this mode is registered at our URL."
    if not endpoints.readable:
        return cannot_tell(statement, endpoints)
    if found := ours(endpoints):
        because = f"{found[0]['endpoint']} has it"
        return Finding(statement, Answer.HOLDS, because, clears=("wrong_url",), evidence=(endpoints,))
    others = [f"{row['endpoint']} at {row['at']}" for row in endpoints.rows if row["mode"] == "ours"]
    because = f"Stripe sends to {'; '.join(others)}" if others else "Stripe knows no endpoint at all"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("wrong_url", "webhook_not_subscribed"),
                   clears=("endpoint_disabled", "not_subscribed"), evidence=(endpoints,))  # fmt: skip


def endpoint_is_enabled(endpoints: Evidence) -> Finding:
    statement = "Our endpoint is enabled."
    if not endpoints.readable or not ours(endpoints):
        return nothing_at_our_url(statement, endpoints)
    if good := [row["endpoint"] for row in ours(endpoints) if row["status"] == "enabled"]:
        because = f"{good[0]} is enabled"
        return Finding(statement, Answer.HOLDS, because, clears=("endpoint_disabled",), evidence=(endpoints,))
    because = f"{ours(endpoints)[0]['endpoint']} is disabled, by Stripe after days of failures or by a person"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("endpoint_disabled", "webhook_not_subscribed"),
                   evidence=(endpoints,))  # fmt: skip


def event_is_subscribed(endpoints: Evidence) -> Finding:
    statement = f"Our endpoint asks for {NEEDED_EVENT}."
    if not endpoints.readable or not ours(endpoints):
        return nothing_at_our_url(statement, endpoints)
    if good := [row["endpoint"] for row in ours(endpoints) if row["has the event"] == "yes"]:
        because = f"{good[0]} asks for it"
        return Finding(statement, Answer.HOLDS, because, clears=("not_subscribed",), evidence=(endpoints,))
    because = f"{ours(endpoints)[0]['endpoint']} asks for {ours(endpoints)[0]['events']} kinds of event, not for this"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("not_subscribed", "webhook_not_subscribed"),
                   evidence=(endpoints,))  # fmt: skip


def nothing_at_our_url(statement: str, endpoints: Evidence) -> Finding:
    if not endpoints.readable:
        return cannot_tell(statement, endpoints)
    return Finding(statement, Answer.CANNOT_TELL, "no endpoint has our URL", evidence=(endpoints,))


def ours(endpoints: Evidence) -> list[Row]:
    return [row for row in endpoints.rows if row["mode"] == "ours" and row["at"] == OURS]


def deliveries_verify(deliveries: Deliveries, log: Evidence) -> Finding:
    """Do Stripe's deliveries pass the check, and if not, with which words are they refused?"""
    statement = "Stripe's deliveries pass the signature check."
    if not log.readable:
        return cannot_tell(statement, log)
    if deliveries.since is None or deliveries.is_over:
        return passing(statement, deliveries, log)
    reasons = deliveries.reasons
    reason = max((name for name in reasons if name != "not signed"), key=lambda name: reasons[name])
    told = ", ".join(f"{count:,} {WORDS[name]}" for name, count in reasons.most_common())
    because = f"{told} since {clock.show(deliveries.since)}; {deliveries.verified_since:,} passed in that time"
    blamed = BLAMED[reason]
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("webhook_signature", *blamed),
                   clears=tuple(name for name in REFUSING if name not in blamed), evidence=(log,),
                   weight=sum(reasons.values()))  # fmt: skip


def passing(statement: str, deliveries: Deliveries, log: Evidence) -> Finding:
    if not deliveries.verified:
        because = f"no delivery stands in the {deliveries.entries:,} entries that were read"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log,))
    strays = f"; {len(deliveries.refused):,} refused, no more than strangers leave" if deliveries.refused else ""
    if deliveries.is_over:
        strays = f"; {len(deliveries.refused):,} were refused, the last of them before these"
    because = f"{len(deliveries.verified):,} passed{strays}"
    return Finding(statement, Answer.HOLDS, because, clears=REFUSING, evidence=(log,))


WORDS = {
    "too old": "refused because their time is too old, though their signature fits",
    "parsed body": "refused because the body was parsed before",
    "not signed": "without a signature",
    "no match": "refused because no signature fits",
    "other": "refused in words of the service's own",
}
BLAMED: dict[str, Sequence[str]] = {
    "too old": ("clock_ahead",),
    "parsed body": ("parsed_body",),
    "no match": (*SECRETS, "parsed_body"),
    "other": (*SECRETS, "parsed_body"),
}


def began_with_a_deployment(deliveries: Deliveries, log: Evidence, containers: Evidence) -> Finding:
    """Has any delivery passed since this container was started? If so, something else changed later."""
    statement = "The refusals began with a new container."
    for evidence in (log, containers):
        if not evidence.readable:
            return cannot_tell(statement, evidence)
    since, last = deliveries.since, deliveries.last_verified
    started: datetime | None = containers.rows[0]["started_at"] if containers.rows else None
    if since is None or started is None:
        because = "no series of refusals stands in the logs" if since is None else "its start is not known"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log, containers))
    shown = f"the container was started {clock.show(started)}, the refusals began {clock.show(since)}"
    if started > since:
        because = f"{shown}: it came in the midst of them"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log, containers))
    if last is None:
        because = f"{shown}; no delivery from before stands in the logs"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(log, containers))
    if last <= started:
        return Finding(statement, Answer.HOLDS, f"{shown}; no delivery passed in between", implicates=DEPLOYED,
                       clears=("rolled_secret",), evidence=(log, containers))  # fmt: skip
    because = f"{shown}; until {clock.show(last)} deliveries passed in the same container"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("rolled_secret",), clears=DEPLOYED,
                   evidence=(log, containers))  # fmt: skip


def secret_is_the_one_on_record(secrets: Evidence) -> Finding:
    """Is the container's secret the one that the target file knows? A roll at Stripe outdates both together."""
    statement = "The service runs with the signing secret on record."
    if not secrets.readable:
        return cannot_tell(statement, secrets)
    row = {each["where"]: each for each in secrets.rows}
    service, known = row["service"], row["target file"]
    if service["kind"] != "webhook secret":
        because = f"{service['variable']} is {service['kind'] or 'not set'} in the container"
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("wrong_secret",),
                       clears=("parsed_body",), evidence=(secrets,))  # fmt: skip
    if not known["kind"]:
        because = "the target file names none (`gateway.webhook_secret`)"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(secrets,))
    if known["compared"] == "the same":
        because = "the container's secret is the same as the target file's"
        return Finding(statement, Answer.HOLDS, because, clears=WRONG_SECRETS, evidence=(secrets,))
    because = "the container's secret is another than the target file's"
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=WRONG_SECRETS, clears=("parsed_body",),
                   evidence=(secrets,))  # fmt: skip


def no_other_endpoint_here(endpoints: Evidence) -> Finding:
    statement = "No other endpoint of this mode has a secret to be mistaken for ours."
    if not endpoints.readable:
        return cannot_tell(statement, endpoints)
    return lookalike(statement, [row for row in endpoints.rows if row["mode"] == "ours" and row["at"] != OURS],
                     "secret_of_another_endpoint", endpoints)  # fmt: skip


def no_endpoint_of_the_other_mode(endpoints: Evidence) -> Finding:
    statement = "The other mode has no endpoint at our URL, whose secret could be mistaken for ours."
    if not endpoints.readable:
        return cannot_tell(statement, endpoints)
    if not any(row["mode"] == "other" for row in endpoints.rows) and endpoints.note:
        return Finding(statement, Answer.CANNOT_TELL, endpoints.note, evidence=(endpoints,))
    return lookalike(statement, [row for row in endpoints.rows if row["mode"] == "other" and row["at"] == OURS],
                     "secret_of_another_mode", endpoints)  # fmt: skip


def lookalike(statement: str, found: Sequence[Row], mechanism: str, endpoints: Evidence) -> Finding:
    if not found:
        return Finding(statement, Answer.HOLDS, "there is no such endpoint", clears=(mechanism,), evidence=(endpoints,))
    because = ", ".join(f"{row['endpoint']} at {row['at']}" for row in found)
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(mechanism,), evidence=(endpoints,))


def clocks_agree(clocks: Evidence) -> Finding:
    """Is the service's clock less than five minutes ahead of Stripe's?"""
    statement = "The service's clock is within five minutes of Stripe's."
    if not clocks.readable:
        return cannot_tell(statement, clocks)
    reference = next((row["seconds ahead"] for row in clocks.rows if row["clock"].startswith("Stripe")), 0)
    told = {row["clock"]: row["seconds ahead"] - reference for row in clocks.rows if row["clock"].startswith("service")}
    if not told:
        return Finding(statement, Answer.CANNOT_TELL, "the service does not say what time it is", evidence=(clocks,))
    because = ", ".join(f"{name}: {seconds:+,} s" for name, seconds in told.items())
    if max(told.values()) > TOLERANCE_SECONDS:
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("clock_ahead",), evidence=(clocks,))
    return Finding(statement, Answer.HOLDS, because, clears=("clock_ahead",), evidence=(clocks,))


def cures(found: Suspects, as_of: datetime) -> Evidence:
    """What is left standing with evidence for it, and what cures each: by the plan, or by a person."""
    by = {"secret": "the plan", "endpoint": "the plan", "person": "a person"}
    rows = tuple(
        {"mechanism": name, "means": MECHANISMS[name].sentence, "cured by": by[MECHANISMS[name].by],
         "cure": MECHANISMS[name].cure}
        for name in found.implicated
    )  # fmt: skip
    open_ = ", ".join(name for name in found.standing if name not in found.implicated)
    note = f"neither shown nor excluded: {open_}" if open_ else ""
    return Evidence("What is it, and what would cure it?", "judgement", as_of, rows, note=note)
