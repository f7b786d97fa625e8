"""Scenario B's findings name the mechanism of a laid fault, and tell a wrong secret from all that looks like one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from practice.faults.webhook_signature import CAUSE, VARIANTS
from practice.light import LightWorld, Quarters
from practice.light.variation import Variation
from runbook import evidence, target
from runbook.facts import Finding, Suspects
from runbook.incident import Incident, open_incident
from runbook.judgement import webhooks

from tests.sampled import sampled


@pytest.fixture(scope="module")
def quarters() -> Iterator[Quarters]:
    with Quarters() as opened:
        yield opened


@pytest.fixture
def laid(quarters: Quarters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Incident]]:
    """A function that opens an incident on a light world with this variant, in so many worlds as are asked for."""
    worlds: list[LightWorld] = []

    def lay(variant: str, seed: int = 5) -> Incident:
        for one in worlds:
            one.close()
        world = LightWorld.open(quarters, seed, Variation())
        worlds.append(world)
        if variant:
            world.inject(CAUSE, variant)
        name = world.target_file(tmp_path / "targets")
        monkeypatch.setattr(target.read, "TARGETS", tmp_path / "targets")
        monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
        for variable, value in world.environment.items():
            monkeypatch.setenv(variable, value)
        return open_incident(name)

    yield lay
    for one in worlds:
        one.close()


def suspects_of(incident: Incident) -> Suspects:
    return webhooks.suspects().given(*findings_of(incident))


def findings_of(incident: Incident) -> list[Finding]:
    seen, log = evidence.deliveries(incident)
    endpoints, secrets = evidence.endpoints_in_detail(incident), evidence.signing_secrets(incident)
    return [
        webhooks.events_of_strangers_are_refused(evidence.probes(incident)),
        webhooks.url_is_registered(endpoints),
        webhooks.endpoint_is_enabled(endpoints),
        webhooks.event_is_subscribed(endpoints),
        webhooks.deliveries_verify(seen, log),
        webhooks.began_with_a_deployment(seen, log, evidence.newest_container(incident)),
        webhooks.secret_is_the_one_on_record(secrets),
        webhooks.no_other_endpoint_here(endpoints),
        webhooks.no_endpoint_of_the_other_mode(endpoints),
        webhooks.clocks_agree(evidence.clocks(incident, seen)),
    ]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", sampled([5, 104], [5]))
def test_the_findings_name_the_mechanism(laid, variant, seed):
    found = suspects_of(laid(variant, seed))
    assert found.implicated[0] == variant, [(each, found.for_.get(each)) for each in found.implicated]
    also = {"wrong_secret"} if variant.startswith("secret_of") else set()
    assert set(found.implicated) - {variant} == also
