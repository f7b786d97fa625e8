"""The keys that the service and the web part run with: of the right mode, and taken by Stripe."""

from __future__ import annotations

from dataclasses import replace

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement import keys
from runbook.judgement.log_summary import LogSummary
from runbook.judgement.triage.logs import CALLS_PER_STRAY, STRAY_MAX
from runbook.target import Target


def keys_have_the_right_mode(configured: Evidence, settings: Target) -> Finding:
    """Does every Stripe key the service runs with belong to the expected mode?"""
    expected = settings.gateway.expected_mode
    statement = f"The service runs with {expected} keys."
    if not configured.readable:
        return cannot_tell(statement, configured)
    modes = {place(row): row["mode"] for row in configured.rows if row["mode"]}
    if not modes:
        because = "no Stripe key stands in the container's environment"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(configured,))
    wrong = [f"{name} is a {mode} key" for name, mode in modes.items() if mode != expected]
    if wrong:
        return Finding(statement, Answer.DOES_NOT_HOLD, ", ".join(wrong), implicates=("test_key_in_production",),
                       evidence=(configured,), weight=len(wrong), certain=True)  # fmt: skip
    because = f"{', '.join(modes)}: {expected}"
    return Finding(statement, Answer.HOLDS, because, clears=("test_key_in_production",), evidence=(configured,))


def place(row: object) -> str:
    """`STRIPE_SECRET_KEY`, with the part before it where that is not the service itself."""
    part, variable = row.get("part", "api"), row["variable"]  # type: ignore[attr-defined, index]
    return variable if part == "api" else f"{part} {variable}"


def keys_are_accepted(configured: Evidence, tried: Evidence, settings: Target) -> tuple[Finding, ...]:
    """Does Stripe take the keys that really run? A key of the wrong mode is another scenario's, whatever Stripe says
    to it. What Stripe says now is not excused by logs in which nobody was refused yet."""
    ours = without_foreign(configured, tried, settings.gateway.expected_mode)
    found = keys.service_key_is_accepted(configured, ours), keys.pair_belongs_together(configured, ours)
    return tuple(replace(each, certain=each.answer is Answer.DOES_NOT_HOLD) for each in found)


def without_foreign(configured: Evidence, tried: Evidence, expected: str) -> Evidence:
    """What Stripe said to keys that are not of the other mode."""
    foreign = {
        f"{row['role']} of {row['part']}" for row in configured.rows if row["mode"] not in ("", expected)
    }  # fmt: skip
    return replace(tried, rows=tuple(row for row in tried.rows if row["key"] not in foreign))


def objects_are_of_the_keys_mode(logs: LogSummary, log: Evidence) -> Finding:
    """Does Stripe refuse ids because they live in the other mode? Then the key is of the wrong mode, or the stored ids
    are; that nobody was refused so clears neither, since new customers bring no old ids."""
    name, statement = "object_of_other_mode", "No call of the service names an object of the other mode."
    if not log.readable:
        return cannot_tell(statement, log)
    lines = logs.lines(name)
    if not lines:
        return Finding(statement, Answer.HOLDS, f"none in {logs.entries:,} entries", evidence=(log,))
    because = f"{lines:,} were refused, {logs.show_last(name)}"
    if lines <= STRAY_MAX and logs.outbound_ok >= CALLS_PER_STRAY * lines:
        return Finding(statement, Answer.HOLDS, f"but for a stray few: {because}", evidence=(log,))
    return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=("test_key_in_production", "wrong_environment"),
                   evidence=(log,), weight=lines, span=logs.span(name), shared=True)  # fmt: skip
