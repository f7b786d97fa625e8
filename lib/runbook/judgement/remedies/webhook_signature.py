"""Scenario B: webhooks that go unheard. First what refuses or misses them is set right, then what was missed is told.

| mechanism                                   | what comes first                      | undo                           |
|---------------------------------------------|---------------------------------------|--------------------------------|
| a wrong or rolled secret                    | the new secret, then a redeployment   | the old value, redeployed      |
| endpoint disabled, at another URL, or       | the endpoint is changed at Stripe     | the endpoint as it was         |
| without the event                           |                                       |                                |
| body parsed before, clock ahead, no checks  | work list: the patch or the command   | —                              |

After that, in the same plan, Stripe delivers again what the ledger lacks, oldest first; what it cannot deliver is
settled or left to a person, as in scenario C. Only a delivery proves a secret: the first one is the canary, and when
it is not recorded nothing more is delivered. Where only a person can cure, nothing is delivered: it would be refused
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from runbook.facts import Row
from runbook.judgement.endpoints import endpoint_to_repair, image
from runbook.judgement.mechanisms import MECHANISMS
from runbook.judgement.remedies import database_rollback
from runbook.judgement.remedies.audit import Audit
from runbook.judgement.remedies.database_rollback import Case
from runbook.judgement.triage import NEEDED_EVENT
from runbook.plan import Plan, Step, WorkItem

NAME = "webhook_signature"
NOTEBOOK = "11_scenario_b_webhook_signature"
SERVICE = "the service"
AGAIN = "run this notebook again, which has delivered what waits"
PROOF = (
    "Only a delivery by Stripe proves a secret: the first redelivery is the canary, and when it is not recorded the "
    "rest is withheld."
)
BY_ITSELF = "Stripe goes on trying by itself; what arrives that way is found recorded and not delivered again."


@dataclass(frozen=True)
class Cure:
    """What is to be set right before anything is delivered. `mechanisms`: those left standing with evidence for them.
    `new_secret`: the steps that set it, or `no_secret`: why there are none. `endpoints`: as Stripe has them."""

    mechanisms: tuple[str, ...]
    webhook_url: str
    endpoints: tuple[Row, ...] = ()
    new_secret: tuple[Step, ...] = ()
    no_secret: str = ""

    @property
    def ways(self) -> frozenset[str]:
        return frozenset(MECHANISMS[name].by for name in self.mechanisms)


def plan(cure: Cure, missing: Sequence[Row], case: Case, target: str, identity: str, audit: Audit) -> Plan:
    """What is set right, then what is told again. Without a cure that a machine can carry out, the work list alone."""
    lead, work = first(cure)
    curable = bool(lead) or not cure.mechanisms
    repaired = next((step.object_id for step in lead if step.kind == "update_endpoint"), case.endpoint)
    told = database_rollback.plan(
        missing if curable else (), replace(case, endpoint=repaired), target, identity, audit
    )  # fmt: skip
    delivers = any(step.kind == "redeliver_event" for step in told.steps)
    promises = ((PROOF,) if cure.new_secret else ()) + ((BY_ITSELF,) if delivers else ())
    return Plan(target, identity, NAME, NOTEBOOK, (*lead, *told.steps), (*work, *told.work_list),
                (*promises, *told.promises))  # fmt: skip


def first(cure: Cure) -> tuple[tuple[Step, ...], tuple[WorkItem, ...]]:
    """The steps that must succeed before anything is delivered, and what is left to a person instead."""
    steps: list[Step] = []
    work = [by_hand(name) for name in cure.mechanisms if MECHANISMS[name].by == "person"]
    if "secret" in cure.ways:
        steps += cure.new_secret
        if not cure.new_secret:
            work.append(WorkItem(SERVICE, cure.no_secret, f"{MECHANISMS['wrong_secret'].cure}; then {AGAIN}", 0, ""))
    if "endpoint" in cure.ways:
        wanted = endpoint_to_repair(cure.endpoints, cure.webhook_url)
        if wanted:
            steps.append(update_endpoint(wanted, cure.webhook_url))
        else:
            why = "which endpoint at Stripe is meant to be ours cannot be told"
            work.append(WorkItem(SERVICE, why, f"set or make it in the Dashboard, with our URL; then {AGAIN}", 0, ""))
    return tuple(steps), tuple(work)


def by_hand(mechanism: str) -> WorkItem:
    """The exact patch or command, for whoever may make releases or set clocks."""
    each = MECHANISMS[mechanism]
    return WorkItem(SERVICE, each.sentence.rstrip("."), f"{each.cure}; then {AGAIN}", 0, "")


def update_endpoint(endpoint: Row, url: str) -> Step:
    """Enabled, at our URL, asking for the event; whatever else it asks for stays."""
    old = image(endpoint)
    listed = old["enabled_events"]
    events = listed if {"*", NEEDED_EVENT} & set(listed) else sorted([*listed, NEEDED_EVENT])
    new = {"url": url, "status": "enabled", "enabled_events": events}
    return Step(
        kind="update_endpoint",
        object_id=endpoint["id"],
        sentence=f"Change endpoint {endpoint['id']} at Stripe: {changes(old, new)}. Its secret stays what it is.",
        old=old,
        new=new,
        undo=f"set {', '.join(name for name in new if new[name] != old[name])} back, if nobody has changed it since",
        required=True,
    )


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """In words; of a URL the path, since its host may be told to nobody who reads a report."""
    told = []
    if old["status"] != new["status"]:
        told.append("enable it")
    if old["url"] != new["url"]:
        told.append(f"its URL from {urlsplit(old['url']).path} to {urlsplit(new['url']).path}")
    if old["enabled_events"] != new["enabled_events"]:
        told.append(f"add {NEEDED_EVENT} to its events")
    return ", ".join(told)
