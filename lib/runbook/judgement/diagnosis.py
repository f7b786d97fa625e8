"""From findings to a diagnosis: which causes are left, since when, how bad it is, and what to say when none fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runbook import clock, money
from runbook.facts import Answer, Diagnosis, Finding, Impact, Row, Span, Suspects
from runbook.judgement.causes import CAUSES
from runbook.target import Thresholds

# The cheapest next look where no cause fits, by what rings; the first that rings decides.
NEXT_LOOKS = {
    "Every payment that Stripe took": "one of the missing payments, from both sides: ./runbook payment ID --target T",
    "Customers paid what the ledger says": "both sides, payment by payment: notebooks/20_reconciliation.ipynb",
    "No order was paid for twice": "both sides, payment by payment: notebooks/20_reconciliation.ipynb; then the "
    "checkout's page, which may send an order twice",
    "The service does not turn customers away": "the log lines of the refused requests, and the rules of our own that "
    "refuse: fraud, limits, validation",
    "The logs show no new kind of error": "the lines of that wording in the log, and what was deployed before the "
    "first of them",
    "Customers keep coming": "the shop's own page, from outside: DNS, certificate, CDN and load balancer stand before "
    "the service and write no line in its log",
    "Customers who come to the checkout": "the shop's checkout page in a browser with its console open: the page's key "
    "and scripts run there and write no line in our log",
    "The service is up": "the newest lines of the container's log, and its restarts",
    "No more than": "the log lines of the failing requests, and what was deployed before the first of them",
}


def all_suspects() -> Suspects:
    return Suspects(tuple(CAUSES))


def impact(missing: Sequence[Row], settings: Thresholds, turned_away: int = 0) -> Impact:
    """Who is affected: payments that Stripe took and the ledger did not complete, and customers who were turned away
    at the checkout, as far as each is known."""
    payments = len(missing)
    users = {row["user_id"] or row["intent_id"] for row in missing}
    amounts = money.total((row["currency"], row["amount_minor"]) for row in missing)
    return Impact(payments, len(users), amounts, scale(payments + turned_away, settings), turned_away)


def scale(affected: int, settings: Thresholds) -> str:
    if not affected:
        return "nobody"
    if affected <= settings.one_off_up_to:
        return "one-off"
    return "system-wide" if affected > settings.system_wide_above else "several"


def diagnose(suspects: Suspects, found: Impact, alarms: Sequence[Finding], parameters: dict[str, str]) -> Diagnosis:
    """Name what is left. `alarms` are findings that say something is wrong without saying why.

    What rings while only customers' own causes are left is not explained by them. And nothing is well that was not
    looked at: `none` needs every suspect struck out.
    """
    causes, look_next = suspects.implicated, ""
    ringing = [alarm for alarm in alarms if alarm.answer is Answer.DOES_NOT_HOLD]
    explained = any(CAUSES[cause].incident for cause in causes)
    spans = spans_of(suspects, causes)
    if (found.payments or ringing) and not explained:
        sentence = unexplained(suspects, causes, found, ringing)
        causes, look_next = (*causes, "unknown"), next_look(suspects, ringing)
    elif causes:
        sentence = explanation(causes, spans)
    elif suspects.standing:
        sentence = unseen(suspects)
        causes, look_next = ("unknown",), next_look(suspects, ringing)
    else:
        causes, sentence = ("none",), "Nothing is wrong: every suspect is struck out and no alarm rings."
    # Where several are left and nothing parts them, no cure is begun: what could not be seen comes first.
    clear = causes if len(causes) == 1 else suspects.pointed_at
    notebook = next((CAUSES[each].notebook for each in clear if each in CAUSES and CAUSES[each].notebook), "")
    if explained and not clear:
        look_next = next_look(suspects, ringing)
    return Diagnosis(causes, sentence, suspects, found, notebook, parameters if notebook else {}, spans, look_next)


def spans_of(suspects: Suspects, causes: Sequence[str]) -> dict[str, Span]:
    """From when to when each cause was seen, over all that speaks for it."""
    spans = {}
    for cause in causes:
        seen = [each.span for each in suspects.for_.get(cause, ()) if each.span]
        if seen:
            going_on = any(each.going_on for each in seen)
            spans[cause] = Span(min(each.first for each in seen), max(each.last for each in seen), going_on)
    return spans


def explanation(causes: Sequence[str], spans: Mapping[str, Span]) -> str:
    """What the causes mean and since when, and that they are several where they are."""
    told = " ".join(f"{CAUSES[cause].sentence}{when(spans.get(cause))}" for cause in causes)
    return f"{len(causes)} causes are left, the likeliest first. {told}" if len(causes) > 1 else told


def when(span: Span | None) -> str:
    if span is None:
        return ""
    if span.going_on:
        return f" Since {clock.show(span.first)}, and going on."
    return f" From {clock.show(span.first)} to {clock.show(span.last)}, and not since."


def unexplained(suspects: Suspects, causes: Sequence[str], found: Impact, ringing: Sequence[Finding]) -> str:
    """Something is wrong: what it is, what comes nearest to explaining it, and what was not seen."""
    what = ringing[0].because if ringing else f"{found.payments:,} payments paid and not completed"
    parts = [f"Something is wrong, and no suspect explains it: {what}."]
    parts += [f"Beside it: {CAUSES[cause].sentence}" for cause in causes]
    for cause in suspects.contested:
        if hints := [each for each in suspects.for_[cause] if each not in ringing]:
            parts.append(f"Nearest is {cause}: {hints[0].because}; but {suspects.against[cause][0].because}.")
            break
    parts += [f"Could not be seen: {each.because.rstrip('.')}." for each in suspects.open_questions[:1]]
    return " ".join(parts)


def unseen(suspects: Suspects) -> str:
    """No alarm rings, and still nobody can say that all is well."""
    left = ", ".join(suspects.standing)
    why = "; ".join(dict.fromkeys(each.because.rstrip(".") for each in suspects.open_questions)) or "nobody looked"
    return f"No alarm rings, but it cannot be told whether all is well: {why}. Not excluded: {left}."


def next_look(suspects: Suspects, ringing: Sequence[Finding]) -> str:
    """What to look at first: what could not be read, where that leaves a suspect; otherwise where it rings."""
    if suspects.standing and suspects.open_questions:
        return f"what could not be seen: {suspects.open_questions[0].because}"
    for beginning, look in NEXT_LOOKS.items():
        if any(alarm.statement.startswith(beginning) for alarm in ringing):
            return look
    return NEXT_LOOKS["Every payment that Stripe took"]


def unread(found: Impact) -> Impact:
    """The impact where missing payments could not be looked at: not nobody's."""
    return replace(found, scale=Answer.CANNOT_TELL)
