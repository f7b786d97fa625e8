"""What happens to Stripe's deliveries at the service: what its logs say, what its route refuses, by which clock and
with which secret it judges. Secrets are compared in memory and never shown."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from runbook.errors import CannotLook, RunbookError
from runbook.evidence.gathering import gathered
from runbook.evidence.logs import logs_by_hand, window_entries
from runbook.facts import Evidence, Row
from runbook.incident import Incident, readable
from runbook.judgement import payments, webhook_log
from runbook.judgement.webhook_log import Deliveries
from runbook.target import Secret
from runbook.wires.service import Refusal

# A clock that is off by more is no clock: a world that stands still, or a page out of a cache.
SKEW_MAX = timedelta(days=1)
ANSWERS = {True: "yes", False: "no", None: "cannot tell"}


def deliveries(incident: Incident) -> tuple[Deliveries, Evidence]:
    """Stripe's deliveries in the service's logs of the window: refused ones by reason, and those that passed."""
    question = "Which of Stripe's deliveries did the service refuse?"
    by_hand = f"{logs_by_hand(incident)} | grep -i signature"
    found = readable(lambda: incident.once("deliveries", lambda: webhook_log.read(*window_entries(incident))))
    if isinstance(found, CannotLook):
        return Deliveries(), Evidence(question, "logs", incident.as_of, by_hand=by_hand, unreadable=str(found))
    note = f"{found.entries:,} entries read; {len(found.verified):,} events passed"
    return found, Evidence(question, "logs", incident.as_of, tuple(_by_reason(found)), by_hand, note=note)


def _by_reason(found: Deliveries) -> Iterable[Row]:
    for reason in dict.fromkeys(reason for _, reason in found.refused):
        times = [at for at, other in found.refused if other == reason]
        yield {"reason": reason, "refused": len(times), "first_at": times[0], "last_at": times[-1]}


def probes(incident: Incident) -> Evidence:
    """Does the URL that is registered at Stripe refuse an unsigned and a wrongly signed event? Both must be."""

    def read() -> Iterable[Row]:
        asked: dict[str, Callable[[], Refusal]] = {
            "an unsigned event": incident.service.refuses_unsigned_event,
            "a wrongly signed event": incident.service.refuses_wrong_signature,
        }
        for sent, ask in asked.items():
            answer = ask()
            yield {"sent": sent, "status": answer.status, "refused": ANSWERS[answer.refused], "detail": answer.detail}

    by_hand = "curl -i -X POST -H 'Content-Type: application/json' -d '{}' WEBHOOK_URL"
    return gathered(incident, "Does the webhook route refuse what Stripe did not sign?", "service", read, by_hand)


def signing_secrets(incident: Incident) -> Evidence:
    """Is the service's signing secret the one on record, and what would be set instead? Compared, never shown."""
    target = incident.target
    variable = target.deploy.variables.webhook_secret

    def read() -> Iterable[Row]:
        running = incident.containers.environment((variable,)).get(variable, "")
        yield _secret("service", variable, running, running)
        yield _secret("target file", "gateway.webhook_secret", value(target.gateway.webhook_secret), running)
        new = value(target.deploy.new_values.webhook_secret)
        yield _secret("new value", "deploy.new_values.webhook_secret", new, running)

    by_hand = "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' CONTAINER | grep WEBHOOK | sha256sum"
    return gathered(incident, "With which signing secret does the service check?", "containers", read, by_hand)


def value(secret: Secret) -> str:
    """What the secret's variable holds; empty where it is not named or not set."""
    try:
        return secret.reveal() if secret else ""
    except RunbookError:
        return ""


def _secret(where: str, variable: str, text: str, running: str) -> Row:
    compared = "" if where == "service" or not text else (
        "the same" if hmac.compare_digest(text.encode(), running.encode()) else "another"
    )  # fmt: skip
    kind = payments.describe_key(text)["kind"] or ("no webhook secret" if text else "")
    return {"where": where, "variable": variable, "kind": kind, "compared": compared}


def clocks(incident: Incident, found: Deliveries) -> Evidence:
    """What time do the others say it is, in seconds ahead of this machine?"""

    def read() -> Iterable[Row]:
        asked = {"Stripe, by its Date header": incident.gateway.clock, "service, by its Date header":
                 incident.service.clock}  # fmt: skip
        for clock, ask in asked.items():
            told = readable(ask)
            if isinstance(told, datetime) and abs(told - incident.clock.now()) < SKEW_MAX:
                yield {"clock": clock, "seconds ahead": round((told - incident.clock.now()).total_seconds())}
        if found.ahead is not None:
            yield {"clock": "service, by its log lines", "seconds ahead": found.ahead}

    return gathered(incident, "Do the clocks agree?", "gateway, service, logs", read,
                    "curl -sI SERVICE_URL | grep -i date; date -u", "in seconds ahead of this machine")  # fmt: skip


def newest_container(incident: Incident) -> Evidence:
    """Since when does the container run that answers now?"""

    def read() -> Iterable[Row]:
        running = [each for each in incident.containers.containers() if each.state == "running"]
        for each in running[:1]:
            yield {"container": each.service or each.name, "image": each.image, "started_at": each.started_at,
                   "restarts": each.restart_count}  # fmt: skip

    return gathered(incident, "Since when does the service's container run?", "containers", read,
                    "docker service ps NAME; docker inspect --format '{{.State.StartedAt}}' CONTAINER")  # fmt: skip
