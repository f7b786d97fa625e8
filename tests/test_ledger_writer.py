"""The ledger's writer against a real Postgres: guarded, all or nothing, decided by looking."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from ledger_table import AT, ODD, ROW, add, fresh, mapped, provisioned, status_of, strange
from practice.wires.ledger import Cluster
from runbook.errors import BadInput, CannotLook, Refused
from runbook.wires.ledger import LedgerWriter, RowChange


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with provisioned(tmp_path_factory.mktemp("postgres")) as started:
        yield started


@pytest.fixture
def shop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    with fresh(cluster, monkeypatch) as conn:
        yield conn


PENDING, COMPLETED = {"status": "PENDING", "amount": 1999}, {"status": "COMPLETED", "amount": 1999}


Image = dict[str, Any]


def change(old: Image = PENDING, new: Image = COMPLETED, row: str = ROW, key: str = "k1") -> RowChange:
    return RowChange(key, row, old, new)


def apply(writer: LedgerWriter, *changes: RowChange, audit: bool = False, plan: str = "plan-1") -> list[Any]:
    return writer.apply(changes, plan, "ann@ops", AT, audit)


def test_a_change_is_applied_once(shop: psycopg.Connection) -> None:
    add(shop)
    writer = LedgerWriter(mapped(shop))
    assert apply(writer, change()) == [("applied", "")]
    assert status_of(shop) == "COMPLETED"
    assert shop.execute('SELECT "updatedAt" FROM "Transaction"').fetchone() == (AT,)
    assert apply(writer, change()) == [("already done", "")]


def test_a_row_that_moved_is_withheld_alone(shop: psycopg.Connection) -> None:
    add(shop, "pi_1", "REFUNDED")
    add(shop, "pi_2", "PENDING", ROW[:-1] + "2")
    add(shop, "pi_3", "PENDING", ROW[:-1] + "3", amount=5)
    results = apply(
        LedgerWriter(mapped(shop)),
        change(),
        change(row=ROW[:-1] + "2", key="k2"),
        change(row=ROW[:-1] + "3", key="k3"),
        change(row=ROW[:-1] + "9", key="k4"),
    )
    assert results == [
        ("withheld", "the row moved: status is REFUNDED, the plan saw PENDING"),
        ("applied", ""),
        ("withheld", "the row moved: amount is 5, the plan saw 1999"),
        ("withheld", "the row is not there any more"),
    ]


def test_guards_compare_null_and_time_as_they_are(shop: psycopg.Connection) -> None:
    add(shop, None)
    old = {"intent_id": None, "failure_reason": None, "updated_at": "2026-01-15T14:00:00+02:00"}
    assert apply(LedgerWriter(mapped(shop)), change(old, {"intent_id": "pi_9"})) == [("applied", "")]
    assert apply(LedgerWriter(mapped(shop)), change(old, {"intent_id": "pi_8"})) == [
        ("withheld", "the row moved: intent_id is pi_9, the plan saw nothing")
    ]


def test_a_row_is_inserted_and_taken_back(shop: psycopg.Connection) -> None:
    add(shop, "pi_0", row=ROW[:-1] + "5", currency="USD")
    new = {"intent_id": "pi_1", "user_id": "u1", "amount": 500, "currency": "usd", "status": "COMPLETED",
           "created_at": "2026-01-14T00:00:00+00:00"}  # fmt: skip
    writer = LedgerWriter(mapped(shop))
    assert apply(writer, change({}, new)) == [("applied", "")]
    written = shop.execute('SELECT currency, amount, "createdAt" FROM "Transaction" WHERE id = %s', [ROW]).fetchone()
    assert written == ("USD", 500, datetime(2026, 1, 14, tzinfo=UTC))
    assert apply(writer, change({}, new)) == [("already done", "")]
    other = change({}, {**new, "amount": 7}, row=ROW[:-1] + "7")
    assert apply(writer, other)[0][0] == "withheld"
    assert apply(writer, change(new, {})) == [("applied", "")]
    assert status_of(shop) == "gone"
    assert apply(writer, change(new, {})) == [("already done", "")]


def test_undo_restores_what_apply_changed(shop: psycopg.Connection) -> None:
    add(shop)
    writer = LedgerWriter(mapped(shop))
    before = business(shop)
    apply(writer, change())
    assert business(shop) != before
    assert apply(writer, change(COMPLETED, PENDING)) == [("applied", "")]
    assert business(shop) == before


def business(shop: psycopg.Connection) -> list[Any]:
    return shop.execute('SELECT id, "userId", amount, currency, status, "createdAt" FROM "Transaction"').fetchall()


def test_the_audit_row_stands_with_the_change(shop: psycopg.Connection) -> None:
    add(shop)
    writer = LedgerWriter(mapped(shop))
    assert (writer.may_audit(), writer.has_audit()) == (True, False)
    with pytest.raises(Refused):
        apply(writer, change(), audit=True)
    assert status_of(shop) == "PENDING"
    writer.create_audit()
    writer.create_audit()
    assert (writer.may_audit(), writer.has_audit()) == (True, True)
    assert apply(writer, change(), audit=True) == [("applied", "")]
    noted = shop.execute("SELECT plan, key, relation, row_id, old, new, who, at FROM runbook.audit").fetchall()
    assert noted == [("plan-1", "k1", "public.Transaction", ROW, PENDING, COMPLETED, "ann@ops", AT)]
    assert apply(writer, change(), audit=True)[0][0] == "already done"
    shop.execute("""UPDATE "Transaction" SET status = 'PENDING'""")
    ((word, why),) = apply(writer, change(), audit=True)
    assert (word, why) == ("withheld", "it was done 2026-01-15 12:00:00 UTC by ann@ops, and the row was changed since")
    assert status_of(shop) == "PENDING"


def test_without_the_right_there_is_no_audit(shop: psycopg.Connection) -> None:
    shop.execute(f"REVOKE CREATE ON DATABASE {shop.info.dbname} FROM runbook_write")
    writer = LedgerWriter(mapped(shop))
    assert not writer.may_audit()
    with pytest.raises(Refused, match="lacks a right"):
        writer.create_audit()


def test_any_error_rolls_the_whole_batch_back(shop: psycopg.Connection) -> None:
    add(shop)
    add(shop, "pi_2", row=ROW[:-1] + "2")
    taken = change({"intent_id": "pi_2"}, {"intent_id": "pi_1"}, ROW[:-1] + "2", "k2")
    with pytest.raises(Refused, match=r"duplicate key value violates unique constraint.*\[23505\]"):
        apply(LedgerWriter(mapped(shop)), change(), taken)
    assert status_of(shop) == "PENDING"


def test_a_row_that_is_locked_is_not_waited_for(
    shop: psycopg.Connection, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbook.wires.ledger.session.LOCK_SECONDS", 1)
    add(shop)
    with psycopg.connect(cluster.dsn(shop.info.dbname)) as other:
        other.execute('SELECT * FROM "Transaction" FOR UPDATE')
        with pytest.raises(CannotLook, match="holds a lock"):
            apply(LedgerWriter(mapped(shop)), change())
    assert apply(LedgerWriter(mapped(shop)), change()) == [("applied", "")]


def test_two_operators_have_one_effect(shop: psycopg.Connection) -> None:
    add(shop)
    LedgerWriter(mapped(shop)).create_audit()
    results: list[Any] = []
    both = threading.Barrier(2)

    def operate() -> None:
        writer = LedgerWriter(mapped(shop))
        both.wait()
        results.extend(apply(writer, change(), audit=True))

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(word for word, _ in results) == ["already done", "applied"]
    assert shop.execute("SELECT count(*) FROM runbook.audit").fetchone() == (1,)


def test_a_live_write_between_is_never_overwritten(shop: psycopg.Connection, cluster: Cluster) -> None:
    """The shop's transaction holds the row when ours begins, and commits another status."""
    add(shop)
    with psycopg.connect(cluster.dsn(shop.info.dbname)) as other:
        other.execute("""UPDATE "Transaction" SET status = 'REFUNDED'""")
        later = threading.Timer(0.3, other.commit)
        later.start()
        ((word, _),) = apply(LedgerWriter(mapped(shop)), change())
        later.join()
    assert (word, status_of(shop)) == ("withheld", "REFUNDED")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({}, {}, "both are empty"),
        ({"email": "x"}, {"status": "y"}, "`email` is no column"),
        ({"amount": 19.99}, {"status": "y"}, "whole number of minor units"),
        ({"updated_at": 1768478400}, {"status": "y"}, "ISO time with an offset"),
        ({"updated_at": "2026-01-15T12:00:00"}, {"status": "y"}, "ISO time with an offset"),
    ],
)
def test_an_image_that_cannot_be_is_refused(
    shop: psycopg.Connection, old: dict[str, Any], new: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        apply(LedgerWriter(mapped(shop)), change(old, new))


def test_the_writer_stays_where_the_target_says(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(shop)
    with pytest.raises(Refused, match="leads to database"):
        apply(LedgerWriter(mapped(shop, database="staging")), change())
    shop.execute("ALTER ROLE runbook_write SET default_transaction_read_only = on")
    assert apply(LedgerWriter(mapped(shop)), change()) == [("applied", "")]
    monkeypatch.delenv("WRITE_DSN")
    with pytest.raises(BadInput, match="WRITE_DSN"):
        LedgerWriter(mapped(shop))


def test_a_strange_table_is_written_in_its_own_terms(shop: psycopg.Connection) -> None:
    ledger = strange(shop, (1, "pi", "19.99", "USD", "open", "2026-01-15 12:00"), "numeric(12,3)")
    at = AT.astimezone(timezone(timedelta(hours=1))).isoformat()
    old = {"status": "open", "amount": 1999, "currency": "usd", "created_at": at}
    writer = LedgerWriter(ledger)
    assert apply(writer, change(old, {"status": "paid", "amount": 2000, "currency": "usd"}, "1")) == [("applied", "")]
    new = {"intent_id": "pi_2", "amount": 1234, "currency": "kwd", "status": "paid"}
    assert apply(writer, change({}, new, "2")) == [("applied", "")]
    rows = shop.execute(f'SELECT "ключ", "sum%", cur, "when" FROM {ODD} ORDER BY 1'.encode()).fetchall()
    naive = AT.replace(tzinfo=None)
    assert [(row, str(amount), cur, when) for row, amount, cur, when in rows] == [
        (1, "20.000", "USD", naive),
        (2, "1.234", "KWD", naive),
    ]


class DeafToCommit:
    """A proxy that lets everything through but the answer to COMMIT: the batch is committed and nobody hears."""

    def __init__(self, port: int) -> None:
        self._server, self._to = socket.create_server(("127.0.0.1", 0)), port
        self.port = self._server.getsockname()[1]
        self.threads = [threading.Thread(target=self._serve, daemon=True)]
        self.threads[0].start()

    def _serve(self) -> None:
        near, _ = self._server.accept()
        far = socket.create_connection(("127.0.0.1", self._to))
        deaf = threading.Event()

        def pump(source: socket.socket, sink: socket.socket, look: Callable[[bytes], None]) -> None:
            while data := source.recv(65536):
                look(data)
                if deaf.is_set() and source is far:
                    near.shutdown(socket.SHUT_RDWR)
                    return
                sink.sendall(data)

        answers = threading.Thread(target=pump, args=(far, near, lambda _: None), daemon=True)
        answers.start()
        pump(near, far, lambda data: deaf.set() if b"COMMIT" in data else None)
        answers.join()
        far.close()
        near.close()


def test_a_commit_whose_answer_is_lost_is_decided_by_looking(
    shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    add(shop)
    LedgerWriter(mapped(shop)).create_audit()
    proxy = DeafToCommit(shop.info.port)
    monkeypatch.setenv(
        "WRITE_DSN", f"postgresql://runbook_write:open%20sesame@127.0.0.1:{proxy.port}/{shop.info.dbname}"
    )
    with pytest.raises(CannotLook, match=r"cannot be told from here\. Apply the plan again"):
        apply(LedgerWriter(mapped(shop)), change(), audit=True)
    assert status_of(shop) == "COMPLETED"
    monkeypatch.setenv("WRITE_DSN", cluster.dsn(shop.info.dbname, "runbook_write", "open sesame"))
    assert apply(LedgerWriter(mapped(shop)), change(), audit=True)[0][0] == "already done"


def test_a_deadlock_is_tried_again(shop: psycopg.Connection, cluster: Cluster) -> None:
    """We hold the first row and want the second, the shop the other way round; Postgres ends one of the two."""
    second = ROW[:-1] + "2"
    add(shop)
    add(shop, "pi_2", row=second)
    shop.execute("ALTER SYSTEM SET deadlock_timeout = '50ms'")
    shop.execute("SELECT pg_reload_conf()")
    with psycopg.connect(cluster.dsn(shop.info.dbname)) as other:
        other.execute("""UPDATE "Transaction" SET amount = amount WHERE id = %s""", [second])
        done: list[Any] = []
        ours = threading.Thread(
            target=lambda: done.extend(apply(LedgerWriter(mapped(shop)), change(), change(row=second, key="k2")))
        )
        ours.start()
        time.sleep(0.3)
        try:
            other.execute("""UPDATE "Transaction" SET amount = amount WHERE id = %s""", [ROW])
            other.commit()
        except psycopg.errors.DeadlockDetected:
            other.rollback()
        ours.join()
    assert done == [("applied", ""), ("applied", "")]
