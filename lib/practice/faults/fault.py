"""What a fault is, and what it leaves behind for the referee."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from practice.world import World

# redeliver: Stripe delivers the event again. settle: the row is set straight by hand, under guard.
# work_list: no machine may act; a person decides, with a proposal.
Cure = Literal["redeliver", "settle", "work_list"]


# How much of its full damage a fault does. Worlds that have a `severity` ask for it; the others get all of it.
SEVERITIES = {"mild": 0.15, "medium": 0.4, "severe": 1.0}


class UnknownFault(ValueError):
    """No such fault or variant; the text is one sentence that names what there is."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One payment that the fault broke. `amount` in minor units; `paid_at` in unix seconds; `live` when it was broken
    over the real wires and not laid down with history."""

    intent: str
    event: str
    transaction: str
    order: str
    user_id: str
    amount: int
    currency: str
    variant: str
    cure: Cure
    paid_at: float
    live: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """HTTP status codes of the service's answers: to the health check, and to a webhook that is unsigned or wrongly
    signed. 0: no answer."""

    health: int = 200
    unsigned: int = 400
    wrongly_signed: int = 400


HEALTHY = Face()


def nothing(world: World) -> str:
    return ""


def scaled(world: World, count: int, least: int = 1) -> int:
    """So many of `count` payments (or calls) does a fault break in this world, by its `severity`."""
    return max(least, round(count * getattr(world, "severity", 1.0)))


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened: known to the world and its referee, never to the responder. Times in unix seconds."""

    cause: str
    variant: str
    seed: int
    began_at: float
    stopped_at: float
    stops: str
    affected: tuple[Affected, ...]
    # What a responder should conclude where it is not the fault's own name: `none`, `unknown`, or another cause.
    expected: str = ""
    # What the instructor hands over for the cure, as a person would fetch it from a dashboard: variable → value.
    hands_over: Mapping[str, str] = field(default_factory=dict, repr=False)
    # One sentence on what is still broken; empty once the fault is gone. A fault that stopped by itself is gone.
    still_broken: Callable[[World], str] = nothing
    # How the service answers probes while this fault is in force, for worlds in which no service runs.
    face: Face = HEALTHY

    @property
    def conclusion(self) -> str:
        return self.expected or self.cause


@dataclass(frozen=True, slots=True)
class Fault:
    """`stops` is one sentence; `inject` breaks a world by (variant, seed, live)."""

    cause: str
    variants: tuple[str, ...]
    stops: str
    inject: Callable[[World, str, int, bool], Truth]

    def check(self, variant: str) -> None:
        """Raises UnknownFault."""
        if variant not in self.variants:
            allowed = ", ".join(self.variants)
            raise UnknownFault(f"Fault `{self.cause}` has no variant `{variant}`; choose from: {allowed}.")
