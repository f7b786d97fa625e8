"""What can be said of Stripe's keys from their form, and from what Stripe answered when they were tried.

A value comes in and only words go out: kind, mode, and what is wrong with how it was written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from runbook.facts import Answer, Evidence, Finding, Row, cannot_tell

KEY = re.compile(r"(sk|rk|pk)_(live|test)_[A-Za-z0-9]{8,}|(whsec)_[A-Za-z0-9+/=_-]{8,}")
KINDS = {"sk": "secret", "rk": "restricted", "pk": "publishable", "whsec": "webhook secret"}
# As people and word processors write them.
QUOTES = "\"'`“”„‘’‚«»"
ROLES = {"secret_key": "secret key", "publishable_key": "publishable key", "webhook_secret": "webhook secret",
         "web_publishable_key": "publishable key"}  # fmt: skip
# Which kinds may stand in which place.
FITTING = {"secret_key": ("secret", "restricted"), "publishable_key": ("publishable",),
           "web_publishable_key": ("publishable",), "webhook_secret": ("webhook secret",)}  # fmt: skip
CAUSE = "invalid_api_key"
# The questions that a tried key answers, as they stand in its evidence.
ACCEPTED, ACCOUNT = "Does Stripe accept it?", "Does it open the ledger's account?"
TIDY, REACHES = "Would Stripe accept it without that?", "Does a browser reach our payments with it?"


def tidy(value: str) -> str:
    """The key that the value was probably meant to be: without quotes and white space."""
    return "".join(value.split()).strip(QUOTES)


def problem(value: str) -> str:
    """How the value was written down wrongly, in words; empty where nothing is wrong with it."""
    if not value.strip():
        return "it is empty"
    found = [
        ("a line end", bool(re.search(r"[\r\n]", value))),
        ("quotes around it", value.strip()[0] in QUOTES or value.strip()[-1] in QUOTES),
        ("a space in it", bool(re.search(r"\S[ \t\u00a0]+\S", value))),
        ("a space at its edge", value.strip("\r\n") != value.strip("\r\n").strip()),
    ]
    named = [what for what, there in found if there]
    if named:
        return "it has " + " and ".join(named)
    return "" if KEY.fullmatch(value) else "it does not have the form of a Stripe key"


def described(value: str | None, role: str) -> Row:
    """Kind, mode and what is wrong, of a value that is to stand in the place `role`."""
    if value is None:
        return {"set": "no", "kind": "", "mode": "", "problem": "it is not set"}
    found = KEY.fullmatch(tidy(value))
    kind = KINDS[found[1] or found[3]] if found else ""
    wrong = problem(value)
    if not wrong and kind not in FITTING[role]:
        noun = kind if kind == "webhook secret" else f"{kind} key"
        wrong = f"a {noun} stands where a {ROLES[role]} belongs"
    return {"set": "yes", "kind": kind, "mode": (found[2] or "") if found else "", "problem": wrong}


def service_key_is_accepted(settings: Evidence, tried: Evidence) -> Finding:
    """Does Stripe accept the key that the service really runs with, and let it do what the service needs?"""
    statement = "Stripe accepts the key that the service runs with, and lets it do what the service needs."
    if not (settings.readable and tried.readable):
        return cannot_tell(statement, settings, tried)
    asked = [row for row in tried.rows if row["key"] == "secret key of api" and row["question"] != TIDY]
    return judged(statement, asked, (settings, tried))


def pair_belongs_together(settings: Evidence, tried: Evidence) -> Finding:
    """Do the browser's keys reach the payments that the service's key makes? With a key that is accepted, and a pair
    that fits, no key is to blame."""
    statement = "Browsers reach our payments with the publishable key that the shop gives them."
    if not (settings.readable and tried.readable):
        return cannot_tell(statement, settings, tried)
    asked = [row for row in tried.rows if row["question"] == REACHES]
    found = replace(judged(statement, asked, (settings, tried)), alert=exposed(settings))
    accepted = service_key_is_accepted(settings, tried)
    if found.holds and accepted.holds:
        return replace(found, clears=(CAUSE,))
    return found


def exposed(settings: Evidence) -> str:
    """A secret key where browsers get it is a breach, whatever else is true."""
    shown = any(row["part"] in ("web", "page") and row["kind"] in ("secret", "restricted") for row in settings.rows)
    return "a secret key of Stripe stands in the web part, where every browser gets it" if shown else ""


def judged(statement: str, asked: Sequence[Row], evidence: tuple[Evidence, ...]) -> Finding:
    """No counts most, then what nobody could be asked; all yes is yes."""
    no = [row for row in asked if row["answer"] == "no"]
    if no:
        because = "; ".join(grouped(no))
        return Finding(statement, Answer.DOES_NOT_HOLD, because, implicates=(CAUSE,), evidence=evidence, weight=len(no))
    unsure = [row for row in asked if row["answer"] != "yes"]
    if unsure or not asked:
        because = "; ".join(grouped(unsure)) or "no such key was found to be tried"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=evidence)
    return Finding(statement, Answer.HOLDS, said(asked), evidence=evidence)


def grouped(rows: Iterable[Row]) -> list[str]:
    """Each reason once, with the keys that it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        named = about.setdefault(row["because"], [])
        named += [row["key"]] if row["key"] not in named else []
    return [f"{', '.join(named)}: {because}" for because, named in about.items()]


def said(asked: Iterable[Row]) -> str:
    names = list(dict.fromkeys(row["key"] for row in asked))
    return f"{', '.join(names)}: tried at Stripe just now"


def roles_to_replace(tried: Evidence) -> tuple[str, ...]:
    """Which kinds of keys need another value, by what Stripe said to those that run."""
    no = [row["key"] for row in tried.rows if row["answer"] == "no"]
    found = ("secret_key", any(key.startswith("secret key") for key in no)), (
        "publishable_key", any(key.startswith("publishable key") for key in no))
    return tuple(role for role, needed in found if needed)


def store_equals_container(store: Evidence) -> Finding:
    """Does each container run with what the deployment has stored for the next one?"""
    statement = "Each container runs with what the deployment has stored."
    if not store.readable or not store.rows:
        return cannot_tell(statement, store) if not store.readable else Finding(
            statement, Answer.CANNOT_TELL, "the deployment is not one that can be asked", evidence=(store,))
    differ = [f"{row['variable']} of {row['application']}" for row in store.rows if row["same"] == "no"]
    if differ:
        because = f"{', '.join(differ)}: stored and running are not the same; the next deployment changes it"
        return Finding(statement, Answer.DOES_NOT_HOLD, because, evidence=(store,), weight=len(differ))
    return Finding(statement, Answer.HOLDS, f"{len(store)} variables compared by fingerprint", evidence=(store,))
