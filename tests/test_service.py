"""The practice payments service: a real process on a real Postgres, spoken to as Stripe and a browser would."""

import hashlib
import hmac
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from practice.wires.ledger import Cluster
from practice.wires.messages import MailSink
from practice.wires.service import mail, says
from practice.wires.service.app import Log
from practice.wires.service.provision import Shop, provision
from practice.wires.service.records import FORMATS, Record
from practice.wires.service.settings import Settings, SettingsError

SECRET = "whsec_" + "practice" * 4
ADMIN = "admin-of-this-test"


@dataclass
class Running:
    """The service as its neighbours see it."""

    shop: Shop
    environment: dict[str, str]
    mails: MailSink
    lines: Path
    process: subprocess.Popen[str] | None = None
    http: httpx.Client = field(init=False)

    def start(self) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.environment['PORT']}", timeout=10)
        with self.lines.open("a") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "practice.wires.service"], env=self.environment,
                                            stdin=subprocess.PIPE, stdout=log, stderr=log, text=True)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.http.get("/api/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.03)
        raise TimeoutError("the service did not answer its health check")

    def stop(self) -> None:
        if self.process and self.process.stdin:
            self.process.stdin.close()
            self.process.terminate()
            self.process.wait()
        self.http.close()

    def order(self, directory: Path, **order: Any) -> None:
        """One line on the private channel, and wait until it took effect."""
        assert self.process
        assert self.process.stdin
        ack = directory / f"ack-{uuid.uuid4()}"
        self.process.stdin.write(json.dumps(order | {"ack": str(ack)}) + "\n")
        self.process.stdin.flush()
        until(ack.exists)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.read_text().splitlines()]

    def row(self, intent: str) -> tuple[Any, ...] | None:
        with psycopg.connect(self.shop.read_dsn) as conn:
            query = """SELECT "status", "failureReason", "confirmationSentAt" IS NOT NULL FROM "Transaction"
                       WHERE "stripePaymentIntentId" = %s"""
            return conn.execute(query, (intent,)).fetchone()

    def deliver(self, event: dict[str, Any], secret: str = SECRET, age_seconds: int = 0) -> int | None:
        """The status Stripe would see; None when the connection broke."""
        body, at = json.dumps(event).encode(), int(time.time()) - age_seconds
        signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={at},v1={signature}"}
        try:
            return self.http.post("/api/webhooks/stripe", content=body, headers=headers).status_code
        except httpx.TransportError:
            return None


def until(holds: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("service")
    mails = MailSink()
    host, port = mails.start()
    with Cluster.start(directory / "ledger") as cluster, socket.create_server(("127.0.0.1", 0)) as free:
        shop = provision(cluster)
        environment = os.environ | {
            "PORT": str(free.getsockname()[1]), "DATABASE_URL": shop.owner_dsn, "STRIPE_SECRET_KEY": "none",
            "STRIPE_PUBLISHABLE_KEY": "none", "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": "http://127.0.0.1:9", "SMTP_URL": f"smtp://{host}:{port}", "LOG_FORMAT": "json",
            "ADMIN_TOKEN": ADMIN,
        }
        free.close()
        running = Running(shop, environment, mails, directory / "service.log")
        running.start()
        yield running
        running.stop()
    mails.stop()


@pytest.fixture
def pending(service: Running) -> str:
    """The intent of a payment that waits for Stripe's word."""
    intent = f"pi_{uuid.uuid4().hex}"
    with psycopg.connect(service.shop.owner_dsn) as conn:
        conn.execute("""INSERT INTO "User" VALUES ('usr_one', 'one@customers.example', 'One', 'cus_one',
                        '2026-01-01T00:00:00Z') ON CONFLICT DO NOTHING""")
        conn.execute("""INSERT INTO "Transaction" VALUES (%s, 'usr_one', %s, 4990, 'eur', 'PENDING', %s, NULL, NULL,
                        now(), now())""", (uuid.uuid4(), intent, f"ORD-{intent[-6:]}"))
    return intent


def event_about(intent: str, kind: str = "payment_intent.succeeded", **changes: Any) -> dict[str, Any]:
    metadata = {"userId": "usr_one", "orderId": "ORD-X", "transactionId": str(uuid.uuid4())}
    subject = {"id": intent, "object": "payment_intent", "amount": 4990, "currency": "eur", "metadata": metadata}
    return {"id": f"evt_{uuid.uuid4().hex}", "type": kind, "data": {"object": subject | changes}}


def about_charge(intent: str, kind: str, **changes: Any) -> dict[str, Any]:
    return event_about(f"ch_{uuid.uuid4().hex}", kind, payment_intent=intent, **changes)


def test_a_paid_intent_completes_its_row_and_sends_one_mail(service: Running, pending: str) -> None:
    assert service.deliver(event_about(pending)) == 200
    assert service.row(pending) == ("COMPLETED", None, True)
    mine = [mail for mail in service.mails.messages if mail.message["X-Payment"] == pending]
    assert [mail.recipients for mail in mine] == [("one@customers.example",)]
    assert "49.90 EUR" in mine[0].text


def test_the_same_event_twice_is_recorded_once(service: Running, pending: str) -> None:
    event = event_about(pending)
    assert (service.deliver(event), service.deliver(event)) == (200, 200)
    assert sum(mail.message["X-Payment"] == pending for mail in service.mails.messages) == 1
    assert any(line["msg"] == f"webhook {event['id']} is a duplicate, skipped" for line in service.log())


def test_a_missing_row_is_made_from_the_intent(service: Running, pending: str) -> None:
    stranger = f"pi_{uuid.uuid4().hex}"
    assert service.deliver(event_about(stranger)) == 200
    assert service.row(stranger) == ("COMPLETED", None, True)


def test_an_intent_of_somebody_else_is_acknowledged_and_left_alone(service: Running) -> None:
    assert service.deliver(event_about("pi_of_another_app", metadata={})) == 200
    assert service.row("pi_of_another_app") is None


def test_a_decline_is_the_customers_and_says_why(service: Running, pending: str) -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    assert service.deliver(event_about(pending, "payment_intent.payment_failed", last_payment_error=error)) == 200
    assert service.row(pending) == ("FAILED", "insufficient_funds", False)
    said = next(line for line in service.log() if line["msg"].startswith(f"payment {pending} failed"))
    assert (said["level"], said["code"], said["decline_code"]) == ("warn", "card_declined", "insufficient_funds")


def test_a_late_success_never_resurrects_a_refund(service: Running, pending: str) -> None:
    assert service.deliver(about_charge(pending, "charge.refunded", refunded=True)) == 200
    assert service.deliver(event_about(pending)) == 200
    assert service.row(pending) == ("REFUNDED", None, False)


@pytest.mark.parametrize(("kind", "changes", "status"), [
    ("charge.refunded", {"refunded": False}, "COMPLETED"),
    ("charge.refunded", {"refunded": True}, "REFUNDED"),
    ("charge.dispute.created", {}, "DISPUTED"),
])
def test_what_befalls_a_charge_later(service: Running, pending: str, kind: str, changes: dict[str, Any],
                                     status: str) -> None:
    service.deliver(event_about(pending))
    assert service.deliver(about_charge(pending, kind, **changes)) == 200
    assert service.row(pending) == (status, None, True)


@pytest.mark.parametrize(("signed_with", "age_seconds"), [("whsec_of_somebody_else", 0), (SECRET, 900)])
def test_what_stripe_did_not_sign_now_is_refused(service: Running, pending: str, signed_with: str,
                                                 age_seconds: int) -> None:
    assert service.deliver(event_about(pending), signed_with, age_seconds) == 400
    assert service.row(pending) == ("PENDING", None, False)
    assert any(line["msg"].startswith("Webhook signature verification failed: ") for line in service.log())


def test_an_unsigned_body_is_refused(service: Running) -> None:
    assert service.http.post("/api/webhooks/stripe", content=b"\xff\xfe{}").status_code == 400


def test_a_crash_between_claim_and_commit_loses_the_payment_for_ever(service: Running, pending: str,
                                                                     tmp_path: Path) -> None:
    event = event_about(pending)
    service.order(tmp_path, release="crash_before_commit")
    assert service.deliver(event) is None
    service.stop()
    service.start()
    assert service.deliver(event) == 200
    assert service.row(pending) == ("PENDING", None, False)


def test_a_stopped_clock_stops_every_time_the_service_writes(service: Running, pending: str, tmp_path: Path) -> None:
    service.stop()
    service.start()
    service.order(tmp_path, clock=1768478400.0, seed=7)
    service.deliver(event_about(pending))
    service.order(tmp_path, clock=None)
    written = service.log()[-4:]
    assert {line["ts"] for line in written} == {"2026-01-15T12:00:00.000Z"}
    assert written[-1]["msg"] == "POST /api/webhooks/stripe 200 0ms"


@pytest.mark.parametrize(("body", "status", "sentence"), [
    ({"userId": "usr_one", "amount": 0, "currency": "eur"}, 400, "amount must be a positive number of minor units"),
    ({"userId": "usr_one", "amount": True, "currency": "eur"}, 400, "amount must be a positive number of minor units"),
    ({"userId": "usr_one", "amount": 5, "currency": "EUR"}, 400, "currency must be one of eur, gbp, jpy, usd"),
    ({"userId": "nobody", "amount": 5, "currency": "eur"}, 404, "no user nobody"),
    ([], 400, "the body must be a JSON object"),
])
def test_a_bad_checkout_is_refused_in_one_sentence(service: Running, pending: str, body: Any, status: int,
                                                   sentence: str) -> None:
    answer = service.http.post("/api/payments/create-intent", json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})


def test_a_silent_stripe_is_logged_with_stripes_own_word_for_it(service: Running, pending: str) -> None:
    answer = service.http.post("/api/payments/create-intent",
                               json={"userId": "usr_one", "amount": 500, "currency": "eur"})
    assert answer.status_code == 502
    said = [line for line in service.log() if line["logger"] == "StripeClient"][-1]
    assert (said["level"], said["status"], said["type"]) == ("error", 0, "api_connection_error")


def test_health_tells_strangers_little(service: Running) -> None:
    assert service.http.get("/api/health").json() == {"status": "ok"}
    full = service.http.get("/api/health", headers={"Authorization": f"Bearer {ADMIN}"}).json()
    assert (full["version"], full["database"]) == ("2026.11.3", "up")


def test_no_log_line_holds_an_address_or_a_secret(service: Running) -> None:
    text = service.lines.read_text()
    assert "customers.example" not in text
    assert SECRET not in text
    assert service.shop.owner_dsn not in text


def test_roles_may_do_what_they_are_for_and_no_more(service: Running) -> None:
    with psycopg.connect(service.shop.read_dsn) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("""UPDATE "Transaction" SET "status" = 'COMPLETED'""")
    with psycopg.connect(service.shop.write_dsn) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("""DELETE FROM "User\"""")
    with psycopg.connect(service.shop.write_dsn) as conn:
        conn.execute("CREATE SCHEMA runbook")
        conn.execute("""UPDATE "Transaction" SET "status" = 'COMPLETED'""")
        conn.rollback()


RECORD = says.webhook_failed(1768478400.25, "evt_1", "pi_1", "duplicate key", "23505",
                             "Unique [23505]: duplicate\n  at x")


@pytest.mark.parametrize(("log_format", "text"), [
    ("json", '{"ts":"2026-01-15T12:00:00.250Z","level":"error","logger":"WebhookController",'
             '"msg":"webhook evt_1 failed: duplicate key","event":"evt_1","intent":"pi_1","code":"23505",'
             '"stack":"Unique [23505]: duplicate\\n  at x"}'),
    ("nestjs", "\x1b[31m[Nest] 7  - \x1b[39m01/15/2026, 12:00:00 PM \x1b[31m  ERROR\x1b[39m \x1b[38;5;3m"
               "[WebhookController] \x1b[39m\x1b[31mwebhook evt_1 failed: duplicate key\x1b[39m\n"
               "Unique [23505]: duplicate\n  at x"),
    ("logfmt", 'ts=2026-01-15T12:00:00.250Z level=error logger=WebhookController '
               'msg="webhook evt_1 failed: duplicate key" event=evt_1 intent=pi_1 code=23505 '
               'stack="Unique [23505]: duplicate\\n  at x"'),
])
def test_each_log_format(log_format: str, text: str) -> None:
    assert FORMATS[log_format](RECORD) == text


def test_errors_go_to_the_other_stream() -> None:
    streams = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    log = Log("logfmt", streams)
    log(Record(0.0, "warn", "HTTP", "not found"))
    log(RECORD)
    assert streams["stdout"].getvalue().startswith("ts=1970-01-01T00:00:00.000Z level=warn")
    assert "level=error" in streams["stderr"].getvalue()


def test_yen_have_no_minor_unit() -> None:
    assert (mail.in_words(4980, "jpy"), mail.in_words(4990, "eur"), mail.in_words(5, "usd")) == (
        "4980 JPY", "49.90 EUR", "0.05 USD")


def test_a_service_without_its_environment_names_what_is_missing() -> None:
    with pytest.raises(SettingsError, match=re.escape("The service needs DATABASE_URL, STRIPE_SECRET_KEY")):
        Settings.from_environment({"PORT": "1"})
