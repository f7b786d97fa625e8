"""What must not be shown: secrets, addresses, card numbers. The rest of a text survives, since it is evidence."""

from __future__ import annotations

import re

# Stripe's keys and signing secrets, also as its own error messages mask them: the last four characters are a piece.
STRIPE_KEY = re.compile(r"(?<![A-Za-z0-9])((?:sk|rk|pk|ek)_(?:live|test|org)_|whsec_)[A-Za-z0-9_*+/=\ue000-]+")
# The client secret of a payment intent lets a browser confirm it; the intent's own id before it stays.
CLIENT_SECRET = re.compile(r"\b([a-z]{2,8}_[A-Za-z0-9]{8,}_secret_)[A-Za-z0-9\ue000]+")
# `scheme://user:password@host`. A port is told from a password by what follows it; a password may hold an @ itself.
URL_PASSWORD = re.compile(r"(\w://[^:/\s@]*:)(?!\d+(?:[/?#\s]|$))[^\s\"'<>`]*@")
NAMED_PASSWORD = re.compile(
    r"(?i)((?:password|passwd|pwd|passphrase)=|\"(?:password|passwd|pwd|secret)\"\s*:\s*(?=\"))"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s&\"',;]+)"
)
CHAT_HOOK = re.compile(r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)[A-Za-z0-9_/-]+")
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[\d=])[A-Za-z0-9._~+/=-]{8,}")
SECRETS = (STRIPE_KEY, CLIENT_SECRET, URL_PASSWORD, NAMED_PASSWORD, CHAT_HOOK, BEARER)

MAIL = re.compile(r"(?<![\w.%+'-])[\w.%+'\ue000-]+@((?:[\w-]+\.)+[^\W\d_]{2,})")
# Digits in one run, or in the groups that are printed on a card. Ids, amounts and times are longer, shorter or grouped
# otherwise, or fail the tests below.
DIGITS = re.compile(
    r"(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)"
)
# First digits and lengths of the card networks. None begins with 1, as every epoch in milliseconds or finer does.
CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12,17}|35\d{14,17}|6\d{15,18}"
)
# What a terminal or a browser would act upon instead of showing: escapes, controls, direction and zero-width marks.
CONTROLS = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]|"
    r"[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000\ufeff\U000e0000-\U000e007f]"
)
MARK = "\ue000"  # of Unicode's private use: no text means anything by it
LINE_ENDS = re.compile(r"\s*[\t\n]\s*")


def redact(text: str) -> str:
    """`text` without secrets and without characters that act.

    Those characters may stand in the midst of a secret, or be all that parts it from the word before: so secrets are
    hidden once while a mark holds their places, and once more when they are gone.
    """
    return hidden(hidden(CONTROLS.sub(MARK, text)).replace(MARK, ""))


def hidden(text: str) -> str:
    for pattern in SECRETS:
        text = pattern.sub(r"\1…@" if pattern is URL_PASSWORD else r"\1 …" if pattern is BEARER else r"\1…", text)
    return hide_cards(MAIL.sub(r"…@\1", text))


def one_line(text: str) -> str:
    """`text` redacted, and on one line."""
    return LINE_ENDS.sub(" ", redact(text)).strip()


def hide_cards(text: str) -> str:
    """Card numbers replaced. After a run of digits that is none, the next digit group is looked at, not skipped."""
    start = 0
    while found := DIGITS.search(text, start):
        if is_card(found[0]):
            text = f"{text[: found.start()]}…card number…{text[found.end() :]}"
        start = found.start() + 1
    return text


def is_card(digits: str) -> bool:
    """A card network's first digits and length, and Luhn's check digit."""
    plain = re.sub("[ -]", "", digits)
    doubled = [sum(divmod(int(digit) * 2, 10)) for digit in plain[-2::-2]]
    return bool(CARD.fullmatch(plain)) and (sum(doubled) + sum(map(int, plain[-1::-2]))) % 10 == 0


def mask(address: str) -> str:
    """`jane.doe@example.com` → `j…@example.com`."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else "…"
