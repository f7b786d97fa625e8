"""A live key beside a staging ledger is found out before anything is called missing."""

import msgspec
import pytest
import yaml
from runbook import target
from runbook.errors import CannotLook
from runbook.facts import Answer
from runbook.judgement.environment import same_environment

HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
AWAY = CannotLook("The ledger gave no answer.")


@pytest.fixture(scope="module")
def production():
    raw = yaml.safe_load((target.TARGETS / "production.example.yaml").read_text())
    settings = target.convert(raw, "production.example.yaml")
    return msgspec.structs.replace(settings, gateway=msgspec.structs.replace(settings.gateway, account="acct_1"))


def known(yes, no=0):
    return {f"pi_{at}": at < yes for at in range(yes + no)}


def ask(settings, mode="live", account="acct_1", database="shop", newest=None):
    return same_environment(settings, mode, account, database, known(5) if newest is None else newest)


def test_both_sides_of_one_environment_agree(production):
    finding = ask(production)
    assert finding.answer is HOLDS
    assert finding.because == (
        "live key, account acct_1, database shop, 5 of the ledger's 5 newest intents known to the gateway"
    )
    assert finding.clears == ("wrong_environment",)


@pytest.mark.parametrize(
    ("found", "because"),
    [
        ({"mode": "test"}, "the mode of the gateway's key is test, the target expects live."),
        ({"mode": "unknown"}, "the mode of the gateway's key is unknown, the target expects live."),
        ({"account": "acct_2"}, "the key opens account acct_2, the target names acct_1."),
        ({"database": "staging"}, "the DSN leads to database `staging`, the target names `shop`."),
        ({"newest": known(3, 2)}, "the gateway knows only 3 of the 5 newest payment intents of the ledger."),
        ({"newest": known(0, 5)}, "the gateway knows only 0 of the 5 newest payment intents of the ledger."),
        ({"newest": known(0, 1)}, "the gateway knows only 0 of the 1 newest payment intents of the ledger."),
        ({"database": "staging", "newest": AWAY}, "the DSN leads to database `staging`, the target names `shop`."),
        ({"account": "acct_2", "database": AWAY}, "the key opens account acct_2, the target names acct_1."),
    ],
)
def test_one_difference_is_enough(production, found, because):
    finding = ask(production, **found)
    assert (finding.answer, finding.because) == (DOES_NOT_HOLD, because)
    assert finding.implicates == ("wrong_environment",)


@pytest.mark.parametrize("newest", [known(4, 1), known(1), known(3, 1)])
def test_an_incident_may_have_lost_some_intents(production, newest):
    assert ask(production, newest=newest).holds


@pytest.mark.parametrize("part", ["account", "database", "newest"])
def test_what_cannot_be_read_is_neither_the_same_nor_another(production, part):
    finding = ask(production, **{part: AWAY})
    assert (finding.answer, finding.because) == (CANNOT_TELL, "The ledger gave no answer.")
    assert finding.implicates == finding.clears == ()


def test_an_empty_table_beside_a_live_account_proves_nothing(production):
    finding = ask(production, newest={})
    assert (finding.answer, finding.because) == (CANNOT_TELL, "the ledger holds no payment that could be compared.")


def test_an_empty_table_in_test_mode_is_a_fresh_start(production):
    fresh = msgspec.structs.replace(
        production, gateway=msgspec.structs.replace(production.gateway, expected_mode="test", account="")
    )
    assert ask(fresh, mode="test", account="acct_7", newest={}).holds
