"""Triage in one call asks what the notebook's cells ask, and comes to the same."""

import pytest
from practice.light import LightWorld, Quarters, Variation
from runbook import incident, response

from tests.triaged import triage_of

WORLDS = [
    ("nothing", "", frozenset({"none"})),
    ("database_rollback", "mixed", frozenset({"database_rollback"})),
    ("webhook_signature", "checks_off", frozenset({"webhook_signature"})),
]


@pytest.fixture(scope="module")
def quarters():
    with Quarters() as opened:
        yield opened


def statements(suspects):
    """Every answered question, with its answer and reason, whichever list it stands in."""
    found = [each for listed in (suspects.for_, suspects.against) for some in listed.values() for each in some]
    return {each.statement: (each.answer, each.because) for each in [*found, *suspects.open_questions]}


@pytest.mark.parametrize(("cause", "variant", "expected"), WORLDS, ids=[cause for cause, _, _ in WORLDS])
def test_the_notebook_and_the_call_do_not_drift(quarters, tmp_path, monkeypatch, cause, variant, expected):
    with LightWorld.open(quarters, 7, Variation(payments=300, users=60)) as world:
        if variant:
            world.inject(cause, variant)
        space = triage_of(world, tmp_path, monkeypatch)
        shown = space["diagnosis"]
        called = response.triage(incident.open_incident("light"))
    assert frozenset(shown.causes) == expected
    assert called.causes == shown.causes
    assert statements(called.suspects) == statements(shown.suspects)
    assert (called.sentence, called.impact, called.next_notebook) == (shown.sentence, shown.impact, shown.next_notebook)
    assert called.suspects.causes == shown.suspects.causes


def test_a_service_that_takes_what_nobody_signed_is_told_to_the_top(quarters, tmp_path, monkeypatch):
    with LightWorld.open(quarters, 8, Variation(payments=300, users=60)) as world:
        world.inject("webhook_signature", "checks_off")
        space = triage_of(world, tmp_path, monkeypatch)
    assert space["level"].number == 4
    assert "a sign of a data breach: the webhook route takes events without a signature" in space["level"].reasons
