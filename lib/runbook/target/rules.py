"""What must hold between the keys of a target file: a file whose keys are each right can still be wrong as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from runbook import clock
from runbook.errors import BadInput
from runbook.target.shape import Deploy, Escalation, Ledger, Policy, Target, Thresholds

CURRENCY = re.compile(r"[a-z]{3}")
ADDRESS = re.compile(r"https?://[^/\s]+")
# Both are looked for by name: what a paid row is set to, and what an unpaid one says.
NEEDED_STATUSES = ("pending", "completed")


def check(target: Target, file: str) -> None:
    """Raise BadInput with the first sentence that applies."""
    for problem in problems(target):
        raise BadInput(f"{file}: {problem}")


def problems(target: Target) -> Iterator[str]:
    yield from environment(target)
    yield from statuses(target.ledger)
    yield from thresholds(target.thresholds)
    yield from escalation(target.escalation)
    yield from policy(target.policy)
    yield from deployment(target.deploy)
    yield from addresses(target)
    if target.ledger.currency:
        yield from currency("ledger.currency", target.ledger.currency)


def environment(target: Target) -> Iterator[str]:
    if target.fixed_clock and target.environment != "practice":
        yield f"`fixed_clock` is for practice only; remove it from a {target.environment} target."
    if target.fixed_clock:
        try:
            clock.parse(target.fixed_clock, "fixed_clock")
        except BadInput as error:
            yield str(error)
    if (target.environment, target.gateway.expected_mode) == ("production", "test"):
        yield "`gateway.expected_mode` is test in a production target; there it must be live."


def statuses(ledger: Ledger) -> Iterator[str]:
    for status in NEEDED_STATUSES:
        if not ledger.status.get(status):
            yield f"`ledger.status.{status}` lists no word; list the table's own, like [{status.upper()}]."
    meanings: dict[str, str] = {}
    for status, words in ledger.status.items():
        for word in words:
            if meanings.setdefault(word, status) != status:
                yield f"`ledger.status`: `{word}` stands under {meanings[word]} and {status}; keep one."


def thresholds(settings: Thresholds) -> Iterator[str]:
    if settings.one_off_up_to > settings.system_wide_above:
        yield (
            f"`thresholds.one_off_up_to` ({settings.one_off_up_to}) is above `thresholds.system_wide_above` "
            f"({settings.system_wide_above}); it must not be more."
        )


def escalation(settings: Escalation) -> Iterator[str]:
    minutes = [level.after_minutes for level in settings.levels]
    if any(later <= sooner for sooner, later in pairwise(minutes)):
        yield "`escalation.levels` must stand in the order of `after_minutes`, each later than the one before."
    for name, rate in settings.usd_rates.items():
        key = f"escalation.usd_rates.{name}"
        yield from currency(key, name)
        if not is_rate(rate):
            yield f"`{key}` is `{rate[:60]}`; it must be a positive decimal number in quotes, like \"1.08\"."


def is_rate(text: str) -> bool:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        return False
    return rate.is_finite() and rate > 0


def policy(settings: Policy) -> Iterator[str]:
    for name in settings.amount_minor_max:
        yield from currency(f"policy.amount_minor_max.{name}", name)


def deployment(settings: Deploy) -> Iterator[str]:
    if settings.kind == "manual":
        return
    api = settings.applications.get("api")
    needed = {"url": settings.url, "read_token": settings.read_token, "applications.api": api}
    for name, value in needed.items():
        if not value:
            yield f"`deploy.{name}` is needed where `deploy.kind` is {settings.kind}; name it, or set `kind: manual`."


def currency(key: str, code: str) -> Iterator[str]:
    """Stripe writes currencies in lower case; a limit for `USD` would silently limit nothing."""
    if not CURRENCY.fullmatch(code):
        yield f"`{key}`: `{code[:20]}` is no currency; write its three letters in lower case, like usd."


def addresses(target: Target) -> Iterator[str]:
    named = {
        "gateway.api_base": target.gateway.api_base,
        "service.base_url": target.service.base_url,
        "service.webhook_url": target.service.webhook_url,
        **({"service.web_url": target.service.web_url} if target.service.web_url else {}),
        **({"deploy.url": target.deploy.url} if target.deploy.url else {}),
        **{f"gateway.status_urls[{at}]": url for at, url in enumerate(target.gateway.status_urls)},
    }
    for key, address in named.items():
        if not ADDRESS.match(address):
            yield f"`{key}` must begin with https:// or http:// and a host."
