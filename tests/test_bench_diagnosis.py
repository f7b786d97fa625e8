"""The diagnosis, measured: a handful of worlds each time, hundreds where there is time for them."""

import pytest

from tests.bench import diagnosis, paper, worlds

ALL = 120


@pytest.fixture(scope="module")
def handful():
    """Seeds for development; the bench itself reports on others."""
    chosen = worlds.cases(600, "develop")
    kinds = {"single": 6, "pair": 2, "look-alike": 2, "none": 1, "novel": 1}
    picked = [case for kind, count in kinds.items() for case in [c for c in chosen if c.kind == kind][:count]]
    return diagnosis.run(picked, workers=1)


def test_a_handful_of_worlds_is_read_rightly(handful):
    misread = [f"{each.case.name}: {sorted(each.found)}, expected {sorted(each.expected)}: {each.sentence}"
               for each in handful if not each.is_exact]  # fmt: skip
    assert len(handful) == 12
    assert misread == []


def test_figures_are_shares_of_their_kind_and_name_the_paper_beside(handful):
    found = diagnosis.figures(handful)
    assert found["worlds"] == 12
    assert (found["singles, exact set, %"], found["pairs, recall, %"]) == (100.0, 100.0)
    assert {name.removeprefix("paper: ") for name in found if name.startswith("paper: ")} <= set(found)


def test_seeds_for_development_are_never_those_for_the_report():
    seeds = {name: {case.seed for case in worlds.cases(5_000, name)} for name in worlds.FIRST_SEED}
    assert seeds["develop"] & seeds["report"] == set()


def test_every_variant_of_every_fault_has_its_worlds():
    from practice.faults import FAULTS

    drawn = {fault for case in worlds.cases(600, "report") if case.kind != "pair" for fault in case.faults}
    assert {(name, variant) for name, fault in FAULTS.items() for variant in fault.variants} == drawn


def test_the_paper_counts_lines_and_rows_and_reads_the_key():
    assert paper.diagnose(["Invalid API Key provided"] * 5, {}, 0) == {"invalid_api_key"}
    assert paper.diagnose(["Invalid API Key provided"] * 4, {}, 11) == {"unknown"}
    assert paper.diagnose([], {"STRIPE_SECRET_KEY": "sk_" + "test_1"}, 0) == {"test_key_in_production"}
    assert paper.diagnose([], {}, 10) == {"none"}


@pytest.mark.slow
def test_the_diagnosis_keeps_what_it_promises():
    """On the seeds for reporting, of which none was ever looked at to mend anything."""
    found = diagnosis.figures(diagnosis.run(worlds.cases(ALL, "report")))
    assert found["singles, exact set, %"] >= 99
    assert found["pairs, recall, %"] >= 95
    assert found["nothing wrong, false alarms"] == 0
    assert found["look-alikes, repairs proposed"] == 0
    assert found["singles, exact set, %"] > found["paper: singles, exact set, %"] + 20
