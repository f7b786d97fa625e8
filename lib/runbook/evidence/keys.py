"""The keys that the service and the web part run with: kind, mode and fingerprint, never a value.

The keys themselves are tried at Stripe in memory only. They go into no evidence, no journal and no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from runbook.errors import CannotLook
from runbook.evidence.gathering import gathered
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable, told
from runbook.judgement import keys, payments
from runbook.wires import http

if TYPE_CHECKING:
    from runbook.wires.containers import ContainerReader, Environment
    from runbook.wires.gateway import KeyProbe

BUILT_IN = re.compile(r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{8,}")
BY_HAND = "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' CONTAINER | cut -d= -f1"
PARTS = {"api": ("secret_key", "publishable_key", "webhook_secret"), "web": ("web_publishable_key",)}


def configured_keys(incident: Incident) -> Evidence:
    """With which Stripe keys does the service run? Kind and mode only; the value stays in the container."""

    def read() -> list[Row]:
        found = incident.containers.environment()
        return [
            {"variable": name, **payments.describe_key(value)}
            for name, value in sorted(found.items())
            if payments.describe_key(value)["kind"]
        ]

    return gathered(incident, "With which Stripe keys does the service run?", "containers", read, BY_HAND)


def key_settings(incident: Incident) -> Evidence:
    """Which keys are configured, part by part: present or not, kind, mode, fingerprint, and what is wrong with them."""
    away = [f"{part} could not be read: {found}" for part, found in environments(incident).items()
            if isinstance(found, CannotLook)]  # fmt: skip

    def read() -> list[Row]:
        told(environments(incident)["api"])
        return list(_settings(incident))

    return gathered(incident, "Which keys are configured where?", "containers", read, BY_HAND, "; ".join(away))


def _settings(incident: Incident) -> Iterator[Row]:
    for part, role, variable, value in configured(incident):
        print_ = incident.fingerprint(keys.tidy(value)) if value else ""
        yield {"part": part, "variable": variable, "role": keys.ROLES[role], **keys.described(value, role),
               "fingerprint": print_}  # fmt: skip


def configured(incident: Incident) -> Iterator[tuple[str, str, str, str | None]]:
    """Part, role, variable and value of each key that there should be, in memory only."""
    names = incident.target.deploy.variables
    for part, found in environments(incident).items():
        if isinstance(found, CannotLook):
            continue
        for role in PARTS[part]:
            if variable := getattr(names, role):
                yield part, role, variable, found.get(variable)
    for number, value in enumerate(page_keys(incident), start=1):
        yield "page", "web_publishable_key", f"(built in, {number})" if number > 1 else "(built in)", value


def environments(incident: Incident) -> Mapping[str, Environment | CannotLook]:
    """The variables of each part's newest container, read once."""

    def read(containers: ContainerReader) -> Environment | CannotLook:
        return readable(lambda: containers.configuration()[1])

    def both() -> dict[str, Environment | CannotLook]:
        found = {"api": read(incident.containers)}
        return found | ({"web": read(incident.web_containers)} if incident.target.service.web_names else {})

    return incident.once("environments", both)


def page_keys(incident: Incident) -> tuple[str, ...]:
    """The keys that the web part's page holds, as a browser gets it; of a page that is away none are known."""
    found = page(incident)
    return () if isinstance(found, CannotLook) else tuple(dict.fromkeys(BUILT_IN.findall(found)))


def page(incident: Incident) -> str | CannotLook:
    url, seconds = incident.target.service.web_url, incident.target.service.timeout_seconds
    if not url:
        return ""
    return incident.once("page", lambda: readable(lambda: http.ask("GET", url, what="The page", seconds=seconds).text))


def keys_tried(incident: Incident) -> Evidence:
    """What does Stripe say to the keys that really run? Reads, and writes to objects that do not exist."""

    def read() -> list[Row]:
        told(environments(incident)["api"])
        rows: list[Row] = []
        for part, role, _, value in configured(incident):
            name = f"{keys.ROLES[role]} of {part}"
            if role == "secret_key":
                rows += [{"key": name, **row} for row in secret_key_tried(incident, value)]
            elif role != "webhook_secret":
                rows.append({"key": name, **publishable_key_tried(incident, value)})
        return rows

    by_hand = "stripe get /v1/account --api-key KEY (type the key, do not paste it into a shared terminal)"
    note = "no webhook secret can be tried: only a delivery proves one"
    return gathered(incident, "What does Stripe say to these keys?", "gateway", read, by_hand, note)


def probe_of(incident: Incident, value: str) -> KeyProbe:
    from runbook.wires.gateway import KeyProbe

    return KeyProbe(incident.target.gateway, value)


def secret_key_tried(incident: Incident, value: str | None) -> Iterator[Row]:
    """One row for each question; of a key that is not even well formed, what it would be without its flaw."""
    wrong = keys.described(value, "secret_key")["problem"]
    if value is None or (wrong and keys.tidy(value) != value.strip(" \t")):
        yield answer(keys.ACCEPTED, False, wrong)
        if value is not None and keys.KEY.fullmatch(keys.tidy(value)):
            fixed = probe_of(incident, keys.tidy(value)).accepted()
            yield answer(keys.TIDY, fixed.yes, fixed.because)
        return
    if not re.fullmatch(r"[!-~]+", value.strip()):
        yield answer(keys.ACCEPTED, False, wrong)
        return
    probe = probe_of(incident, value)
    accepted = probe.accepted()
    yield answer(keys.ACCEPTED, accepted.yes, accepted.because)
    if accepted.yes is not True:
        return
    if account := probe.account():
        ours = readable(lambda: told(incident.account))
        yield answer(keys.ACCOUNT, None if isinstance(ours, CannotLook) else account == ours, account)
    for what in probe.needed:
        may = probe.may_write(what)
        yield answer(f"May it write {what}?", may.yes, may.because or "it may")


def publishable_key_tried(incident: Incident, value: str | None) -> Row:
    """Asked of the newest payment intent as a browser would, with the secret that its page is given."""
    wrong = keys.described(value, "publishable_key")["problem"]
    if value is None or wrong:
        return answer(keys.REACHES, False, wrong)
    intent = readable(lambda: incident.once("newest intent", lambda: newest_intent(incident)))
    if isinstance(intent, CannotLook) or intent is None:
        return answer(keys.REACHES, None, str(intent or "there is no payment yet to ask about"))
    known = incident.once(
        f"reaches {incident.fingerprint(value)}",
        lambda: probe_of(incident, value).knows(intent["id"], intent["client_secret"]),
    )
    return answer(keys.REACHES, known.yes, known.because or f"asked for {intent['id']}")


def newest_intent(incident: Incident) -> Row | None:
    return next(incident.gateway.every("/v1/payment_intents", {"limit": 1}), None)


def answer(question: str, yes: bool | None, because: str) -> Row:
    return {"question": question, "answer": "cannot tell" if yes is None else "yes" if yes else "no",
            "because": because}  # fmt: skip


def new_values(incident: Incident) -> Evidence:
    """Which values are at hand for a cure? By name, kind, mode and fingerprint."""

    def read() -> list[Row]:
        given = incident.target.deploy.new_values
        return [
            {"value": keys.ROLES[role], "from": secret.name, **keys.described(secret.given() or None, role),
             "fingerprint": incident.fingerprint(secret.given()) if secret.given() else ""}
            for role in given.__struct_fields__ if (secret := getattr(given, role))
        ]  # fmt: skip

    return gathered(incident, "Which values are at hand for a cure?", "environment", read, "env | cut -d= -f1")
