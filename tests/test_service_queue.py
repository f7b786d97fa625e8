"""The service's queue before Stripe: how fast calls may start, how many may run, when a refused one is tried again."""

import threading
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from practice.wires.service.queue import Queue, QueueError, QueueSettings, Turns


def started(settings: QueueSettings, arrivals: list[float], lasting: float = 0.0) -> list[float]:
    """When calls that come at these times start, as far as the settings let them."""
    turns, now, running, starts = Turns(settings), 0.0, [], []
    for arrival in sorted(arrivals):
        now = max(now, arrival)
        while True:
            for end in [end for end in running if end <= now]:
                running.remove(end)
                turns.end()
            wait = turns.wait(now)
            if wait == 0:
                break
            now = min(running) if wait == float("inf") else now + wait
        turns.start(now)
        running.append(now + lasting)
        starts.append(now)
    return starts


def test_without_settings_nothing_waits():
    assert started(QueueSettings(), [0.0] * 500) == [0.0] * 500


def test_an_interval_without_a_cap_limits_nothing():
    settings = QueueSettings(interval_ms=1000)
    assert started(settings, [0.0] * 500) == [0.0] * 500
    assert settings.most_in_a_second == float("inf")


def test_an_interval_with_a_cap_lets_so_many_start_and_no_more():
    starts = started(QueueSettings(interval_ms=1000, interval_cap=3), [0.0] * 8)
    assert starts == pytest.approx([0, 0, 0, 1, 1, 1, 2, 2])


def test_after_a_rest_an_interval_begins_with_its_first_call():
    assert started(QueueSettings(interval_ms=1000, interval_cap=1), [0.0, 5.5, 5.6]) == pytest.approx([0, 5.5, 6.5])


def test_no_more_run_at_once_than_the_concurrency():
    starts = started(QueueSettings(concurrency=2), [0.0] * 6, lasting=1.5)
    assert starts == pytest.approx([0, 0, 1.5, 1.5, 3, 3])


@example(406, 1, [0.0] * 6)
@given(st.integers(20, 1500), st.integers(1, 9), st.lists(st.floats(0, 4), min_size=1, max_size=80))
def test_no_second_sees_more_calls_than_the_settings_promise(interval_ms, cap, arrivals):
    settings = QueueSettings(interval_ms=interval_ms, interval_cap=cap)
    starts = started(settings, arrivals)
    for first in starts:
        assert sum(first <= each < first + 1 - 1e-9 for each in starts) <= settings.most_in_a_second


def test_settings_come_from_the_environment_and_are_none_by_default():
    assert QueueSettings.from_environment({}) == QueueSettings()
    told = {"STRIPE_QUEUE_INTERVAL_MS": "100", "STRIPE_QUEUE_INTERVAL_CAP": "2", "STRIPE_QUEUE_CONCURRENCY": "3",
            "STRIPE_RETRY_MAX": "4", "STRIPE_RETRY_JITTER": "full"}  # fmt: skip
    assert QueueSettings.from_environment(told) == QueueSettings(100, 2, 3, 4, "full")


@pytest.mark.parametrize(("variable", "value"), [("STRIPE_RETRY_MAX", "often"), ("STRIPE_RETRY_JITTER", "some")])
def test_a_wrong_setting_is_named(variable, value):
    with pytest.raises(QueueError, match=f"{variable} must be .*`{value}`"):
        QueueSettings.from_environment({variable: value})


class Refused(Exception):
    pass


def test_what_is_refused_is_tried_again_after_growing_pauses():
    pauses, answers = [], iter([Refused, Refused, "ok"])

    def call():
        answer = next(answers)
        if answer is Refused:
            raise Refused
        return answer

    queue = Queue(QueueSettings(retry_max=4, jitter="full"), sleep=pauses.append)
    assert queue.retried(call, Refused) == "ok"
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1.0


def test_the_last_refusal_is_told_and_without_jitter_nothing_pauses():
    pauses, calls = [], []

    def call():
        calls.append(1)
        raise Refused

    with pytest.raises(Refused):
        Queue(QueueSettings(retry_max=12), sleep=pauses.append).retried(call, Refused)
    assert len(calls) == 13
    assert set(pauses) == {0.0}


def test_pauses_grow_to_eight_seconds_and_no_further():
    settings = QueueSettings(retry_max=9, jitter="full")
    assert [settings.pause(attempt, 1.0) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_threads_get_their_turns_and_none_is_forgotten():
    queue, begun = Queue(QueueSettings(interval_ms=50, interval_cap=4, concurrency=3)), []

    def work():
        with queue.turn():
            begun.append(time.monotonic())
            time.sleep(0.01)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(begun) == 20
    assert max(begun) - min(begun) >= 0.18
