"""Whom to tell: by time, scale and sum, with every reason and every exchange rate said."""

import pytest
from runbook.facts import Impact
from runbook.judgement import escalation
from runbook.judgement.escalation import Level
from runbook.target import Escalation
from runbook.target import Level as Step

CONTACTS = ("on call", "team lead", "head of engineering", "executive")
TIMES = dict(zip(CONTACTS, (0, 15, 30, 60), strict=True))
LEVELS = tuple(Step(minutes, contact, f"do {contact}") for contact, minutes in TIMES.items())
SETTINGS = Escalation(levels=LEVELS, amount_usd_above=10_000, usd_rates={"eur": "1.08", "jpy": "0.0065", "kwd": "3.25"})
NOBODY = Impact(0, 0, {}, "nobody")


def impact(scale="several", **amounts_minor):
    return Impact(60, 56, amounts_minor, scale)


@pytest.mark.parametrize(
    ("minutes", "number"), [(0, 1), (14, 1), (15, 2), (29, 2), (30, 3), (59, 3), (60, 4), (6000, 4), (-1, 1)]
)
def test_the_level_rises_with_time_at_each_edge(minutes, number):
    found = escalation.level(SETTINGS, NOBODY, minutes)
    assert (found.number, found.contact, found.action) == (number, CONTACTS[number - 1], f"do {CONTACTS[number - 1]}")
    assert found.reasons == ((f"{minutes} minutes have passed",) if number > 1 else ("nothing raises it",))


@pytest.mark.parametrize(("scale", "number"), [("nobody", 1), ("one-off", 1), ("several", 1), ("system-wide", 2)])
def test_an_outage_for_everybody_is_the_second_level_at_once(scale, number):
    found = escalation.level(SETTINGS, impact(scale), 0)
    assert found.number == number
    assert found.reasons == (
        ("60 payments are affected: system-wide",) if number == 2 else ("nothing raises it",)
    )


@pytest.mark.parametrize(
    ("amounts", "number", "reason"),
    [
        ({"usd": 10_000_00}, 1, "nothing raises it"),
        ({"usd": 10_000_01}, 3, "10,000.01 USD are affected, above 10,000"),
        ({"eur": 9_259_25}, 1, "nothing raises it"),
        ({"eur": 9_259_26}, 3, "10,000.00 USD are affected (EUR at 1.08), above 10,000"),
        ({"eur": 10_000_00}, 3, "10,800.00 USD are affected (EUR at 1.08), above 10,000"),
        ({"jpy": 2_000_000}, 3, "13,000.00 USD are affected (JPY at 0.0065), above 10,000"),
        ({"kwd": 4_000_000}, 3, "13,000.00 USD are affected (KWD at 3.25), above 10,000"),
        ({"usd": 9_000_00, "eur": 1_000_00, "jpy": 1}, 3,
         "10,080.01 USD are affected (EUR at 1.08, JPY at 0.0065), above 10,000"),
    ],
)  # fmt: skip
def test_the_sum_counts_in_dollars_at_the_rates_of_the_target_file(amounts, number, reason):
    found = escalation.level(SETTINGS, impact(**amounts), 0)
    assert (found.number, found.reasons) == (number, (reason,))


@pytest.mark.parametrize(("amounts", "number"), [({"gbp": 99_999_99}, 1), ({"gbp": 99_999_99, "usd": 20_000_00}, 3)])
def test_a_currency_without_a_rate_is_left_out_aloud(amounts, number):
    found = escalation.level(SETTINGS, impact(**amounts), 0)
    assert found.number == number
    assert found.reasons[-1] == (
        "99,999.99 GBP not counted: the target file has no rate for it; judge it by hand"
    )


def test_the_highest_trigger_decides_and_all_are_said():
    found = escalation.level(SETTINGS, impact("system-wide", usd=20_000_00), 20)
    assert found == Level(3, "head of engineering", "do head of engineering", (
        "20 minutes have passed",
        "60 payments are affected: system-wide",
        "20,000.00 USD are affected, above 10,000",
    ))  # fmt: skip
    assert escalation.level(SETTINGS, impact("system-wide", usd=20_000_00), 60).number == 4


def test_a_target_with_fewer_levels_stops_at_its_last():
    short = Escalation(levels=LEVELS[:2])
    assert escalation.level(short, impact("system-wide", usd=20_000_00), 600).contact == "team lead"


def test_a_target_without_levels_still_says_why():
    found = escalation.level(Escalation(), impact("system-wide"), 0)
    assert found == Level(1, "", "", ("60 payments are affected: system-wide",))


def test_a_first_level_that_waits_applies_from_the_start():
    later = Escalation(levels=(Step(5, "on call", "look"), Step(15, "team lead", "help")))
    assert escalation.level(later, NOBODY, 0).contact == "on call"


def test_a_critical_cause_goes_to_whoever_may_stop_the_checkout():
    found = escalation.level(SETTINGS, impact(), 0, critical=["orders are honoured without money"])
    assert found.number == 3
    assert "its cause is critical at once: orders are honoured without money" in found.reasons


def test_a_sign_of_a_breach_goes_to_the_top_at_once():
    found = escalation.level(SETTINGS, NOBODY, 0, ["the route takes events without a signature"])
    assert found.number == 4
    assert found.reasons == ("a sign of a data breach: the route takes events without a signature",)


@pytest.mark.parametrize(
    ("scale", "lasting", "number"),
    [("system-wide", 120, 4), ("system-wide", 119, 2), ("several", 600, 1)],
)
def test_a_long_outage_for_everybody_may_have_to_be_reported(scale, lasting, number):
    found = escalation.level(SETTINGS, impact(scale), 0, lasting_minutes=lasting)
    assert found.number == number
    assert any("whether the regulator must be told" in reason for reason in found.reasons) is (number == 4)


def test_checkouts_that_failed_are_said_where_nobody_was_charged():
    turned_away = Impact(0, 0, {}, "system-wide", turned_away=200)
    assert escalation.level(SETTINGS, turned_away, 0).reasons == ("200 checkouts failed: system-wide",)
    both = Impact(60, 56, {}, "system-wide", turned_away=200)
    told = ("60 payments are affected, 200 checkouts failed: system-wide",)
    assert escalation.level(SETTINGS, both, 0).reasons == told


def test_all_four_levels_are_shown_with_their_times_triggers_and_contacts():
    found = escalation.level(SETTINGS, NOBODY, 20)
    assert [(each["after minutes"], each["tell"]) for each in found.steps] == [(TIMES[name], name) for name in CONTACTS]
    assert [each["now"] for each in found.steps] == ["", "this one", "", ""]
    assert found.steps[2]["sooner"].startswith("more than 10,000 USD")
    assert "breach" in found.steps[3]["sooner"]
