"""No tracked file holds what looks like a key, a webhook secret or a password in an address."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Practice keys come from a seed when a world opens, so a literal one is always a mistake, an invented one too: the
# hosting service's own scanner would stop the push. Spelt in pieces, so that this file passes its own test.
KINDS = {
    "a Stripe key": r"\b[srp]k_" + r"(live|test)_[0-9A-Za-z]{8,}",
    "a webhook secret": r"\bwhsec" + r"_[0-9A-Za-z+/=]{8,}",
    "a client secret": r"\bpi_\w{8,}_secret" + r"_[0-9A-Za-z]{8,}",
    "a private key": r"-----BEGIN " + r"[A-Z ]*PRIVATE KEY-----",
    "a password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"{}<>]+:([^\s@/'\"{}<>]+)@(\[?[^\s:/'\"\]]+)",
}
PLACEHOLDERS = {"password", "PASSWORD", "…", "***"}
# Where tests of addresses lead: nowhere, or to this machine.
NOWHERE = re.compile(r"^(127\.0\.0\.1|\[.*|[^.]+|.*\.(example|invalid|test|localhost))$")


def looks_like(what: str, text: str, in_a_test: bool = False) -> list[str]:
    hits = list(re.finditer(KINDS[what], text))
    if what == "a password in an address":
        hits = [hit for hit in hits if hit[1] not in PLACEHOLDERS and not (in_a_test and NOWHERE.match(hit[2]))]
    return [hit[0] for hit in hits]


@pytest.mark.parametrize("what", KINDS)
def test_no_tracked_file_holds(what: str, tracked_files: list[Path]):
    found = [
        # Never the whole of it: the report of a failed test is read by many.
        f"{file.relative_to(ROOT)}:{number}: {hit[:10]}…"
        for file in tracked_files
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for hit in looks_like(what, line, in_a_test=file.is_relative_to(ROOT / "tests"))
    ]
    assert found == []


SEEN = {
    "a Stripe key": "rk_" + "live_51H8fXyzABC",
    "a webhook secret": "whsec" + "_0123456789abcdef",
    "a client secret": "pi_3Nabcdefgh_secret" + "_0123456789",
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a password in an address": "postgresql://shop:hunter" + "2@db",
}


@pytest.mark.parametrize("what", KINDS)
def test_it_would_be_seen(what: str):
    assert looks_like(what, f"x = '{SEEN[what]}'") == [SEEN[what]]


@pytest.mark.parametrize("text", [
    "https://example.org:8443/a@b", "postgresql://role:password@host/database", "sk_live_…", "whsec_…", "pi_3Nabc",
])  # fmt: skip
def test_what_is_no_secret_is_not_taken_for_one(text):
    assert [what for what in KINDS if looks_like(what, text)] == []
