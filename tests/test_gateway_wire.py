"""The gateway wire against the simulated Stripe: every object of every page, patience with bounds, and no key told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice.wires.gateway import Gateway as Simulator
from practice.wires.gateway import ordinary_number
from runbook.clock import Window
from runbook.errors import BadInput, CannotLook, Refused
from runbook.target import Gateway, Secret
from runbook.wires.gateway import GatewayReader, GatewayWriter, shape, status_page
from runbook.wires.gateway.silence import REST_SECONDS, Silence, Silent

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
CARD = {"type": "card", "card": {"number": ordinary_number("live"), "exp_month": 12, "exp_year": 2030}}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A gateway with a day of 250 intents, one a minute, two of them outside the window by a second."""
    started = Simulator(11, clock=NOW.timestamp, retry_delays_seconds=(0.05,))
    started.start()
    live = started.engine.mode("live")
    start, end = DAY.epochs
    for created in [start - 1, *(start + 60 * number for number in range(250)), end]:
        with started.engine.at(created, "none"):
            live.create_payment_intent({"amount": 500, "currency": "usd"})
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def calm(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("READ_KEY", simulator.keys["live"].read_only)
    monkeypatch.setenv("WRITE_KEY", simulator.keys["live"].write)
    monkeypatch.setattr("runbook.wires.gateway.client.FIRST_WAIT_SECONDS", 0.01)
    yield
    simulator.faults.clear()
    for ring in simulator.keys.values():
        simulator.faults.restore(ring.read_only)
    simulator.status.indicator, simulator.status.shell, simulator.status.frozen_at = "none", False, None


@pytest.fixture
def settings(simulator: Simulator) -> Gateway:
    return Gateway(
        expected_mode="live",
        read_key=Secret("READ_KEY"),
        write_key=Secret("WRITE_KEY"),
        api_base=simulator.url,
        status_urls=(f"{simulator.url}/status/api/v2/status.json",),
        requests_per_second=1000,
        timeout_seconds=1,
    )


@pytest.fixture
def reader(settings: Gateway) -> GatewayReader:
    return GatewayReader(settings)


def told(raised: pytest.ExceptionInfo[BaseException]) -> str:
    """The sentence, after looking for a key in the whole chain of exceptions."""
    chain: list[BaseException] = [raised.value]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    for name in ("READ_KEY", "WRITE_KEY"):
        assert os.environ[name] not in "".join(map(repr, chain))
        assert os.environ[name][-4:] not in str(raised.value)
    return str(raised.value)


def test_every_object_of_every_page_and_none_beyond_the_edges(reader: GatewayReader) -> None:
    intents = list(reader.intents(DAY))
    assert len({intent["id"] for intent in intents}) == len(intents) == 250
    start, end = DAY.epochs
    assert min(intent["created"] for intent in intents) == start
    assert max(intent["created"] for intent in intents) < end
    assert [intent["created"] for intent in intents] == sorted((i["created"] for i in intents), reverse=True)
    assert list(reader.charges(DAY)) == list(reader.refunds(DAY)) == list(reader.disputes(DAY)) == []


def test_one_object_or_none(reader: GatewayReader) -> None:
    first = next(reader.intents(DAY))
    assert reader.find(f"/v1/payment_intents/{first['id']}") == first
    assert reader.find("/v1/payment_intents/pi_not_there") is None
    assert reader.find("/v1/events/evt_not_there") is None


def test_account_balance_endpoints_and_events(reader: GatewayReader, simulator: Simulator) -> None:
    assert reader.account()["id"] == simulator.account_id
    assert reader.balance()["livemode"] is True
    assert reader.webhook_endpoints() == []
    created = list(reader.events(DAY, types=("payment_intent.created",)))
    assert len(created) == 250
    assert list(reader.events(DAY, types=("charge.refunded",))) == []
    assert list(reader.events(DAY, delivery_success=False)) == []
    with pytest.raises(BadInput, match="at most 20 event types"):
        reader.events(DAY, types=("x",) * 21)


def test_a_burst_of_trouble_is_waited_for(reader: GatewayReader, simulator: Simulator) -> None:
    simulator.faults.rate_limit("endpoint-rate", count=2)
    assert len(list(reader.intents(DAY))) == 250
    simulator.faults.error(503, count=2)
    assert reader.account()
    simulator.faults.reset(count=1)
    assert reader.account()


def test_trouble_in_the_middle_of_a_list_is_no_end_of_it(reader: GatewayReader, simulator: Simulator) -> None:
    intents = reader.intents(DAY)
    for _ in range(100):
        next(intents)
    simulator.faults.error(500)
    with pytest.raises(CannotLook, match="could not be read to its end"):
        list(intents)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rate_limit", "it limits our rate (global-rate). Wait a minute"),
        ("error", "it answered 500, which is trouble on its own side"),
        ("hang", "it could not be reached in time"),
        ("reset", "it could not be reached in time"),
        ("garbage", "it answered 200, which is trouble on its own side"),
    ],
)
def test_lasting_trouble_is_one_sentence_within_bounds(
    reader: GatewayReader, simulator: Simulator, fault: str, words: str
) -> None:
    seen = len(simulator.requests)
    getattr(simulator.faults, fault)(**({"seconds": 30} if fault == "hang" else {}))
    with pytest.raises(CannotLook) as raised:
        reader.account()
    assert told(raised).startswith("The gateway's account could not be read: ")
    assert words in told(raised)
    assert len(simulator.requests) - seen <= 4


def test_a_gateway_that_hangs_is_waited_for_once(
    reader: GatewayReader, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook asks a dozen questions; with a time-out each, it would take minutes to say that nobody answers."""
    simulator.faults.hang(seconds=30)
    with pytest.raises(CannotLook, match="it could not be reached in time"):
        reader.account()
    seen, began = len(simulator.requests), time.monotonic()
    for look in (reader.balance, lambda: list(reader.intents(DAY)), reader.reachable, reader.webhook_endpoints):
        with pytest.raises(CannotLook, match=r"it gave no answer \d s ago. It is asked again from [\d:]{8} UTC on"):
            look()
    assert "it gave no answer" in reader.key_check().reason
    assert time.monotonic() - began < 0.5
    assert len(simulator.requests) == seen
    simulator.faults.clear()
    monkeypatch.setattr("runbook.wires.gateway.silence.REST_SECONDS", 0)
    assert reader.account()
    assert len(list(reader.intents(DAY))) == 250


def test_the_patience_with_a_silent_gateway() -> None:
    now = [0.0]
    silence = Silence(10, lambda: now[0])
    lasts = []
    for _ in range(5):
        lasts.append(silence.seconds)
        began, now[0] = now[0], now[0] + silence.seconds
        silence.waited(began, lasts[-1])
        now[0] += REST_SECONDS
        silence.require_rested()
    assert lasts == [10, 2, 4, 8, 10], "short at first; a gateway that is merely slow is found again"
    silence.waited(now[0] - 1, 10)
    assert silence.seconds == 10, "what fails at once is no silence"
    silence.heard()
    silence.waited(now[0] - 10, 10)
    silence.require_rested()
    assert silence.seconds == 2, "after a single one it is asked again at once"
    silence.waited(now[0] - 2, 2)
    with pytest.raises(Silent, match="gave no answer 0 s ago"):
        silence.require_rested()


def test_a_write_is_not_hurried(settings: Gateway, simulator: Simulator) -> None:
    """One that is given up half way may still have been carried out."""
    writer = GatewayWriter(msgspec.structs.replace(settings, timeout_seconds=10))
    began = time.monotonic() - 10
    writer._silence.waited(began, 10)
    writer._silence.waited(began, 2)
    simulator.faults.slow(2.5, count=1)
    with pytest.raises(Refused, match="it answered 404"):
        writer.redeliver("evt_none", "we_none")


def test_a_rejected_key_says_so(reader: GatewayReader, simulator: Simulator) -> None:
    simulator.faults.revoke(simulator.keys["live"].read_only)
    with pytest.raises(CannotLook) as raised:
        list(reader.intents(DAY))
    assert "the gateway rejects the key (401). Check the key that the target names" in told(raised)
    check = reader.key_check()
    assert (check.accepted, check.mode, check.kind) == (False, "live", "restricted")
    assert check.reason == "the gateway rejects the key (401)"
    simulator.faults.expire(simulator.keys["live"].read_only)
    assert reader.key_check().reason == "the gateway says that the key has expired (401)"
    simulator.faults.restore(simulator.keys["live"].read_only)
    assert reader.key_check().accepted is True


def test_a_key_that_nobody_could_be_asked_about(reader: GatewayReader, simulator: Simulator) -> None:
    simulator.faults.error(500)
    check = reader.key_check()
    assert (check.accepted, check.reason) == (None, "it answered 500, which is trouble on its own side. "
                                                    "Look at its status page.")  # fmt: skip


def test_shapes_of_keys(settings: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "51" + "a" * 20
    for kind, mode, name in (("sk", "live", "secret"), ("rk", "test", "restricted"), ("pk", "live", "publishable")):
        assert shape("_".join((kind, mode, body))) == (mode, name)
    monkeypatch.setenv("READ_KEY", "change-me")
    reader = GatewayReader(settings)
    assert (reader.mode, reader.kind) == ("unknown", "malformed")
    assert reader.key_check().accepted is False
    for broken in (f"sk_{'live'}_abc def", "sk_live_“quoted”"):
        monkeypatch.setenv("READ_KEY", broken)
        with pytest.raises(BadInput, match="env:READ_KEY holds a space or a character"):
            GatewayReader(settings)
    monkeypatch.delenv("READ_KEY")
    with pytest.raises(BadInput, match="READ_KEY"):
        GatewayReader(settings)


def test_an_address_where_nobody_listens(settings: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    away = GatewayReader(msgspec.structs.replace(settings, api_base=f"http://127.0.0.1:{free}"))
    with pytest.raises(CannotLook, match="could not be reached in time"):
        away.account()
    with pytest.raises(CannotLook, match="refused the connection"):
        away.reachable()
    assert away.key_check().accepted is None


def test_an_address_that_accepts_and_never_answers(settings: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = GatewayReader(
            msgspec.structs.replace(settings, api_base=f"http://127.0.0.1:{server.getsockname()[1]}")
        )
        with pytest.raises(CannotLook, match="no whole answer within 1 s"):
            silent.reachable()
        assert silent.key_check().accepted is None


def test_reachable_means_that_it_refuses_us(reader: GatewayReader, simulator: Simulator) -> None:
    assert reader.reachable() is True
    simulator.faults.garbage(status=502)
    with pytest.raises(CannotLook, match="answered 502 to a request without a key"):
        reader.reachable()


def test_the_rate_is_kept(settings: Gateway) -> None:
    """Five requests at 20 a second: four pauses of 50 ms at the least, however fast the machine."""
    reader = GatewayReader(msgspec.structs.replace(settings, requests_per_second=20))
    began = time.monotonic()
    for _ in range(5):
        reader.account()
    assert time.monotonic() - began >= 0.2


def test_status_pages_as_they_are_served(settings: Gateway, simulator: Simulator) -> None:
    base = f"{simulator.url}/status"

    def state(path: str) -> str:
        urls = msgspec.structs.replace(settings, status_urls=(base + path,))
        return GatewayReader(urls).status_page(NOW).state

    paths = ("/api/v2/status.json", "/current", "/current/full")
    assert [state(path) for path in paths] == ["up"] * 3
    simulator.status.indicator = "critical"
    assert [state(path) for path in paths] == ["down"] * 3
    simulator.status.frozen_at = NOW.timestamp() - 90_000
    assert [state(path) for path in paths] == ["unknown"] * 3
    simulator.status.shell = True
    assert [state(path) for path in (*paths, "/nowhere")] == ["unknown"] * 4
    dead = msgspec.structs.replace(settings, status_urls=(f"{base}/nowhere", f"{base}/current"))
    simulator.status.shell, simulator.status.frozen_at = False, None
    assert GatewayReader(dead).status_page(NOW).state == "down", "the first page that says something"
    assert GatewayReader(msgspec.structs.replace(settings, status_urls=())).status_page(NOW).state == "unknown"


@pytest.mark.parametrize(
    ("page", "state"),
    [
        ({"largestatus": "up", "time": "February 09, 2024 @ 06:08PM +00:00"}, "unknown"),
        ({"largestatus": "up", "time": "January 15, 2026 @ 11:08AM +00:00"}, "up"),
        ({"largestatus": "up", "time": "soon"}, "unknown"),
        ({"largestatus": "weird"}, "unknown"),
        ({"UptimeStatus": "degraded", "message": "x"}, "degraded"),
        ({"status": {"indicator": "none"}, "page": "odd"}, "up"),
        ({"status": "fine"}, "unknown"),
        (["up"], "unknown"),
        (None, "unknown"),
    ],
)
def test_other_pages(page: object, state: str) -> None:
    assert status_page.judge(page, NOW)[0] == state


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["status", "page", "indicator", "time", "largestatus", "updated_at"]), inner, max_size=4
    ),
    max_leaves=8,
)  # fmt: skip


@given(json_values)
def test_no_page_is_up_by_accident_or_raises(page: object) -> None:
    state, _ = status_page.judge(page, NOW)
    assert state in ("up", "unknown", "degraded", "down")
    if state == "up":
        assert isinstance(page, dict)


def test_redelivery_and_confirmation(settings: Gateway, reader: GatewayReader, simulator: Simulator) -> None:
    live = simulator.engine.mode("live")
    endpoint = live.create_webhook_endpoint({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    writer = GatewayWriter(settings)
    event = next(reader.events(DAY))
    try:
        assert writer.redeliver(event["id"], endpoint["id"])["id"] == event["id"]
        with pytest.raises(Refused, match="`evt_none`: it answered 404"):
            writer.redeliver("evt_none", endpoint["id"])
    finally:
        live.delete_webhook_endpoint(endpoint["id"])
    intent = live.create_payment_intent({"amount": 500, "currency": "usd"})
    method = live.create_payment_method(CARD)
    paid = writer.confirm(intent["id"], method["id"], "runbook-key-1")
    assert paid["status"] == "succeeded"
    assert writer.confirm(intent["id"], method["id"], "runbook-key-1") == paid
    with pytest.raises(Refused):
        writer.confirm(intent["id"], method["id"], "runbook-key-2")


def test_a_read_key_cannot_write(settings: Gateway, simulator: Simulator) -> None:
    writer = GatewayWriter(msgspec.structs.replace(settings, write_key=Secret("READ_KEY")))
    with pytest.raises(Refused) as raised:
        writer.redeliver("evt_1", "we_1")
    assert "denies it this permission (403)" in told(raised)


def test_nothing_is_written_home_and_the_key_is_not_shown(settings: Gateway, tmp_path: object) -> None:
    """The SDK's telemetry would leave a file in the configuration directory."""
    code = (
        "from runbook.target import Gateway, Secret; from runbook.wires.gateway import GatewayReader\n"
        f"settings = Gateway(expected_mode='live', read_key=Secret('READ_KEY'), api_base={settings.api_base!r})\n"
        "reader = GatewayReader(settings)\n"
        "reader.account(); reader.account(); print(vars(reader))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert os.environ["READ_KEY"] not in ran.stdout
    assert list(tmp_path.rglob("*")) == []  # type: ignore[attr-defined]
