"""What the journal says was sent. Sending cannot be undone or asked about, so each thing is claimed before it is sent:

| entry     | meaning                                                                                 |
|-----------|-----------------------------------------------------------------------------------------|
| `sending` | somebody is about to send this; the first such entry owns it, whoever else was as fast    |
| `sent`    | the other side took it                                                                    |
| `unsent`  | it surely was not sent, so that it may be tried again                                     |

A claim that was neither sent nor given back died in between: it may have been sent, and is never sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runbook.journal import Entry

KINDS = ("sending", "sent", "unsent")


@dataclass(frozen=True)
class Claim:
    """Who owns a thing to be sent: the number of the entry that claimed it, and whether it was sent."""

    seq: int
    is_sent: bool


def claims(entries: Iterable[Entry]) -> dict[str, Claim]:
    """Each thing that was claimed and not given back. A thing is named by what it tells about what."""
    found: dict[str, Claim] = {}
    for entry in entries:
        for thing in entry.body["about"] if entry.kind in KINDS else ():
            claim = found.get(thing)
            if entry.kind == "sending":
                found.setdefault(thing, Claim(entry.seq, False))
            elif claim and claim.seq == entry.body["claim"]:
                if entry.kind == "sent":
                    found[thing] = Claim(claim.seq, True)
                else:
                    del found[thing]
    return found


def claimed(entries: Iterable[Entry]) -> frozenset[str]:
    return frozenset(claims(entries))
