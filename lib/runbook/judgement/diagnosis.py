"""From findings to a diagnosis: which causes are left, how bad it is, and what to say when no cause fits."""

from __future__ import annotations

from collections.abc import Sequence

from runbook import money
from runbook.facts import Answer, Diagnosis, Finding, Impact, Row, Suspects
from runbook.judgement.causes import CAUSES
from runbook.target import Thresholds


def all_suspects() -> Suspects:
    return Suspects(tuple(CAUSES))


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
    """Name what is left. `alarms` are findings that say something is wrong without saying why.

    What rings while only customers' own causes are left is not explained by them. And nothing is well that was not
    looked at: `none` needs every suspect struck out.
    """
    causes = suspects.implicated
    ringing = [alarm for alarm in alarms if alarm.answer is Answer.DOES_NOT_HOLD]
    explained = any(CAUSES[cause].incident for cause in causes)
    if (found.payments or ringing) and not explained:
        causes, sentence = (*causes, "unknown"), unexplained(suspects, causes, found, ringing)
    elif causes:
        sentence = explanation(causes)
    elif suspects.standing:
        causes, sentence = ("unknown",), unseen(suspects)
    else:
        causes, sentence = ("none",), "Nothing is wrong: every suspect is struck out and no alarm rings."
    notebook = next((CAUSES[each].notebook for each in causes if each in CAUSES and CAUSES[each].notebook), "")
    return Diagnosis(causes, sentence, suspects, found, notebook, parameters if notebook else {})


def explanation(causes: Sequence[str]) -> str:
    """What the causes mean, and that they are several where they are."""
    told = " ".join(CAUSES[cause].sentence for cause in causes)
    return f"{len(causes)} causes are left, the likeliest first. {told}" if len(causes) > 1 else told


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
