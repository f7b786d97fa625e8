"""The sinks keep what a program sends them over the wire, and answer as the real services do."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest
from practice.wires.messages import ChatSink, MailSink


@pytest.fixture
def mail() -> Iterator[tuple[MailSink, smtplib.SMTP]]:
    sink = MailSink()
    with smtplib.SMTP(*sink.start()) as client:
        yield sink, client
    sink.stop()


@pytest.fixture
def chat() -> Iterator[tuple[ChatSink, str]]:
    sink = ChatSink()
    yield sink, sink.start()
    sink.stop()


def test_a_mail_is_kept_with_its_envelope_and_text(mail: tuple[MailSink, smtplib.SMTP]) -> None:
    sink, client = mail
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", "zoë@example.com", "Thänk you"
    message.set_content("We received 49,99 €.\n")
    client.send_message(message, to_addrs=["a@example.com", "b@example.com"], from_addr="bounce@example.com")
    (kept,) = sink.messages
    assert (kept.sender, kept.recipients) == ("bounce@example.com", ("a@example.com", "b@example.com"))
    assert (kept.subject, kept.text) == ("Thänk you", "We received 49,99 €.\n")


def test_a_mail_of_several_parts_shows_its_plain_text(mail: tuple[MailSink, smtplib.SMTP]) -> None:
    sink, client = mail
    message = EmailMessage()
    message["Subject"] = "Receipt"
    message.set_content("plain\n")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="receipt.pdf")
    client.send_message(message, "shop@example.com", ["a@example.com"])
    assert sink.messages[0].text == "plain\n"
    assert [part.get_filename() for part in sink.messages[0].message.iter_attachments()] == ["receipt.pdf"]


def test_mails_keep_their_order_and_survive_the_stop(mail: tuple[MailSink, smtplib.SMTP]) -> None:
    sink, client = mail
    for number in range(5):
        client.sendmail("shop@example.com", ["a@example.com"], f"Subject: {number}\r\n\r\nhello")
    sink.stop()
    assert [kept.subject for kept in sink.messages] == ["0", "1", "2", "3", "4"]


def test_a_stopped_sink_refuses_connections() -> None:
    sink = MailSink()
    host, port = sink.start()
    sink.stop()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(host, port)


def test_a_post_is_kept_and_answered_ok(chat: tuple[ChatSink, str]) -> None:
    sink, url = chat
    answer = httpx.post(url, json={"text": "payments are stuck", "blocks": [{"type": "divider"}]})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert sink.messages[0].text == "payments are stuck"
    assert sink.messages[0].body["blocks"] == [{"type": "divider"}]


def test_a_form_post_is_kept_too(chat: tuple[ChatSink, str]) -> None:
    sink, url = chat
    assert httpx.post(url, data={"payload": '{"text": "hello"}'}).text == "ok"
    assert sink.messages[0].text == "hello"


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"not json", "invalid_payload"), (b"[1]", "invalid_payload"), (b"\xff\xfe", "invalid_payload"),
     (b'{"text": 7}', "invalid_payload"), (b"{}", "no_text"), (b'{"text": ""}', "no_text")],
)  # fmt: skip
def test_a_bad_post_is_refused_and_not_kept(chat: tuple[ChatSink, str], content: bytes, error: str) -> None:
    sink, url = chat
    answer = httpx.post(url, content=content)
    assert (answer.status_code, answer.text) == (400, error)
    assert sink.messages == []


def test_the_path_is_the_credential(chat: tuple[ChatSink, str]) -> None:
    sink, url = chat
    root = url.removesuffix(sink.path)
    wrong = httpx.post(url[:-1] + ("A" if url[-1] != "A" else "B"), json={"text": "x"})
    assert (wrong.status_code, wrong.text) == (403, "invalid_token")
    assert httpx.post(root + "/elsewhere", json={"text": "x"}).status_code == 404
    assert httpx.get(url).status_code == 405
    assert sink.messages == []
    assert ChatSink().path != sink.path
