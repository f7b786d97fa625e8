"""What became of something that was sent. Between "sent" and "not sent" lies what nobody can know from here."""

from __future__ import annotations

from dataclasses import dataclass

SENT, NOT_SENT, UNCLEAR = "sent", "not sent", "unclear"


@dataclass(frozen=True)
class Sending:
    """`state` is `sent` when the other side took it, `not sent` when it surely did not, and `unclear` when the
    connection ended in between: then only looking on the other side can tell."""

    state: str
    detail: str = ""
