"""Fingerprints of secrets: two places can be compared by them, and nothing can be learnt from them elsewhere.

An HMAC with a key of the incident: the same value has the same fingerprint in one incident and another in the next, so
no list of fingerprints of known keys is of any use against it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from runbook.errors import CannotLook

FILE = "fingerprint.key"
DIGITS = 8
# Where the clock stands still, outputs are compared word for word; the keys there are made up as well.
FIXED = b"the practice world's fixture"


def key_of(directory: Path, fixed: bool) -> bytes:
    """The incident's key, made when it is first needed. Raises CannotLook where it can be neither read nor made."""
    if fixed:
        return FIXED
    path = directory / FILE
    try:
        if not path.exists():
            make(path)
        return path.read_bytes()
    except OSError as error:
        raise CannotLook(
            f"`{FILE}` of {directory.name} cannot be used: {error.strerror}. It belongs to whoever opened the "
            "incident; go on from that login, or open a new one."
        ) from None


def make(path: Path) -> None:
    """Written beside and then linked, so that two who begin at once share one, and nobody reads half of it."""
    draft = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(secrets.token_bytes(32))
    with contextlib.suppress(FileExistsError):  # another process was first, and its key is the incident's
        os.link(draft, path)
    draft.unlink()


def fingerprint(key: bytes, value: str) -> str:
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:DIGITS]
