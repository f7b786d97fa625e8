"""Questions to the gateway: is it there, does it take our key, is it the right account, and where do events go?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from runbook.doctor.examination import Examination, Told, ask, cannot_tell, now, ok, wrong
from runbook.target import Gateway, Secret, Target
from runbook.wires.gateway import GatewayReader, shape

# Without these two the ledger never learns how a payment ended.
NEEDED_EVENTS = ("payment_intent.succeeded", "payment_intent.payment_failed")


def visit(target: Target) -> Iterator[Examination]:
    settings = target.gateway
    reader = GatewayReader(settings)
    look = partial(ask, "gateway")
    yield look("Does it answer?", lambda: ok("yes") if reader.reachable() else cannot_tell("no"))
    yield look("What does its status page say?", lambda: status_page(reader, target))
    yield look("Does it accept our read key?", lambda: read_key(reader))
    yield look("Is it the account that the target names?", lambda: account(reader, settings))
    yield look("Is there a write key for repairs?", lambda: write_key(settings))
    yield look("Are events sent to the service?", lambda: endpoint(reader, target))


def status_page(reader: GatewayReader, target: Target) -> Told:
    page = reader.status_page(now(target))
    if page.state == "unknown":
        return cannot_tell(page.detail, "Judge by the other answers; the page is only a hint.")
    said = f"{page.state}: {page.detail}" if page.detail else page.state
    return ok(said) if page.state == "up" else wrong(said, "Expect failures that are not ours.")


def read_key(reader: GatewayReader) -> Told:
    key = reader.key_check()
    what = f"{key.kind} {key.mode} key"
    if key.accepted is None:
        return cannot_tell(key.reason)
    if not key.accepted:
        return wrong(f"{what}: {key.reason}", "Put a valid key into the variable that `gateway.read_key` names.")
    if key.kind == "secret":
        return ok(f"{what}; a restricted key that can only read would do, and cannot pay out")
    return ok(f"{what}{', ' + key.reason if key.reason else ''}")


def account(reader: GatewayReader, settings: Gateway) -> Told:
    if reader.mode != settings.expected_mode:
        return wrong(
            f"the read key is a {reader.mode} key, the target expects {settings.expected_mode}",
            "Correct `gateway.expected_mode`, or the key: the other mode knows none of these payments.",
        )
    found = reader.account()["id"]
    if settings.account and found != settings.account:
        return wrong(f"the key opens {found}, the target names {settings.account}", "Correct the key or the target.")
    return ok(f"{found}, {reader.mode} mode" + ("" if settings.account else "; name it as `gateway.account`"))


def write_key(settings: Gateway) -> Told:
    """Looks at its form alone; a write key is not used to look."""
    if not settings.write_key:
        return ok("none is named: events cannot be delivered again from here")
    mode, kind = shape(settings.write_key.reveal().strip())
    if kind in ("malformed", "publishable"):
        return wrong(f"{settings.write_key!r} holds a {kind} key", "Put a restricted key with write permissions there.")
    if mode != settings.expected_mode:
        return wrong(f"it is a {mode} key, the target expects {settings.expected_mode}", "Put the right key there.")
    return ok(f"{kind} {mode} key, not used to look{same_as_read(settings.write_key, settings)}")


def same_as_read(write_key: Secret, settings: Gateway) -> str:
    return "; it is the read key, too" if write_key.reveal() == settings.read_key.reveal() else ""


def endpoint(reader: GatewayReader, target: Target) -> Told:
    url = target.service.webhook_url
    registered = reader.webhook_endpoints()
    ours = [each for each in registered if each["url"] == url]
    if not ours:
        near = [each["url"] for each in registered if each["url"].rstrip("/") == url.rstrip("/")]
        others = ", ".join(near or [each["url"] for each in registered][:5]) or "none at all"
        return wrong(f"no endpoint is registered at {url}; there are: {others}", "Correct `service.webhook_url`.")
    enabled = [each for each in ours if each["status"] == "enabled"]
    if not enabled:
        return wrong(f"{ours[0]['id']} at {url} is {ours[0]['status']}", "Enable it at the gateway.")
    events = {event for each in enabled for event in each["enabled_events"]}
    missing = [] if "*" in events else [event for event in NEEDED_EVENTS if event not in events]
    if missing:
        return wrong(f"{enabled[0]['id']} does not get {', '.join(missing)}", "Subscribe it to them at the gateway.")
    return ok(f"{enabled[0]['id']}, enabled, {'every event' if '*' in events else f'{len(events)} kinds of events'}")
