"""A live key beside a staging ledger is found out before anything is called missing."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import yaml
from runbook import target
from runbook.clock import Window
from runbook.errors import CannotLook
from runbook.facts import Answer
from runbook.judgement.environment import Sampled, mismatch, same_environment, sample

HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
AWAY = CannotLook("The ledger gave no answer.")


@pytest.fixture(scope="module")
def production():
    raw = yaml.safe_load((target.TARGETS / "production.example.yaml").read_text())
    settings = target.convert(raw, "production.example.yaml")
    return msgspec.structs.replace(settings, gateway=msgspec.structs.replace(settings.gateway, account="acct_1"))


NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def known(*answers):
    """One intent an hour, the last at noon."""
    ago = reversed(range(len(answers)))
    return tuple(Sampled(f"pi_{at}", NOON - timedelta(hours=at), yes) for at, yes in zip(ago, answers, strict=True))


def ask(settings, mode="live", account="acct_1", database="shop", sampled=None):
    return same_environment(settings, mode, account, database, known(*[True] * 9) if sampled is None else sampled)


def test_both_sides_of_one_environment_agree(production):
    finding = ask(production)
    assert finding.answer is HOLDS
    assert finding.because == (
        "live key, account acct_1, database shop, 9 of 9 sampled intents of the ledger known to the gateway"
    )
    assert finding.clears == ("wrong_environment",)


@pytest.mark.parametrize(
    ("found", "because"),
    [
        ({"mode": "test"}, "the mode of the gateway's key is test, the target expects live."),
        ({"mode": "unknown"}, "the mode of the gateway's key is unknown, the target expects live."),
        ({"account": "acct_2"}, "the key opens account acct_2, the target names acct_1."),
        ({"database": "staging"}, "the DSN leads to database `staging`, the target names `shop`."),
        ({"database": "staging", "sampled": AWAY}, "the DSN leads to database `staging`, the target names `shop`."),
        ({"account": "acct_2", "database": AWAY}, "the key opens account acct_2, the target names acct_1."),
    ],
)
def test_one_difference_is_enough(production, found, because):
    finding = ask(production, **found)
    assert (finding.answer, finding.because) == (DOES_NOT_HOLD, because)
    assert finding.implicates == ("wrong_environment",)


def test_what_the_target_file_says_otherwise_is_told_before_anything_is_sampled(production):
    assert mismatch(production, "live", "acct_1", "shop") == ""
    assert mismatch(production, "live", AWAY, AWAY) == ""
    assert "acct_2" in mismatch(production, "live", "acct_2", AWAY)


def test_a_ledger_of_which_the_gateway_knows_nothing_is_another_environments(production):
    finding = ask(production, sampled=known(False, False, False))
    assert (finding.answer, finding.because) == (
        DOES_NOT_HOLD,
        "the gateway knows none of 3 payment intents of the ledger, "
        "from 2026-01-15 10:00:00 UTC to 2026-01-15 12:00:00 UTC.",
    )
    assert finding.implicates == ("wrong_environment",)


@pytest.mark.parametrize(
    ("answers", "because"),
    [
        ((True, True, False, False), "2 of 4 sampled intents of the ledger known to the gateway; "
                                     "the others are 2, the oldest of 2026-01-15 11:00:00 UTC"),
        ((False, False, True), "1 of 3 sampled intents of the ledger known to the gateway; "
                               "the others are 2, the oldest of 2026-01-15 10:00:00 UTC"),
        ((True,), "1 of 1 sampled intents of the ledger known to the gateway"),
    ],
)  # fmt: skip
def test_a_stretch_that_the_gateway_does_not_know_is_something_wrong_in_the_same_environment(
    production, answers, because
):
    finding = ask(production, sampled=known(*answers))
    assert finding.answer is HOLDS
    assert finding.because.endswith(because)
    assert finding.clears == ("wrong_environment",)


def test_a_copy_of_the_ledger_that_went_its_own_way_is_not_called_the_same(production):
    older = [Sampled(f"pi_old_{at}", NOON - timedelta(days=2), True, inside=False) for at in range(3)]
    finding = ask(production, sampled=(*older, *known(False, False, False)))
    assert finding.answer is CANNOT_TELL
    assert finding.because.startswith("3 of 6 sampled intents of the ledger known to the gateway; ")
    assert finding.because.endswith("Widen the window to before it.")
    assert finding.implicates == finding.clears == ()
    assert ask(production, sampled=(*older, *known(False, False))).holds


def test_the_sample_says_of_each_row_whether_the_gateway_finds_its_intent():
    rows = [{"intent_id": "pi_1", "created": NOON - timedelta(days=1)}, {"intent_id": "pi_2", "created": NOON}]
    asked = []

    def ask_ledger(text, **given):
        asked.append((text.splitlines()[0], given))
        return rows

    window = Window(NOON - timedelta(hours=6), NOON)
    found = sample(ask_ledger, {"/v1/payment_intents/pi_2": {"id": "pi_2"}}.get, window)
    assert found == (
        Sampled("pi_1", NOON - timedelta(days=1), False, inside=False),
        Sampled("pi_2", NOON, True),
    )
    assert asked == [
        ("-- Which intents do the ledger's rows name, spread over the window and some from before it?",
         {"start": window.start, "end": window.end})
    ]  # fmt: skip


@pytest.mark.parametrize("part", ["account", "database", "sampled"])
def test_what_cannot_be_read_is_neither_the_same_nor_another(production, part):
    finding = ask(production, **{part: AWAY})
    assert (finding.answer, finding.because) == (CANNOT_TELL, "The ledger gave no answer.")
    assert finding.implicates == finding.clears == ()


def test_an_empty_table_beside_a_live_account_proves_nothing(production):
    finding = ask(production, sampled=())
    assert (finding.answer, finding.because) == (CANNOT_TELL, "the ledger holds no payment that could be compared.")


def test_an_empty_table_in_test_mode_is_a_fresh_start(production):
    fresh = msgspec.structs.replace(
        production, gateway=msgspec.structs.replace(production.gateway, expected_mode="test", account="")
    )
    assert ask(fresh, mode="test", account="acct_7", sampled=()).holds
