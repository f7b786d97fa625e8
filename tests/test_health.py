"""Monitoring counts exactly, also at zero, and says how little a few payments can tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from practice.wires.service.provision import DATABASE
from runbook import evidence
from runbook.facts import Answer, Evidence
from runbook.incident import open_incident
from runbook.judgement import declines, health

HOLDS, DOES_NOT_HOLD, CANNOT_TELL = Answer
WORDS = {"pending": ("PENDING",), "completed": ("COMPLETED",), "failed": ("FAILED",), "refunded": ("REFUNDED",),
         "disputed": ("DISPUTED",), "canceled": ("CANCELED",)}  # fmt: skip
UNTIL = 1_768_478_400
NOON = datetime.fromtimestamp(UNTIL, UTC)


def counted(*rows):
    return [dict(zip(("hours_ago", "status", "reason", "payments"), row, strict=True)) for row in rows]


def lost(ago_seconds, ledger="PENDING"):
    return {"created_at": UNTIL - ago_seconds, "ledger": ledger}


def looks(rows=(), missing=()):
    found = health.success(health.by_hour(counted(*rows), missing, WORDS, UNTIL))
    return {row["period"]: row for row in found}


def test_of_no_payments_nothing_is_said():
    for row in looks().values():
        assert (row["completed"], row["failed_by_us"], row["share"], row["true share most likely"]) == (
            0, 0, "no payments", "")  # fmt: skip


def test_each_look_back_holds_exactly_its_hours():
    found = looks([(0, "COMPLETED", "", 5), (1, "COMPLETED", "", 7), (23, "REFUNDED", "", 1), (24, "DISPUTED", "", 2),
                   (167, "COMPLETED", "", 3), (168, "COMPLETED", "", 99)])  # fmt: skip
    assert [found[name]["completed"] for name in health.PERIODS] == [5, 13, 18]
    assert found["last hour"]["true share most likely"] == "56.5 % to 100.0 %"


def test_customers_own_declines_and_open_checkouts_are_in_no_share():
    rows = [(0, "COMPLETED", "", 19), (0, "FAILED", "insufficient_funds", 9), (0, "FAILED", "", 4),
            (0, "PENDING", "", 6), (0, "CANCELED", "", 8), (0, "FAILED", "internal_error", 1)]  # fmt: skip
    found = looks(rows)["last hour"]
    assert (found["declined"], found["reason_not_noted"], found["open"]) == (9, 4, 6)
    assert (found["failed_by_us"], found["share"]) == (1, "95.0 %")


def test_what_stripe_took_and_nobody_recorded_is_a_failure_of_ours_and_no_open_checkout():
    found = looks([(0, "COMPLETED", "", 3), (0, "PENDING", "", 2)], [lost(60), lost(90, "no row"), lost(7200)])
    assert (found["last hour"]["failed_by_us"], found["last hour"]["open"]) == (2, 1)
    assert found["last day"]["failed_by_us"] == 3


def test_pieces_add_up_to_the_whole():
    hours = health.by_hour(counted(*((ago, "COMPLETED", "", ago) for ago in range(168))), [], WORDS, UNTIL)
    days = health.pieces(hours, 168, 24, UNTIL)
    assert [row["from_at"] for row in days][::6] == [UNTIL - 168 * 3600, UNTIL - 24 * 3600]
    assert sum(row["completed"] for row in days) == sum(range(168))
    assert days[-1]["completed"] == sum(range(24))


@pytest.mark.parametrize(
    ("reason", "whose"),
    [("insufficient_funds", declines.CUSTOMERS), ("card_declined (do_not_honor)", declines.CUSTOMERS),
     ("EXPIRED_CARD", declines.CUSTOMERS), ("", declines.UNCLEAR), ("  ", declines.UNCLEAR),
     ("internal_error", declines.OURS), ("not a lost_card_number", declines.OURS)],
)  # fmt: skip
def test_whose_a_failure_is_is_told_by_a_code_and_never_by_a_likeness(reason, whose):
    assert declines.whose(reason) == whose


def event(ago, state="delivered"):
    return {"created_at": UNTIL - ago, "state": state}


def test_events_on_their_way_are_in_no_share_and_what_was_not_read_is_said():
    events = [event(10, "on its way"), event(20, "late"), event(300), event(400, "undelivered"),
              event(500, "settled otherwise"), event(7200)]  # fmt: skip
    hour, day, week = health.deliveries(events, UNTIL, UNTIL - 7200)
    assert (hour["delivered"], hour["undelivered"], hour["on their way"], hour["share"]) == (1, 1, 2, "50.0 %")
    assert day["delivered"] == 2
    assert [row["read"] for row in (hour, day, week)] == ["whole", "newest only", "newest only"]
    assert health.deliveries([], UNTIL, 0)[0]["share"] == "no events"


def test_waits_are_values_that_occurred():
    found = [{"paid_at": UNTIL - 60 * at, "waited": float(at)} for at in range(1, 21)]
    hour, _, _ = health.waits(found, UNTIL, 0)
    assert (hour["confirmed"], hour["median"], hour["p95"], hour["slowest"]) == (20, "10.0 s", "19.0 s", "20.0 s")
    assert health.waits([], UNTIL, 0)[0]["median"] == "none"


def test_stuck_payments_are_each_of_one_age():
    stuck = [{"created_at": UNTIL - seconds} for seconds in (1800, 3599, 3600, 86_399, 86_400, 10**6)]
    assert [row["payments"] for row in health.ages(stuck, UNTIL)] == [2, 1, 1, 2]


def of(*rows, **more):
    return Evidence("?", "ledger", NOON, rows, **more)


def ring(good, bad, stuck=()):
    row = {"completed": good, "failed_by_us": bad, "delivered": good, "undelivered": bad}
    periods = [row | {"period": name} for name in health.PERIODS]
    return [each.answer for each in health.alarms(of(*periods), of(*periods), of(*stuck), 95)]


def test_a_few_payments_ring_no_bell_and_make_no_good_news_either():
    assert ring(0, 0) == [CANNOT_TELL] * 3 + [HOLDS]
    assert ring(2, 1) == [CANNOT_TELL] * 3 + [HOLDS]
    assert ring(100, 0) == [HOLDS] * 4
    assert ring(80, 20, stuck=[{}]) == [DOES_NOT_HOLD] * 4


def test_what_cannot_be_read_rings_nothing():
    away = of(unreadable="no answer came")
    assert [each.answer for each in health.alarms(away, away, away, 95)] == [CANNOT_TELL] * 4


@pytest.fixture
def incident(drill_world, tmp_path, monkeypatch):
    for name, value in drill_world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    return open_incident("practice")


def test_a_world_is_counted_exactly_and_then_with_nothing_in_it(drill_world, incident):
    import psycopg

    drill_world.inject("database_rollback", "unique_violation", seed=3, live=False)
    health_ = evidence.health
    lost_ = {one.intent for one in drill_world.truth.affected}
    success, stuck = health_.success(incident), health_.stuck(incident)
    assert {row["failed_by_us"] for row in success.rows if row["period"] != "last hour"} == {len(lost_)}
    assert {row["intent_id"] for row in stuck.rows} <= lost_
    with psycopg.connect(drill_world.cluster.dsn(DATABASE), autocommit=True) as conn:
        (rows,) = conn.execute("""SELECT count(*) FROM "Transaction" WHERE status IN ('COMPLETED','REFUNDED','DISPUTED')
                                  AND "createdAt" < date_trunc('second', now())""").fetchone()  # fmt: skip
        assert success.rows[2]["completed"] == rows
        conn.execute('TRUNCATE "Transaction", "WebhookEvent"')
    incident.look_again()
    incident.notes["health: intents"] = incident.notes["health: events"] = health_.Bounded((), 0)
    for found in (health_.success(incident), health_.deliveries(incident), health_.confirmation_times(incident)):
        assert found.readable
        assert [row["period"] for row in found.rows] == list(health.PERIODS)
    assert health_.success(incident).rows[0]["share"] == "no payments"
    assert health_.failure_reasons(incident).rows == health_.stuck(incident).rows == ()
