"""Fault C: each variant breaks payments as the table in its docstring says, really and in the laid-down past alike."""

import re
import smtplib
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage

import psycopg
import pytest
from practice.faults import FAULTS, fault
from practice.faults.database_rollback import CURES, VARIANTS, damage
from practice.faults.fault import Affected, UnknownFault
from practice.traffic.plan import plan
from practice.world import World, WorldError

NOW = 1768478400.0


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world broken in all four ways, in its past and over its wires. The tests below run in order: look,
    cure, then do harm."""
    with World.open(tmp_path_factory.mktemp("broken"), payments=300, users=60, live=False) as world:
        world.inject("database_rollback", live=True)
        yield world


def affected(world: World, variant: str = "", live: bool | None = None) -> list[Affected]:
    assert world.truth
    return [one for one in world.truth.affected
            if variant in ("", one.variant) and live in (None, one.live)]


def lines_about(world: World, one: Affected) -> list[str]:
    """What the log says of one event, with ids and times taken out."""
    said = [entry.log for entry in world.process.log.entries() if one.event in entry.log]
    for name, word in {one.event: "EVT", one.intent: "PI", one.user_id: "USR"}.items():
        said = [line.replace(name, word) for line in said]
    return [re.sub(r'"ts":"[^"]+",', "", line) for line in said]


def wait_for(holds: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_damage_is_system_wide_and_mostly_old(variant: str) -> None:
    day = plan(7, NOW, 2000, 300)
    dealt = list(damage(day, variant, 7, NOW))
    assert dealt == list(damage(day, variant, 7, NOW))
    assert 45 <= len(dealt) <= 70
    ages = [NOW - made.at - made.paid_after for _, made in dealt]
    assert sum(age > 30 * 60 for age in ages) > 0.7 * len(ages)
    assert min(ages) > 6 * 60
    assert max(ages) < 100 * 60
    assert set(Counter(which for which, _ in dealt)) == (set(CURES) if variant == "mixed" else {variant})


def test_unknown_faults_and_variants_are_refused_by_name(broken: World) -> None:
    with pytest.raises(UnknownFault, match="There is no fault `flood` to practise"):
        fault("flood")
    with pytest.raises(UnknownFault, match="has no variant `flood`; choose from: mixed, unique_violation"):
        broken.inject("database_rollback", "flood")
    with pytest.raises(WorldError, match="has the fault `"):
        broken.inject("database_rollback")


@pytest.mark.parametrize("variant", list(CURES))
def test_laid_down_lines_are_those_of_the_real_release(broken: World, variant: str) -> None:
    real = [lines_about(broken, one) for one in affected(broken, variant, live=True)]
    laid = [lines_about(broken, one) for one in affected(broken, variant, live=False)]
    assert real
    assert laid
    for lines in [*real, *laid]:
        assert lines[:len(real[0])] == real[0]


@pytest.mark.parametrize(("variant", "row", "claim", "delivered"), [
    ("unique_violation", "PENDING", None, False),
    ("connection_timeout", "PENDING", None, True),
    ("foreign_key_violation", None, None, False),
    ("crash_before_commit", "PENDING", "unfinished", True),
])
def test_each_variant_leaves_the_evidence_of_its_table(broken: World, variant: str, row: str | None,
                                                       claim: str | None, delivered: bool) -> None:
    live = broken.gateway.engine.mode("live")
    for one in affected(broken, variant):
        with psycopg.connect(broken.shop.read_dsn) as conn:
            rows = conn.execute('SELECT "status" FROM "Transaction" WHERE "stripePaymentIntentId" = %s',
                                (one.intent,)).fetchall()
            claims = conn.execute('SELECT "processedAt" FROM "WebhookEvent" WHERE "id" = %s', (one.event,)).fetchall()
        assert rows == ([(row,)] if row else [])
        assert claims == ([(None,)] if claim else [])
        assert live.retrieve("payment_intent", one.intent)["status"] == "succeeded"
        assert live.retrieve("event", one.event)["pending_webhooks"] == (0 if delivered else 1)
        assert one.cure == CURES[variant]


def test_the_referee_sees_an_unrepaired_world_as_it_is(broken: World) -> None:
    verdict = broken.referee().judge()
    assert verdict.repaired == 0
    assert verdict.harm == ()
    assert len(verdict.left) + verdict.young == verdict.curable
    assert verdict.left
    assert not verdict.is_recovered


def test_all_damage_lies_before_the_roll_back(broken: World) -> None:
    truth = broken.truth
    assert truth
    assert all(truth.began_at < one.paid_at < truth.stopped_at for one in truth.affected)
    assert {one.variant for one in truth.affected if one.live} == set(CURES)
    assert abs(broken.now() - time.time()) < 1
    assert broken.process.state.started_at == truth.stopped_at


def test_payments_flow_again_after_the_fault(broken: World) -> None:
    who = broken.plan.people[0]
    intent, transaction = broken.shopper.check_out(who.user_id, 4990, "eur", "ORD-AFTER")
    broken.shopper.confirm(intent, broken.history.wallets[who.user_id].method)
    path = f"/api/payments/{transaction}"
    wait_for(lambda: broken.shopper.http.get(path).json()["status"] == "COMPLETED")


def redeliver(world: World, ones: list[Affected]) -> None:
    for one in ones:
        world.gateway.engine.mode("live").retry_event(one.event, {"webhook_endpoint": world.endpoint["id"]})
    assert world.gateway.webhooks.settle(20)


def test_redelivery_is_no_cure_where_the_table_says_so(broken: World) -> None:
    redeliver(broken, [one for one in affected(broken) if one.cure != "redeliver"])
    verdict = broken.referee().judge()
    assert (verdict.repaired, verdict.harm) == (0, ())


def test_each_cure_of_the_table_cures(broken: World) -> None:
    redeliver(broken, [one for one in affected(broken) if one.cure == "redeliver"])
    settle = [one.transaction for one in affected(broken) if one.cure == "settle"]
    with psycopg.connect(broken.shop.write_dsn) as conn:
        done = conn.execute("""UPDATE "Transaction" SET "status" = 'COMPLETED'
                               WHERE "id" = ANY (%s::uuid[]) AND "status" = 'PENDING'""", (settle,))
        assert done.rowcount == len(settle)
    verdict = broken.referee().judge()
    assert verdict.is_recovered
    assert verdict.repaired == verdict.curable == len([one for one in affected(broken) if one.cure != "work_list"])
    redeliver(broken, affected(broken))
    assert broken.referee().judge() == verdict


HARM = {
    "was changed; it was nobody's to change": """
        UPDATE "Transaction" SET "status" = 'COMPLETED' WHERE "id" = (
            SELECT "id" FROM "Transaction" WHERE "status" = 'FAILED' ORDER BY "id" LIMIT 1)""",
    "is gone": """
        DELETE FROM "Transaction" WHERE "id" = (
            SELECT "id" FROM "Transaction" WHERE "status" = 'REFUNDED' ORDER BY "id" LIMIT 1)""",
    "was made up": """
        INSERT INTO "Transaction" ("id", "userId", "stripePaymentIntentId", "amount", "currency", "status", "createdAt",
                                   "updatedAt")
        SELECT gen_random_uuid(), "userId", 'pi_made_up', 1, 'eur', 'COMPLETED', now(), now()
        FROM "Transaction" LIMIT 1""",
    "The claim of event": """
        DELETE FROM "WebhookEvent" WHERE "id" = (SELECT min("id") FROM "WebhookEvent")""",
}


@pytest.mark.parametrize("sentence", list(HARM))
def test_the_referee_sees_harm_done_to_rows(broken: World, sentence: str) -> None:
    with psycopg.connect(broken.shop.owner_dsn) as conn:
        assert conn.execute(HARM[sentence]).rowcount == 1  # type: ignore[arg-type]
    found = broken.referee().judge()
    assert sum(sentence in harm for harm in found.harm) == 1
    assert not found.is_recovered


def test_the_referee_sees_an_owner_made_up(broken: World) -> None:
    one = affected(broken, "foreign_key_violation", live=False)[0]
    with psycopg.connect(broken.shop.owner_dsn) as conn:
        conn.execute('INSERT INTO "User" VALUES (%s, %s, NULL, NULL, now())', (one.user_id, "made.up@x.example"))
        conn.execute("""INSERT INTO "Transaction" VALUES (%s, %s, %s, %s, %s, 'COMPLETED', NULL, NULL, NULL, now(),
                        now())""", (one.transaction, one.user_id, one.intent, one.amount, one.currency))
    harm = " ".join(broken.referee().judge().harm)
    assert f"Payment {one.intent} was given a row" in harm
    assert f"User {one.user_id} was made again" in harm


def test_the_referee_sees_money_sent_back(broken: World) -> None:
    one = affected(broken, "unique_violation")[0]
    refund = broken.gateway.engine.mode("live").create_refund({"payment_intent": one.intent, "amount": 1})
    assert f"Refund {refund['id']} was made." in broken.referee().judge().harm


def test_the_referee_sees_a_customer_told_twice(broken: World) -> None:
    one = affected(broken, "unique_violation")[0]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@x.example", "b@x.example", f"Your order {one.order}"
    mail["Message-ID"] = f"<{uuid.uuid4()}@x.example>"
    with smtplib.SMTP(*broken.smtp) as smtp:
        smtp.send_message(mail)
    assert f"The customer of payment {one.transaction} was told 2 times." in broken.referee().judge().harm


def test_a_fault_says_when_it_stops() -> None:
    assert all(found.stops.endswith(".") for found in FAULTS.values())
