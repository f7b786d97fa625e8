"""Do gateway and ledger belong together? A live key beside a staging ledger makes every payment look orphaned."""

from __future__ import annotations

from collections.abc import Mapping

from runbook.errors import CannotLook
from runbook.facts import Answer, Finding
from runbook.target import Target

STATEMENT = "Gateway and ledger belong to the same environment."
# Three quarters of the newest payments: an incident may lose some, another environment knows none.
KNOWN_SHARE_PERCENT = 75


def same_environment(
    settings: Target,
    key_mode: str,
    account: str | CannotLook,
    database: str | CannotLook,
    newest_intents: Mapping[str, bool] | CannotLook,
) -> Finding:
    """Mode, account, database name and a sample of known intents must agree; `newest_intents` says of each intent of
    the ledger's newest rows whether the gateway knows it."""
    expected = settings.gateway
    if key_mode != expected.expected_mode:
        return differs(f"the mode of the gateway's key is {key_mode}, the target expects {expected.expected_mode}.")
    unread = [each for each in (account, database, newest_intents) if isinstance(each, CannotLook)]
    if expected.account and isinstance(account, str) and account != expected.account:
        return differs(f"the key opens account {account}, the target names {expected.account}.")
    if isinstance(database, str) and database != settings.ledger.database:
        return differs(f"the DSN leads to database `{database}`, the target names `{settings.ledger.database}`.")
    if unread:
        return Finding(STATEMENT, Answer.CANNOT_TELL, str(unread[0]))
    assert not isinstance(newest_intents, CannotLook)
    known = sum(newest_intents.values())
    if not newest_intents and expected.expected_mode == "live":
        # An empty table beside a live account makes every payment look lost; in test mode it is a fresh start.
        return Finding(STATEMENT, Answer.CANNOT_TELL, "the ledger holds no payment that could be compared.")
    if newest_intents and known * 100 < KNOWN_SHARE_PERCENT * len(newest_intents):
        return differs(
            f"the gateway knows only {known} of the {len(newest_intents)} newest payment intents of the ledger."
        )
    return Finding(
        STATEMENT,
        Answer.HOLDS,
        f"{key_mode} key, account {account}, database {database}, "
        f"{known} of the ledger's {len(newest_intents)} newest intents known to the gateway",
        clears=("wrong_environment",),
    )


def differs(because: str) -> Finding:
    return Finding(STATEMENT, Answer.DOES_NOT_HOLD, because, implicates=("wrong_environment",))
