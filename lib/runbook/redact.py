"""What must not be shown: secrets, addresses, card numbers. Everything else of a text survives, since it is evidence."""

from __future__ import annotations

import re

PATTERNS = (
    (re.compile(r"\b((?:sk|rk|pk)_(?:live|test)_|whsec_)[A-Za-z0-9_]+"), r"\1…"),
    (re.compile(r"(\w+://[^:/\s]+:)[^@\s]+@"), r"\1…@"),
    (re.compile(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,})"), r"…@\1"),
    (re.compile(r"\b(?:\d[ -]?){13,19}\b"), "…card number…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 …"),
)
# What a terminal or a browser would act upon instead of showing: escapes, controls, direction and zero-width marks.
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def redact(text: str) -> str:
    """`text` without secrets and without characters that act."""
    text = CONTROLS.sub("", text)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask(address: str) -> str:
    """`jane.doe@example.com` → `j…@example.com`."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else "…"
