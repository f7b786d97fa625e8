"""The keys that the service runs with."""

from __future__ import annotations

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.target import Target

UNCHECKED = "whoever knows the address can mark payments as paid"


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
