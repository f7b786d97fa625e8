"""The confirmation mail."""

import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

from practice.wires.service.ledger import Payment

# Currencies without minor units, of those this shop sells in.
ZERO_DECIMAL = frozenset({"jpy", "krw"})
SENDER = "orders@shop.example"


def in_words(amount: int, currency: str) -> str:
    """Minor units to what a customer reads: 4990 eur is `49.90 EUR`, 4990 jpy is `4990 JPY`."""
    if currency in ZERO_DECIMAL:
        return f"{amount} {currency.upper()}"
    return f"{amount // 100}.{amount % 100:02d} {currency.upper()}"


def confirmation(payment: Payment, address: str, name: str | None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = SENDER, address
    message["Subject"] = f"Your payment for order {payment.order or payment.id} is confirmed"
    message["Message-ID"] = f"<{payment.intent}.{payment.id}@shop.example>"
    message["X-Payment"] = payment.intent
    message.set_content(
        f"Hello {name or 'there'},\n\nwe received {in_words(payment.amount, payment.currency)} "
        f"for order {payment.order or payment.id}.\n\nThank you.\n"
    )
    return message


def send(smtp_url: str, message: EmailMessage) -> None:
    """Raises OSError or smtplib.SMTPException when the mail was not accepted."""
    server = urlsplit(smtp_url)
    with smtplib.SMTP(server.hostname or "127.0.0.1", server.port or 25, timeout=5) as smtp:
        smtp.send_message(message)
