"""A plan: mutations that can be read, sealed by a fingerprint, approved and carried out exactly as they stand.

The fingerprint covers the target, the remedy, the promises and everything that a step says or does, and no time stamp:
the same repair of the same state has the same fingerprint, and whatever else was read or is done has another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runbook import money


@dataclass(frozen=True)
class Step:
    """One mutation. `kind` is the verb that repair knows; `old` and `new` are images of what it changes.

    `undo` says how it is taken back; empty means that it cannot be, and `no_undo` then says why.
    """

    kind: str
    object_id: str
    sentence: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    undo: str = ""
    no_undo: str = ""
    payment: str = ""  # the intent it is about
    amount_minor: int = 0
    currency: str = ""
    required: bool = False  # when it is withheld, so are all steps after it

    @property
    def key(self) -> str:
        """Idempotency key: the same change of the same image has the same key, today and tomorrow."""
        return f"runbook-{self.kind}-{digest([self.object_id, self.old, self.new])[:24]}"


@dataclass(frozen=True)
class WorkItem:
    """What no machine should decide: the payment, why, and what a person may do."""

    payment: str
    reason: str
    proposal: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Plan:
    target: str
    identity: str  # account and database, so that a plan made elsewhere never fits
    remedy: str
    notebook: str
    steps: tuple[Step, ...]
    work_list: tuple[WorkItem, ...] = ()
    promises: tuple[str, ...] = ()  # where the audit rows go, and what else a reader must know before saying yes
    undoes: str = ""  # the plan that this one takes back
    cannot_tell: str = ""  # why it is not known whether anything should change; the plan is then empty

    @property
    def fingerprint(self) -> str:
        """Empty for a plan without steps: there is nothing to say yes to."""
        if not self.steps:
            return ""
        steps = [image(step) for step in self.steps]
        about = [self.target, self.identity, self.remedy, self.notebook, self.promises, self.undoes]
        return "plan-" + digest([*about, steps])[:16]

    @property
    def amounts_minor(self) -> dict[str, int]:
        """Each payment counts once, however many steps it takes."""
        payments = {
            step.payment or step.object_id: (step.currency, step.amount_minor) for step in self.steps if step.currency
        }
        return money.total(payments.values())

    def __bool__(self) -> bool:
        return bool(self.steps)


def image(step: Step) -> dict[str, Any]:
    """What of a step is sealed. That it is not required goes without saying, as it did before there was a word for it:
    the plans of older journals keep their fingerprints."""
    whole = asdict(step) | {"key": step.key}
    return whole if step.required else {name: value for name, value in whole.items() if name != "required"}


def to_json(plan: Plan) -> dict[str, Any]:
    return asdict(plan) | {"fingerprint": plan.fingerprint}


def from_json(raw: Mapping[str, Any]) -> Plan:
    body = {key: value for key, value in raw.items() if key != "fingerprint"}
    return Plan(
        **body
        | {
            "steps": tuple(Step(**step) for step in raw["steps"]),
            "work_list": tuple(WorkItem(**item) for item in raw["work_list"]),
            "promises": tuple(raw["promises"]),
        }
    )


def digest(value: object) -> str:
    """SHA-256 over canonical JSON; a value that JSON cannot hold is an error, not a guess."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Approval:
    """Who said yes to exactly which plan, when, and until when (ISO instants)."""

    plan: str
    login: str
    host: str
    at: str
    until: str


@dataclass(frozen=True)
class Applied:
    """The step was carried out now."""

    key: str
    detail: str = ""
    word: str = field(default="applied", init=False)


@dataclass(frozen=True)
class AlreadyDone:
    """Looking showed that the step's new image is there already."""

    key: str
    detail: str = ""
    word: str = field(default="already done", init=False)


@dataclass(frozen=True)
class Withheld:
    """Nothing was done, for this reason."""

    key: str
    detail: str
    word: str = field(default="withheld", init=False)


Outcome = Applied | AlreadyDone | Withheld


@dataclass(frozen=True)
class Carried:
    """What became of a plan: each step with its outcome."""

    plan: str
    results: tuple[tuple[Step, Outcome], ...]

    def count(self, word: str) -> int:
        return sum(outcome.word == word for _, outcome in self.results)
