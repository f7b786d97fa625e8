"""`./runbook payment`: whatever a customer can name leads to the payment, from both sides, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from practice.faults.fault import Affected
from practice.traffic.history import Laid
from practice.wires.service.provision import DATABASE
from practice.world import World
from runbook.__main__ import main
from untouched import closed_port, files, sentence

Ask = Callable[[str], tuple[int, str]]
NARROW = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world whose database lost payments in all four ways."""
    with World.open(tmp_path_factory.mktemp("world"), payments=300, users=60, live=False) as opened:
        opened.inject("database_rollback", "mixed", seed=11, live=False)
        with opened.held():
            yield opened


@pytest.fixture(autouse=True)
def at_the_world(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNBOOK_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setenv("COLUMNS", str(NARROW))


def rows(world: World) -> list[str]:
    """Every row with the transaction that wrote it. (The counters of rows lag behind in a world with a service.)"""
    query = "SELECT md5(string_agg(t::text || xmin::text, ' ' ORDER BY t::text)) FROM \"{}\" AS t"
    with psycopg.connect(world.cluster.dsn(DATABASE)) as database:
        return [database.execute(query.format(table)).fetchone()[0]  # type: ignore[arg-type, index]
                for table in ("Transaction", "User", "WebhookEvent")]  # fmt: skip


@pytest.fixture
def ask(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Exit code and page of one question, after looking that it wrote nothing and fits the screen."""

    def asked(word: str) -> tuple[int, str]:
        before = rows(world), files(tmp_path / "outputs")
        code = main(["payment", word, "--target", "practice"])
        page = capsys.readouterr().out
        assert (rows(world), files(tmp_path / "outputs")) == before
        long = [line for line in page.splitlines() if len(line) > NARROW and "by hand:" not in line]
        assert long == []
        assert "Nothing was written." in " ".join(page.split())
        return code, " ".join(page.split())

    return asked


def laid(world: World, outcome: str, where: Callable[[Laid], bool] = lambda each: True) -> Laid:
    return next(each for each in world.history.laid if each.purchase.outcome == outcome and where(each))


def lost(world: World, variant: str) -> Affected:
    assert world.truth
    return next(one for one in world.truth.affected if one.variant == variant)


def full_refund(each: Laid) -> bool:
    return bool(each.purchase.refunded_after) and each.purchase.refund_amount == each.purchase.amount


def test_a_payment_that_is_well(world: World, ask: Ask) -> None:
    well = laid(world, "paid", lambda each: not (each.purchase.refunded_after or each.purchase.disputed_after))
    code, page = ask(well.intent)
    assert code == 0
    assert page.startswith(f"[ok] {well.intent}: paid and recorded Stripe took ")
    for moment in ("begun", "created", "taken (ch_", "payment_intent.succeeded: delivered, handled", "row is COMPLETED",
                   "confirmation mail sent"):  # fmt: skip
        assert moment in page


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("declined", "declined The customer's bank declined it"), ("abandoned", "not tried"), ("canceled", "canceled"),
        ("needs_action", "waits for the customer"), ("held", "authorized"), ("processing", "in progress"),
    ],
)  # fmt: skip
def test_a_payment_for_which_no_money_was_taken(world: World, ask: Ask, outcome: str, verdict: str) -> None:
    code, page = ask(laid(world, outcome).intent)
    assert (code, verdict in page) == (0, True), page
    assert "no money was taken" in page or outcome == "processing"


def test_refunds_and_disputes(world: World, ask: Ask) -> None:
    code, page = ask(laid(world, "paid", full_refund).intent)
    assert (code, "all of it was refunded" in page, "no ARN yet" in page) == (0, True, True)
    assert "charge.refunded: delivered, handled" in page
    code, page = ask(laid(world, "paid", lambda each: bool(each.purchase.disputed_after)).intent)
    assert (code, "disputed Stripe took" in page, "row is DISPUTED" in page) == (0, True, True)


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("unique_violation", "not delivered yet, not handled"), ("connection_timeout", "delivered, not handled"),
        ("crash_before_commit", "delivered, handled"), ("foreign_key_violation", "the ledger has no row for it"),
    ],
)  # fmt: skip
def test_a_payment_that_the_ledger_lost_leads_to_scenario_c(world: World, ask: Ask, variant: str, told: str) -> None:
    code, page = ask(lost(world, variant).intent)
    assert code == 1
    assert "paid, not recorded" in page
    assert told in page
    assert "notebooks/12_scenario_c_database_rollback.ipynb" in page


def names(world: World, one: Affected) -> dict[str, str]:
    """Everything by which a customer or a colleague might name a payment."""
    live = world.gateway.engine.mode("live")
    intent = live.find("payment_intent", one.intent)
    return {
        "charge": intent["latest_charge"], "event": one.event, "order": one.order.lower(), "row": one.transaction,
        "user": one.user_id, "customer": intent["customer"], "client secret": intent["client_secret"],
        "address": live.find("customer", intent["customer"])["email"].upper(), "spaces": f"  {one.intent} ",
    }  # fmt: skip


@pytest.mark.parametrize("variant", ["unique_violation", "foreign_key_violation"])
def test_every_name_of_a_payment_leads_to_it(world: World, ask: Ask, variant: str) -> None:
    """Also where the ledger has lost the row, and with it the user."""
    one = lost(world, variant)
    for name, word in names(world, one).items():
        code, page = ask(word)
        assert (code, f"{one.intent}: paid, not recorded" in page) == (1, True), (name, page)
        assert "@customers" not in page or "…@customers" in page, "an address is masked"


def set_order(world: World, one: Laid, order: str) -> None:
    with psycopg.connect(world.cluster.dsn(DATABASE), autocommit=True) as database:
        database.execute('UPDATE "Transaction" SET "orderId" = %s WHERE "stripePaymentIntentId" = %s',
                         (order, one.intent))  # fmt: skip


def test_an_order_that_was_paid_twice(world: World, ask: Ask) -> None:
    first = laid(world, "paid", lambda each: not (each.purchase.refunded_after or each.purchase.disputed_after))
    others = (each for each in world.history.laid if each.purchase.outcome == "paid" and each is not first)
    second = next(each for each in others if each.purchase.currency == first.purchase.currency
                  and not (each.purchase.refunded_after or each.purchase.disputed_after))  # fmt: skip
    set_order(world, second, first.purchase.order)
    try:
        code, page = ask(second.intent)
    finally:
        set_order(world, second, second.purchase.order)
    assert code == 1
    for one, other in ((first, second), (second, first)):
        assert f"{one.intent}: paid twice" in page
        assert f"was paid again with {other.intent}" in page
    assert "2 payments were found" in page


def test_nothing_is_found_and_it_is_said_where_it_was_looked_for(ask: Ask) -> None:
    for word in ("pi_nope", "cus_nope", "evt_nope", "ORD-NOPE", "nobody@nowhere.example", "../../v1/account"):
        code, page = ask(word)
        assert code == 2
        assert "[??] Nothing was found." in page
        assert "Looked at" in page
    assert "of the last 24 hours by metadata and receipt address (0)" in page


def test_with_one_side_away_it_says_which_and_what_is_certain_nevertheless(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, declined = lost(world, "unique_violation"), laid(world, "declined")
    with monkeypatch.context() as away:
        away.setenv("PRACTICE_LEDGER_READ_DSN", f"postgresql://u:hunter2@127.0.0.1:{closed_port()}/shop")
        code, page = ask(missing.intent)
        assert (code, "nobody can say whether it is recorded" in page) == (2, True)
        assert "Could not be read: The ledger at 127.0.0.1" in page
        code, page = ask(declined.intent)
        assert (code, "no money was taken" in page) == (2, True)
        code, page = ask(missing.order)
        assert (code, f"{missing.intent}: cannot tell" in page) == (2, True), "by the payment's own metadata"
    monkeypatch.setenv("PRACTICE_GATEWAY_URL", f"http://127.0.0.1:{closed_port()}")
    for word in (missing.intent, missing.order):
        code, page = ask(word)
        assert code == 2
        assert "nobody can say whether money was taken; the ledger says PENDING" in page
    code, page = ask("ch_unknown")
    assert (code, "Nothing was found." in page) == (2, True)


def test_what_cannot_be_right_is_refused_in_one_sentence(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*words: str) -> tuple[int, str]:
        try:
            code = main(["payment", *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        assert said.out == ""
        return code, sentence(said.err)

    for word in ("", "  ", "x" * 300, "a@b c", "pi_1\x00"):
        assert refused(word, "--target", "practice")[0] == 64
    assert "required: --target" in refused("pi_1")[1]
    assert "required: id_or_email" in refused("--target", "practice")[1]
    monkeypatch.setenv("PRACTICE_LEDGER_READ_DSN", f"postgresql://u:p@127.0.0.1:{closed_port()}/shop")
    monkeypatch.setenv("PRACTICE_GATEWAY_URL", f"http://127.0.0.1:{closed_port()}")
    assert refused("pi_1", "--target", "practice")[0] == 2
    assert not (tmp_path / "outputs").exists()
