"""The doctor on a whole practice world, and on targets that are wrong in every way a target can be."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from practice.wires.service.provision import DATABASE
from practice.world import World
from runbook import doctor, target
from runbook.doctor import Examination
from runbook.doctor.examination import ask, wrong
from runbook.target import Secret, Target, Users


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world"), payments=60, users=20, live=False) as opened:
        yield opened


@pytest.fixture
def practice(world: World, monkeypatch: pytest.MonkeyPatch) -> Target:
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    return target.load("practice")


def changed(whole: Target, part: str, **fields: Any) -> Target:
    return msgspec.structs.replace(whole, **{part: msgspec.structs.replace(getattr(whole, part), **fields)})


def answers(found: list[Examination]) -> dict[str, Examination]:
    return {f"{each.part}: {each.question}": each for each in found}


ACCEPTED, ENDPOINT = "gateway: Does it accept our read key?", "gateway: Are events sent to the service?"
ACCOUNT, WRITE_KEY = "gateway: Is it the account that the target names?", "gateway: Is there a write key for repairs?"
ANSWERS, MAPPING = "ledger: Does it answer?", "ledger: Are the mapped tables and columns there?"
READ_ROLE, WRITE_ROLE = "ledger: Can our read role only read?", "ledger: Is there a write role for repairs?"
STATUSES, TOGETHER = "ledger: Is every status word mapped?", "environment: Do gateway and ledger belong together?"
HEALTH, CONTAINERS = "service: Is it healthy?", "service: Are its containers found?"
LOGS, MAIL = "service: Can its logs be read?", "messages: Does the mail host answer?"


def test_a_healthy_world_gets_a_clean_bill(practice: Target, world: World) -> None:
    before = counters(world)
    found = doctor.examine(practice)
    assert [each for each in found if each.answer != "ok"] == []
    assert {each.part for each in found} == {"gateway", "ledger", "environment", "service", "messages"}
    assert counters(world) == before
    shown = doctor.table(found)
    assert "ok    Does it accept our read key? restricted live key" in shown
    assert all(len(line) <= 120 for line in shown.splitlines())
    assert json.loads(json.dumps(doctor.to_json(found)))[0]["part"] == "gateway"
    for name, value in world.environment.items():
        if any(word in name for word in ("KEY", "SECRET", "TOKEN", "DSN")):
            assert value not in shown + json.dumps(doctor.to_json(found))


def counters(world: World) -> list[Any]:
    with psycopg.connect(world.cluster.dsn(DATABASE), autocommit=True) as conn:
        conn.execute("SELECT pg_stat_force_next_flush()")
        return conn.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"
        ).fetchall()


def test_everything_away_is_told_and_nothing_hangs_or_stops(practice: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    nowhere = f"http://127.0.0.1:{closed}"
    for name in ("PRACTICE_LEDGER_READ_DSN", "PRACTICE_LEDGER_WRITE_DSN"):
        monkeypatch.setenv(name, f"postgresql://u:hunter2@127.0.0.1:{closed}/shop")
    away = changed(practice, "gateway", api_base=nowhere, status_urls=(nowhere,))
    away = changed(away, "service", base_url=nowhere, docker_host=f"tcp://127.0.0.1:{closed}")
    away = changed(away, "messages", smtp_host="127.0.0.1", smtp_port=closed)
    found = doctor.examine(away)
    told = [each for each in found if each.answer != "cannot tell"]
    assert [f"{each.part}: {each.question}" for each in told] == [WRITE_KEY], "its form needs nobody's answer"
    assert all(each.next_move for each in found if each.answer == "cannot tell")
    assert "hunter2" not in doctor.table(found)


def test_missing_variables_are_named(practice: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ", "WRITE"):
        monkeypatch.delenv(f"PRACTICE_GATEWAY_{name}_KEY")
    monkeypatch.delenv("PRACTICE_LEDGER_READ_DSN")
    found = answers(doctor.examine(practice))
    assert found["gateway: Can the gateway be examined?"].answer != "ok"
    assert found[ANSWERS].answer != "ok"
    assert found[HEALTH].answer == "ok", "the others are asked all the same"


def test_a_revoked_key_and_a_key_of_the_other_mode(
    practice: Target, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gateway.faults.revoke(os.environ["PRACTICE_GATEWAY_READ_KEY"])
    try:
        found = answers(doctor.examine(practice))
    finally:
        world.gateway.faults.restore(os.environ["PRACTICE_GATEWAY_READ_KEY"])
    assert found[ACCEPTED].answer == "wrong"
    assert "rejects the key (401)" in found[ACCEPTED].detail
    assert found[TOGETHER].answer == "cannot tell"
    assert found[MAPPING].answer == "ok"
    for name in ("READ", "WRITE"):
        monkeypatch.setenv(f"PRACTICE_GATEWAY_{name}_KEY", world.gateway.keys["test"].write)
    other = answers(doctor.examine(practice))
    assert (other[ACCEPTED].answer, other[ACCOUNT].answer) == ("ok", "wrong")
    assert (other[WRITE_KEY].answer, other[TOGETHER].answer) == ("wrong", "wrong")
    assert "the target expects live" in other[TOGETHER].detail


def test_an_endpoint_that_is_elsewhere_or_hears_too_little(practice: Target, world: World) -> None:
    elsewhere = answers(doctor.examine(changed(practice, "service", webhook_url=practice.service.webhook_url + "/")))
    assert elsewhere[ENDPOINT].answer == "wrong"
    assert f"there are: {practice.service.webhook_url}" in elsewhere[ENDPOINT].detail
    live = world.gateway.engine.mode("live")
    url = "http://127.0.0.1:9/other"
    made = live.create_webhook_endpoint({"url": url, "enabled_events": ["payment_intent.succeeded"]})
    try:
        deaf = answers(doctor.examine(changed(practice, "service", webhook_url=url)))
        assert "does not get payment_intent.payment_failed" in deaf[ENDPOINT].detail
        live.update_webhook_endpoint(made["id"], {"disabled": True})
        disabled = answers(doctor.examine(changed(practice, "service", webhook_url=url)))
        assert f"{made['id']} at {url} is disabled" in disabled[ENDPOINT].detail
    finally:
        live.delete_webhook_endpoint(made["id"])


def test_a_mapping_that_does_not_fit(practice: Target) -> None:
    columns = msgspec.structs.replace(practice.ledger.columns, intent_id="stripe_payment_intent_id")
    found = answers(doctor.examine(changed(practice, "ledger", columns=columns)))
    assert found[MAPPING].answer == "wrong"
    assert "did you mean `stripePaymentIntentId`?" in found[MAPPING].detail + found[MAPPING].next_move
    assert found[ANSWERS].answer == found[READ_ROLE].answer == "ok"
    users = Users(table="Users", id="id", email="email")
    assert "`User`" in answers(doctor.examine(changed(practice, "ledger", users=users)))[MAPPING].detail


def test_status_words_come_with_suggestions(practice: Target) -> None:
    fewer = {"pending": ("PENDING",), "completed": ("DONE",)}
    found = answers(doctor.examine(changed(practice, "ledger", status=fewer)))[STATUSES]
    assert found.answer == "wrong"
    assert "COMPLETED (" in found.detail
    assert "COMPLETED perhaps to `completed`" in found.next_move
    assert "REFUNDED perhaps to `refunded`" in found.next_move


@pytest.mark.parametrize(
    ("word", "state"),
    [("Succeeded", "completed"), ("charged_back", "disputed"), ("CANCELLED", "canceled"), ("pendng", "pending"),
     ("REQUIRES_ACTION", "pending"), ("xyz", "")],
)  # fmt: skip
def test_what_a_status_word_may_mean(practice: Target, word: str, state: str) -> None:
    from runbook.doctor.ledger_room import suggested

    assert suggested(word, practice.ledger) == state


def test_another_database_and_roles_that_may_too_much_or_too_little(
    practice: Target, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = answers(doctor.examine(changed(practice, "ledger", database="staging")))
    assert other[ANSWERS].answer == other[TOGETHER].answer == other[WRITE_ROLE].answer == "wrong"
    swapped = changed(
        practice,
        "ledger",
        read_dsn=Secret("PRACTICE_LEDGER_WRITE_DSN"),
        write_dsn=Secret("PRACTICE_LEDGER_READ_DSN"),
    )
    found = answers(doctor.examine(swapped))
    assert "runbook_write may write (Transaction: INSERT, UPDATE, DELETE)" in found[READ_ROLE].detail
    assert "runbook_read may not UPDATE Transaction" in found[WRITE_ROLE].detail
    monkeypatch.setenv("PRACTICE_LEDGER_READ_DSN", world.cluster.dsn(DATABASE))
    assert "superuser" in answers(doctor.examine(practice))[READ_ROLE].detail


def test_no_write_credentials_is_no_fault(practice: Target) -> None:
    bare = changed(changed(practice, "ledger", write_dsn=Secret("")), "gateway", write_key=Secret(""))
    found = answers(doctor.examine(bare))
    assert found[WRITE_ROLE].answer == found[WRITE_KEY].answer == "ok"
    assert "cannot be settled from here" in found[WRITE_ROLE].detail


def test_a_service_that_is_ill_or_elsewhere(practice: Target) -> None:
    paths = msgspec.structs.replace(practice.service.paths, health="/api/nothing")
    found = answers(doctor.examine(changed(practice, "service", paths=paths, names=("shop_api",))))
    assert found[HEALTH].answer == "wrong"
    assert found[CONTAINERS].answer == found[LOGS].answer == "cannot tell"
    assert "there are: `shop-api`" in found[CONTAINERS].detail + found[CONTAINERS].next_move


def test_text_from_elsewhere_is_harmless() -> None:
    odd = ask(
        "gateway",
        "Does it answer?",
        lambda: wrong("x" * 300 + " \x1b[2J\u202e" + "sk_" + "live_abcdefghijkl", "do\nit"),
    )
    assert (odd.next_move, odd.detail) == ("do it", "x" * 300 + " sk_" + "live_…")
    assert "\x1b" not in doctor.table([odd])
