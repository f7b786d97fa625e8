"""What the logs say of calls to Stripe: how many, how fast, for whom, and which of six mechanisms has them refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice.faults.fault import Truth
from practice.faults.rate_limited import FAULT, STORM, VARIANTS
from practice.traffic.history import History
from practice.traffic.plan import plan
from practice.wires.gateway import Gateway
from practice.wires.service import says
from practice.wires.service.records import FORMATS, Record
from runbook.facts import Answer, Evidence
from runbook.judgement import log_lines
from runbook.judgement import request_rate as questions
from runbook.judgement.rates import Call, Rates, Visit, percentile, rates
from runbook.judgement.remedies import rate_limited
from runbook.judgement.remedies.rate_limited import Case, Queue
from runbook.target import Limits

NOW = 1768478400.0
LOG = Evidence("?", "logs", datetime.fromtimestamp(NOW, UTC))
LIMITS = Limits(account_per_second=20, endpoint_per_second=15)
PATHS = ("/api/customers", "/api/payments/create-intent")
VARIABLES = {name: f"QUEUE_{name.upper()}" for name in rate_limited.SETTINGS}


@dataclass
class Paper:
    """A world on paper: it takes what a fault lays, and nothing runs."""

    seed: int
    severity: float = 1.0
    records: list[Record] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gateway = SimpleNamespace(engine=Gateway(self.seed, self.now).engine)
        self.plan = plan(self.seed, NOW, 120, 30)
        self.history = History(self.gateway.engine)
        self.history.lay_plan(self.plan)
        self.add(self.history)

    def now(self) -> float:
        return NOW

    def add(self, history: History) -> None:
        self.records += history.records

    def reconfigure(self, values: dict[str, str], at: float | None = None) -> None:
        self.environment |= values

    def lines(self, log_format: str) -> Iterator[SimpleNamespace]:
        for record in sorted(self.records, key=lambda record: record.at):
            for text in FORMATS[log_format](record).splitlines():
                yield SimpleNamespace(at=datetime.fromtimestamp(record.at, UTC), stream=record.stream, text=text,
                                      container="shop-api")  # fmt: skip


@cache
def laid(variant: str, seed: int = 7, severity: float = 1.0) -> tuple[Paper, Truth]:
    world = Paper(seed, severity)
    return world, FAULT.inject(world, variant, seed, False)  # type: ignore[arg-type]


@cache
def counted(variant: str, log_format: str = "json", seed: int = 7, severity: float = 1.0) -> Rates:
    return rates(log_lines.entries(laid(variant, seed, severity)[0].lines(log_format)), PATHS)


def asked(found: Rates, limits: Limits = LIMITS) -> list:
    return [
        questions.no_call_is_refused(found, LOG),
        questions.each_visit_calls_once(found, LOG),
        questions.our_calls_reach_the_limit(found, LOG, limits),
        questions.few_calls_are_in_progress(found, LOG),
    ]


def named(found: Rates) -> tuple[str, ...]:
    return questions.all_mechanisms().given(*asked(found)).implicated


# The six mechanisms, as faults lay them


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_mechanism_is_named_from_the_log_alone(variant, log_format):
    assert named(counted(variant, log_format)) == (variant,)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_mild_one_is_named_too(variant):
    found = counted(variant, "json", 11, 0.2)
    assert named(found) == (variant,)
    assert len(found.refused) > 3, "more than a stray few"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_past_is_the_same_for_the_same_seed(variant):
    again = Paper(7)
    FAULT.inject(again, variant, 7, False)  # type: ignore[arg-type]
    assert laid(variant)[0].records == again.records


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_lies_between_the_fault_and_now_and_goes_on(variant):
    world, truth = laid(variant)
    refused = [record.at for record in world.records if record.fields.get("status") == 429]
    assert truth.began_at <= min(refused)
    assert NOW - 400 < max(refused) < NOW
    assert 20 * 60 <= NOW - truth.began_at <= 120 * 60


def test_only_a_lock_time_out_is_to_be_called_something_else():
    assert {variant: laid(variant)[1].conclusion for variant in VARIANTS} == dict.fromkeys(VARIANTS, "rate_limited") | {
        "lock_timeout": "invalid_requests"
    }
    classes = {log_lines.classify(entry) for entry in log_lines.entries(laid("lock_timeout")[0].lines("json"))}
    assert "lock_timeout" in classes
    assert "rate_limit_error" not in classes


def test_the_storm_stands_in_the_container_s_environment():
    assert laid("retry_storm")[0].environment == STORM
    assert laid("traffic_burst")[0].environment == {}


def test_a_day_without_refusals_strikes_all_of_them_out():
    found = rates(log_lines.entries(Paper(7).lines("json")), PATHS)
    first = asked(found)[0]
    assert first.holds
    assert set(first.clears) == set(questions.MECHANISMS)


# Single questions


def test_a_log_that_cannot_be_read_says_nothing():
    away = Evidence("?", "logs", LOG.as_of, unreadable="the engine is away")
    for ask in (questions.no_call_is_refused, questions.each_visit_calls_once, questions.few_calls_are_in_progress):
        assert ask(Rates(), away).answer is Answer.CANNOT_TELL
    assert questions.our_calls_reach_the_limit(Rates(), away, LIMITS).answer is Answer.CANNOT_TELL


def test_a_refusal_without_a_reason_is_left_open_and_the_header_asked_for():
    found = Rates((Call(NOW, NOW + 0.02, "/v1/payment_intents", 429, ""),), ())
    first = questions.no_call_is_refused(found, LOG)
    assert first.answer is Answer.CANNOT_TELL
    assert "Stripe-Rate-Limited-Reason" in first.because


def test_refusals_between_our_rate_and_somebody_else_s_are_left_open():
    calls = tuple(Call(NOW + at / 15, NOW + at / 15 + 0.01, "/v1/payment_intents", 429, "global-rate")
                  for at in range(30))  # fmt: skip
    third = questions.our_calls_reach_the_limit(Rates(calls), LOG, LIMITS)
    assert third.answer is Answer.CANNOT_TELL
    assert "may be lower than the target says" in third.because


def test_what_comes_in_is_never_counted_as_what_goes_out():
    records = [says.access(NOW + number / 10, "POST", "/api/customers", 201, 5) for number in range(9)]
    records += [says.access(NOW, "GET", "/api/payments/1", 200, 5), says.access(NOW, "POST", "/v1/customers", 200, 5)]
    paper = SimpleNamespace(records=records)
    found = rates(log_lines.entries(Paper.lines(paper, "json")), PATHS)  # type: ignore[arg-type]
    assert (len(found.calls), len(found.visits)) == (0, 9)


def test_a_call_counts_when_it_began_and_ids_are_no_endpoints():
    record = says.stripe_call(NOW, "POST", "/v1/payment_intents/pi_3Abc45Def/confirm", 200, 4000, "req_1")
    found = rates(log_lines.entries(Paper.lines(SimpleNamespace(records=[record]), "json")), PATHS)  # type: ignore[arg-type]
    assert [(call.began, call.endpoint) for call in found.calls] == [(NOW - 4, "/v1/payment_intents/:id/confirm")]


def test_waves_are_parted_by_calm_and_begin_with_their_customers():
    calls = tuple(Call(NOW + at, NOW + at + 0.1, "/v1/x", 429, "global-rate") for at in (0, 1, 2, 60, 61))
    visits = tuple(Visit(NOW + at, 502) for at in (-1.5, -3, 59))
    found = Rates(calls, tuple(sorted(visits, key=lambda visit: visit.began)))
    assert [round(wave.began - NOW, 1) for wave in found.waves] == [-2.0, 58.0]
    assert len(found.visits_in_waves) == 2


def test_calls_in_progress_follow_little_s_law():
    calls = tuple(Call(NOW + at / 5, NOW + at / 5 + 2, "/v1/x", 200, "") for at in range(100))
    assert Rates(calls).in_progress(NOW + 10) == pytest.approx(5 * 2, abs=1)


@given(st.lists(st.integers(0, 99), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values, percent):
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)


# The settings that are computed


def case(mechanism="traffic_burst", found=None, containers=1, limits=LIMITS, headroom=20, current=None, stored=None):
    found = counted(mechanism) if found is None else found
    current = current or {}
    return Case(mechanism, found, limits, headroom, containers, VARIABLES, current,
                current if stored is None else stored, lambda value: f"<{value}>")  # fmt: skip


@given(st.integers(2, 400), st.integers(2, 400), st.integers(0, 60), st.integers(1, 12),
       st.sampled_from(rate_limited.CURABLE))  # fmt: skip
def test_computed_settings_never_exceed_a_limit(account, endpoint, headroom, containers, mechanism):
    made = case(mechanism, Rates(), containers, Limits(account_per_second=account, endpoint_per_second=endpoint),
                headroom)  # fmt: skip
    queue = rate_limited.queue_for(made)
    assert queue.interval_cap >= 1, "an interval without a cap limits nothing"
    assert queue.concurrency >= 1
    assert queue.retry_jitter == "full"
    if rate_limited.budget(made) // containers >= 2:
        assert queue.most_in_a_second * containers <= min(account, endpoint) * (100 - headroom) / 100
    else:
        assert any("containers share" in item.reason for item in rate_limited.work_list(made))


def test_a_burst_gets_a_queue_below_the_smallest_limit():
    assert rate_limited.queue_for(case()) == Queue(91, 1, 4)
    assert Queue(91, 1, 4).most_in_a_second == 12, "four fifths of the fifteen that an endpoint allows"


def test_what_stripe_refused_counts_for_more_than_what_the_target_says():
    generous = Limits(account_per_second=500, endpoint_per_second=500)
    assert rate_limited.queue_for(case(limits=generous)).most_in_a_second <= 24


def test_concurrency_stays_below_what_stripe_refused():
    assert rate_limited.queue_for(case("concurrency")).concurrency == 6
    assert rate_limited.queue_for(case("concurrency", containers=3)).concurrency == 2


def test_the_plan_sets_what_differs_and_deploys_once():
    current = {"QUEUE_RETRY_MAX": "12", "QUEUE_RETRY_JITTER": "none"}
    made = rate_limited.plan(case("retry_storm", current=current), "practice", "acct_1 + shop")
    assert [step.kind for step in made.steps] == ["set_setting"] * 5 + ["redeploy"]
    retry = made.steps[3]
    assert retry.sentence.startswith("Set QUEUE_RETRY_MAX of the api application from 12 to 4;")
    assert (retry.old["value"], retry.new["value"], retry.undo) == ("12", "4", "set QUEUE_RETRY_MAX back to 12")
    assert all(step.required and step.undo for step in made.steps)
    assert not made.amounts_minor


def test_a_service_that_is_set_right_already_gets_no_plan():
    values = {VARIABLES[name]: value for name, value in rate_limited.queue_for(case()).values().items()}
    assert not rate_limited.plan(case(current=values), "practice", "x").steps


def test_what_is_stored_and_does_not_run_yet_is_deployed():
    values = {VARIABLES[name]: value for name, value in rate_limited.queue_for(case()).values().items()}
    made = rate_limited.plan(case(current={}, stored=values), "practice", "x")
    assert made.steps[-1].kind == "redeploy"


def test_somebody_else_s_job_is_left_to_a_person_beside_the_queue():
    made = rate_limited.plan(case("other_job"), "practice", "x")
    assert made.steps
    assert "restricted key" in made.work_list[0].proposal


def test_a_lock_time_out_gets_no_setting():
    made = rate_limited.plan(case("lock_timeout"), "practice", "x")
    assert not made.steps
    assert "one call at a time" in made.work_list[0].proposal
