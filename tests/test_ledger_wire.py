"""The ledger wire against a real Postgres: what it reads, what it refuses, and that it leaves no trace."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_table import AT, ROW, add, columns, fresh, mapped, provisioned, strange
from practice.wires.ledger import Cluster
from runbook import money
from runbook.errors import BadInput, CannotLook, Refused
from runbook.target import Columns, Ledger, Secret, Users
from runbook.wires.ledger import LedgerReader, session


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with provisioned(tmp_path_factory.mktemp("postgres")) as started:
        yield started


@pytest.fixture
def shop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    with fresh(cluster, monkeypatch) as conn:
        yield conn


def test_reads_the_table_in_canonical_words(shop: psycopg.Connection) -> None:
    add(shop, currency="USD")
    reader = LedgerReader(mapped(shop))
    assert reader.ask("SELECT * FROM {ledger} AS l") == [
        {
            "row_id": ROW, "amount_minor": 1999, "amount_raw": "1999", "intent_id": "pi_1", "user_id": "u1",
            "currency": "usd", "status": "PENDING", "order_key": "o1", "failure_reason": None,
            "confirmation_sent_at": None, "created": AT, "updated": AT,
            "created_at": int(AT.timestamp()), "updated_at": int(AT.timestamp()),
        }
    ]  # fmt: skip
    assert reader.ask("SELECT * FROM {users} AS u") == [
        {"user_id": "u1", "email": "ann@example.com", "customer": "cus_1"}
    ]
    assert reader.ask("SELECT * FROM {events} AS e") == []
    assert list(reader.stream("SELECT intent_id FROM {ledger} AS l WHERE created < %(as_of)s", as_of=AT + timedelta(1)))


def test_a_question_by_hand_is_the_question_that_was_asked(shop: psycopg.Connection) -> None:
    """What is pasted into psql gives the same rows, whatever the values hold."""
    add(shop, status="O'%%Brien%(as_of)s\\")
    question = (
        "-- Which rows?\nSELECT row_id, status LIKE 'O%%' AS like_o FROM {ledger} AS l WHERE status = ANY(%(words)s)"
        " AND created < %(as_of)s AND 1 = ANY(%(numbers)s) AND NOT user_id = ANY(%(nobody)s)"
    )
    given = {"words": ["O'%%Brien%(as_of)s\\", "%s"], "as_of": AT + timedelta(1), "numbers": [1, 2], "nobody": []}
    reader = LedgerReader(mapped(shop))
    first, *statement, last = reader.by_hand(question, **given).splitlines()
    assert (first, last) == ("psql \"$READ_DSN\" <<'SQL'", "SQL")
    assert statement[0] == "-- Which rows?"
    assert '"public"."Transaction"' in statement[1]
    assert shop.execute("\n".join(statement)).fetchall() == [(ROW, True)]
    assert [tuple(row.values()) for row in reader.ask(question, **given)] == [(ROW, True)]


def test_unmapped_things_are_null_or_empty(shop: psycopg.Connection) -> None:
    add(shop)
    bare = columns(currency="", updated_at="", order_key="", failure_reason="", confirmation_sent_at="")
    reader = LedgerReader(mapped(shop, columns=bare, currency="EUR", users=None, events=None))
    (row,) = reader.ask("SELECT * FROM {ledger} AS l")
    assert (row["currency"], row["updated"], row["updated_at"], row["order_key"]) == ("eur", None, None, None)
    assert reader.ask("SELECT user_id, email, customer FROM {users} AS u") == []
    assert reader.ask("SELECT event_id FROM {events} AS e") == []


@pytest.mark.parametrize(
    ("kind", "written", "currency", "minor"),
    [
        ("numeric(12,2)", "19.99", "USD", 1999),
        ("numeric", "19.990", "usd", 1999),
        ("numeric", "19.999", "usd", None),
        ("numeric", "1999", "jpy", 1999),
        ("numeric", "1.234", "KWD", 1234),
        ("numeric", "-5", "eur", -500),
        ("numeric", "NaN", "eur", None),
        ("numeric", "Infinity", "eur", None),
        ("numeric", "92233720368547758.07", "eur", 9_223_372_036_854_775_807),
        ("numeric", "92233720368547758.08", "eur", None),
        ("float8", "19.99", "eur", 1999),
        ("float8", "NaN", "eur", None),
        ("text", " 19.99 ", "eur", 1999),
        ("text", "19,99", "eur", None),
        ("text", "1e3", "eur", None),
        ("integer", "20", "eur", 2000),
        ("numeric", "20", None, None),
    ],
)
def test_major_amounts_become_minor_units_exactly_or_not_at_all(
    shop: psycopg.Connection, kind: str, written: str, currency: str | None, minor: int | None
) -> None:
    ledger = strange(shop, (7, "pi_7", written, currency, "paid", "2026-01-15 12:00"), kind)
    (row,) = LedgerReader(ledger).ask("SELECT * FROM {ledger} AS l")
    assert row["amount_minor"] == minor
    assert row["amount_raw"].strip() == written.strip()
    assert (row["row_id"], row["status"], row["created"]) == ("7", "paid", AT)


@pytest.fixture(scope="module")
def amounts(cluster: Cluster) -> Iterator[Callable[[str, str], int | None]]:
    """What the reader makes of an amount in major units."""
    names = Columns(id="id", intent_id="pi", user_id="u", amount="a", currency="c", status="s", created_at="t")
    ledger = Ledger(read_dsn=Secret("AMOUNTS_DSN"), database="postgres", columns=names, status={}, table="amounts",
                    amount_unit="major")  # fmt: skip
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as conn, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMOUNTS_DSN", cluster.dsn("postgres"))
        conn.execute("CREATE TABLE amounts (id int, pi text, u text, a numeric, c text, s text, t timestamptz)")
        conn.execute("INSERT INTO amounts VALUES (1)")
        reader = LedgerReader(ledger)

        def read(major: str, currency: str) -> int | None:
            conn.execute("UPDATE amounts SET a = %s::numeric, c = %s", [major, currency])
            return reader.ask("SELECT amount_minor FROM {ledger} AS l")[0]["amount_minor"]

        yield read


@settings(max_examples=60, deadline=None)
@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(["usd", "JPY", "Kwd", "isk"]))
def test_the_database_computes_amounts_as_money_does(
    amounts: Callable[[str, str], int | None], minor: int, currency: str
) -> None:
    places = money.exponent(currency)
    digits = f"{abs(minor):0{places + 1}d}"
    major = ("-" if minor < 0 else "") + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    assert amounts(major, currency) == minor == money.to_minor(major, currency)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("timestamp", "2026-01-15 12:00"),
        ("timestamptz", "2026-01-15 13:00+01"),
        ("bigint", "1768478400"),
        ("bigint", "1768478400000"),
        ("integer", "1768478400"),
    ],
)
def test_times_of_every_kind_become_utc(shop: psycopg.Connection, kind: str, written: str) -> None:
    ledger = strange(shop, (1, "pi", 5, "eur", "open", written), "integer", kind, "minor")
    (row,) = LedgerReader(ledger).ask("SELECT created, created_at, amount_minor FROM {ledger} AS l")
    assert row == {"created": AT, "created_at": 1768478400, "amount_minor": 5}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"table": "transaction"}, "`ledger.table`: schema `public` has no `transaction`; did you mean `Transaction`?"),
        ({"table": "payments"}, "schema `public` has no `payments`; there are: Transaction, User, WebhookEvent."),
        ({"schema": "Public"}, "`ledger.schema`: there is no `Public`; did you mean `public`?"),
        (
            {"columns": columns(intent_id="stripe_payment_intent_id")},
            "`ledger.columns.intent_id`: table `Transaction` has no `stripe_payment_intent_id`; "
            "did you mean `stripePaymentIntentId`?",
        ),
        ({"users": Users(table="Users", id="id", email="email")}, "did you mean `User`?"),
        ({"users": Users(table="User", id="id", email="mail")}, "`ledger.users.email`: table `User` has no `mail`"),
        ({"columns": columns(created_at="status")}, "column `status` is text, which is no time"),
        ({"columns": columns(amount="createdAt")}, "column `createdAt` is timestamptz, which is no amount"),
        ({"columns": columns(currency=""), "amount_unit": "major"}, "no currency says how many decimals"),
        ({"table": "x" * 64}, "longer than the 63 bytes"),
        ({"columns": columns(status="ü" * 32)}, "longer than the 63 bytes"),
        ({"columns": columns(status="stat\0us")}, "`ledger.columns.status`"),
        ({"table": 'Transaction"; DROP TABLE "User'}, 'has no `Transaction"; DROP TABLE "User`'),
        ({"table": "Тransaction"}, "did you mean `Transaction`?"),  # a Cyrillic letter
    ],
)
def test_a_name_that_is_not_there_is_named_with_what_is(
    shop: psycopg.Connection, changes: dict[str, Any], sentence: str
) -> None:
    reader = LedgerReader(mapped(shop, **changes))
    with pytest.raises(BadInput) as refused:
        reader.check_mapping()
    assert sentence in str(refused.value)
    with pytest.raises(BadInput):
        reader.ask("SELECT 1 FROM {ledger} AS l")


def test_a_name_is_not_cut_to_another_tables_name(shop: psycopg.Connection) -> None:
    shop.execute(f'CREATE TABLE "{"t" * 63}" (id int)')
    with pytest.raises(BadInput, match="63 bytes"):
        LedgerReader(mapped(shop, table="t" * 70)).check_mapping()


def test_status_words_that_nobody_mapped(shop: psycopg.Connection) -> None:
    add(shop)
    add(shop, "pi_2", "Settled", ROW[:-1] + "2")
    add(shop, "pi_3", "pending", ROW[:-1] + "3")
    add(shop, "pi_4", "Settled", ROW[:-1] + "4")
    assert LedgerReader(mapped(shop)).unknown_status_words() == [("Settled", 2), ("pending", 1)]


def test_who_we_are_and_what_we_may(shop: psycopg.Connection) -> None:
    reader = LedgerReader(mapped(shop))
    identity = reader.identity()
    assert (identity.database, identity.role, identity.in_recovery) == (shop.info.dbname, "runbook_read", False)
    assert reader.privileges().read_only
    assert reader.privileges().unreadable == {}
    writing = LedgerReader(mapped(shop), Secret("WRITE_DSN")).privileges()
    assert writing.writable == {"Transaction": ("INSERT", "UPDATE", "DELETE")}
    assert writing.may_create_schema
    assert not writing.read_only
    assert LedgerReader(mapped(shop, table="NotThere")).privileges().writable == {}


def test_missing_rights_and_hidden_rows_are_seen(shop: psycopg.Connection) -> None:
    shop.execute('REVOKE SELECT ON "Transaction" FROM runbook_read')
    shop.execute('GRANT SELECT (id, status) ON "Transaction" TO runbook_read')
    shop.execute('ALTER TABLE "User" ENABLE ROW LEVEL SECURITY')
    reader = LedgerReader(mapped(shop))
    told = reader.privileges()
    assert "amount" in told.unreadable["Transaction"]
    assert "status" not in told.unreadable["Transaction"]
    assert told.rows_hidden == ("User",)
    with pytest.raises(CannotLook, match="lacks a right: permission denied for table Transaction"):
        reader.ask("SELECT * FROM {ledger} AS l")


def test_a_reader_cannot_write_and_leaves_no_trace(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with a role that may: the transaction itself is read-only, and nothing is set for the session."""
    add(shop)
    monkeypatch.setenv("READ_DSN", shop.info.dsn + f" password={shop.info.password}")
    reader = LedgerReader(mapped(shop))
    with pytest.raises(Refused, match="read-only"):
        reader.ask("UPDATE {table} SET status = 'COMPLETED' RETURNING 1 AS one")
    before = counters(shop)
    reader.check_mapping()
    reader.unknown_status_words()
    reader.privileges()
    assert len(reader.ask("SELECT * FROM {ledger} AS l")) == 1
    assert counters(shop) == before
    session = reader._session._connection
    assert session is not None
    assert session.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "0"}
    assert session.execute("SHOW default_transaction_read_only").fetchone() == {"default_transaction_read_only": "off"}


def counters(shop: psycopg.Connection) -> list[Any]:
    shop.execute("SELECT pg_stat_force_next_flush()")
    return shop.execute(
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"
    ).fetchall()


def test_a_slow_answer_is_given_up(shop: psycopg.Connection) -> None:
    reader = LedgerReader(mapped(shop, statement_timeout_seconds=1))
    with pytest.raises(CannotLook, match="did not answer within 1 s"):
        reader.ask("SELECT pg_sleep(30)")
    assert reader.ask("SELECT 1 AS one") == [{"one": 1}]


def test_a_connection_that_died_is_opened_again(shop: psycopg.Connection) -> None:
    reader = LedgerReader(mapped(shop))
    (first,) = reader.ask("SELECT pg_backend_pid() AS pid")
    shop.execute("SELECT pg_terminate_backend(%s)", [first["pid"]])
    time.sleep(0.05)
    assert reader.ask("SELECT pg_backend_pid() AS pid") != [first]


def test_a_connection_that_dies_while_asked_cannot_look(shop: psycopg.Connection) -> None:
    reader = LedgerReader(mapped(shop))
    (first,) = reader.ask("SELECT pg_backend_pid() AS pid")
    killer = threading.Timer(0.2, lambda: shop.execute("SELECT pg_terminate_backend(%s)", [first["pid"]]))
    killer.start()
    with pytest.raises(CannotLook, match="was lost"):
        reader.ask("SELECT pg_sleep(1)")
    killer.join()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def told(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, dsn: str, error: Any) -> str:
    """The sentence of a reader with this DSN, after looking for its password in the whole chain of exceptions."""
    monkeypatch.setenv("READ_DSN", dsn)
    with pytest.raises(error) as raised:
        LedgerReader(mapped(shop)).identity()
    chain: list[BaseException] = [raised.value]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    assert "hunter2" not in "".join(map(repr, chain))
    return str(raised.value)


def test_a_wrong_password_is_said_and_not_shown(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    port, name = shop.info.port, shop.info.dbname
    dsn = f"postgresql://runbook_read:hunter2@127.0.0.1:{port}/{name}"
    sentence = f"The ledger at 127.0.0.1:{port} rejects the password of role `runbook_read`. Set `READ_DSN` again."
    assert told(shop, monkeypatch, dsn, BadInput) == sentence


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://u:hunter2 secret@h/d e", "host=h password=hunter2 x", "hunter2", "postgresql://u:hunter2@h:port/d",
     "postgresql://u:hunter2@[::1/d", "postgresql://u:hunter2%ZZ@h/d"],
)  # fmt: skip
def test_a_malformed_dsn_is_never_quoted(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    assert "READ_DSN" in told(shop, monkeypatch, dsn, (BadInput, CannotLook))


def test_other_ways_of_not_getting_in(shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    port = shop.info.port
    assert "has no database `nowhere`" in told(
        shop, monkeypatch, f"postgresql://runbook_read:open%20sesame@127.0.0.1:{port}/nowhere", BadInput
    )
    assert "Correct `READ_DSN`." in told(
        shop, monkeypatch, f"postgresql://runbook_read:open%20sesame@127.0.0.1:{port}/nowhere", BadInput
    )
    assert "rejects the password of role `ghost`. Set `READ_DSN` again." in told(
        shop, monkeypatch, f"postgresql://ghost@127.0.0.1:{port}/{shop.info.dbname}?passfile=/dev/null", BadInput
    )
    assert "refused the connection" in told(
        shop, monkeypatch, f"postgresql://u:hunter2@127.0.0.1:{closed_port()}/d", CannotLook
    )
    assert "cannot be resolved" in told(shop, monkeypatch, "postgresql://u:hunter2@no-such-host.invalid/d", CannotLook)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('FATAL:  role "ghost" does not exist', "has no role `ghost`. Correct `READ_DSN`."),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "ghost", database "shop", no encryption',
         "does not let role `ghost` into database `shop` from here. Correct `READ_DSN`, or have pg_hba.conf allow it."),
        ('FATAL:  role "ghost" is not permitted to log in', "does not let role `ghost` into database `shop` from here"),
        ('FATAL:  Ident authentication failed for user "ghost"', "does not let role `ghost` into database `shop`"),
        ('FATAL:  permission denied for database "shop"', "does not let role `ghost` into database `shop`"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_bad_input(said: str, sentence: str) -> None:
    """Postgres answered and said no (3D000, 28000, 28P01): looking again changes nothing, the variable must."""
    where = session.Address("READ_DSN", "db", "5432", "shop", "ghost")
    problem = session.refusal(psycopg.OperationalError(f"connection failed: {said}"), where, "")
    assert isinstance(problem, BadInput)
    assert sentence in str(problem)


@pytest.mark.parametrize(
    "said", ["FATAL:  the database system is starting up", "FATAL:  sorry, too many clients already", "server closed"]
)
def test_a_database_in_trouble_is_not_the_variables_fault(said: str) -> None:
    where = session.Address("READ_DSN", "db", "5432", "shop", "ghost")
    assert isinstance(session.refusal(psycopg.OperationalError(f"connection failed: {said}"), where, ""), CannotLook)


def test_a_port_that_never_answers_is_given_up(
    shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    monkeypatch.setattr("runbook.wires.ledger.session.CONNECT_SECONDS", 2)
    dsn = f"postgresql://u:hunter2@127.0.0.1:{silent_port}/d"
    assert "gave no answer within 2 s" in told(shop, monkeypatch, dsn, CannotLook)
