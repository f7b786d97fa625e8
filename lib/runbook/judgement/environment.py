"""Do gateway and ledger belong together? A live key beside a staging ledger makes every payment look orphaned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook import clock
from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.facts import Answer, Finding, Row
from runbook.judgement import questions
from runbook.target import Target

STATEMENT = "Gateway and ledger belong to the same environment."
# So many strangers in a window, and nothing but strangers, are more than a few test payments.
STRANGERS_MIN = 3


@dataclass(frozen=True)
class Sampled:
    """A payment intent that a ledger row names, when the row was made, whether the gateway knows it, and whether the
    row lies inside the window or before it."""

    intent: str
    at: datetime
    known: bool
    inside: bool = True


def sample(
    ask: Callable[..., Sequence[Row]], find: Callable[[str], Any], window: Window
) -> tuple[Sampled, ...]:
    """Some rows' intents, oldest first, by the ledger's `ask` and the gateway's `find`.

    Spread over the window and reaching before it: a stretch of payments that the gateway does not know, as test keys
    leave one, does not make two sides of one environment look like strangers.
    """
    rows = ask(questions.text("sampled_rows"), start=window.start, end=window.end)
    return tuple(
        Sampled(
            row["intent_id"],
            row["created"],
            known=bool(find(f"/v1/payment_intents/{row['intent_id']}")),
            inside=row["created"] >= window.start,
        )
        for row in rows
    )


def mismatch(settings: Target, key_mode: str, account: str | CannotLook, database: str | CannotLook) -> str:
    """What the target file says otherwise than the two sides do: a mistake in a file, and no incident. Empty: nothing
    that could be read differs."""
    expected = settings.gateway
    if key_mode != expected.expected_mode:
        return f"the mode of the gateway's key is {key_mode}, the target expects {expected.expected_mode}."
    if expected.account and isinstance(account, str) and account != expected.account:
        return f"the key opens account {account}, the target names {expected.account}."
    if isinstance(database, str) and database != settings.ledger.database:
        return f"the DSN leads to database `{database}`, the target names `{settings.ledger.database}`."
    return ""


def same_environment(
    settings: Target,
    key_mode: str,
    account: str | CannotLook,
    database: str | CannotLook,
    sampled: Sequence[Sampled] | CannotLook,
) -> Finding:
    """Mode, account and database name must be those of the target, and the gateway must know what the ledger's rows
    name: none of it is another environment, some of it is this one with something wrong in it."""
    if because := mismatch(settings, key_mode, account, database):
        return differs(because)
    unread = [each for each in (account, database, sampled) if isinstance(each, CannotLook)]
    if unread:
        return Finding(STATEMENT, Answer.CANNOT_TELL, str(unread[0]))
    assert not isinstance(sampled, CannotLook)
    if not sampled and settings.gateway.expected_mode == "live":
        # An empty table beside a live account makes every payment look lost; in test mode it is a fresh start.
        return Finding(STATEMENT, Answer.CANNOT_TELL, "the ledger holds no payment that could be compared.")
    if sampled and not any(each.known for each in sampled):
        return differs(
            f"the gateway knows none of {len(sampled)} payment intents of the ledger, "
            f"from {clock.show(sampled[0].at)} to {clock.show(sampled[-1].at)}."
        )
    if all_strange(sampled):
        return Finding(STATEMENT, Answer.CANNOT_TELL, f"{knowledge(sampled)}; {COPY_OR_STRETCH}")
    because = f"{key_mode} key, account {account}, database {database}, {knowledge(sampled)}"
    return Finding(STATEMENT, Answer.HOLDS, because, clears=("wrong_environment",))


COPY_OR_STRETCH = (
    "none of them inside the window: either this ledger is a copy that went its own way, or the window lies wholly in "
    "a stretch of payments of another key. Widen the window to before it."
)


def all_strange(sampled: Sequence[Sampled]) -> bool:
    """The gateway knows rows from before the window, and none inside it: what a copy of the ledger looks like, restored
    into another environment."""
    inside = [each.known for each in sampled if each.inside]
    return len(inside) >= STRANGERS_MIN and not any(inside)


def knowledge(sampled: Sequence[Sampled]) -> str:
    """`9 of 9 sampled intents known to the gateway`; of the others how many, and since when."""
    unknown = [each for each in sampled if not each.known]
    told = f"{len(sampled) - len(unknown)} of {len(sampled)} sampled intents of the ledger known to the gateway"
    if not unknown:
        return told
    return f"{told}; the others are {len(unknown)}, the oldest of {clock.show(unknown[0].at)}"


def differs(because: str) -> Finding:
    return Finding(STATEMENT, Answer.DOES_NOT_HOLD, because, implicates=("wrong_environment",))
