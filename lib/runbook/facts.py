"""The nouns of looking: evidence, finding, suspects, diagnosis. Frozen, and free of any way to fetch or to show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Rows as read, with what was asked, of whom, when, and the same thing by hand.

    `unreadable` says why nothing could be read; the rows are then no statement about the world.
    """

    question: str
    source: str  # gateway | ledger | service | containers | logs
    as_of: datetime
    rows: tuple[Row, ...] = ()
    by_hand: str = ""
    unreadable: str = ""
    note: str = ""  # what bounds the reading: a sample, a cut, a tail
    looked_at: int | None = None  # how many things were compared, where the rows are only those that stand out

    @property
    def readable(self) -> bool:
        return not self.unreadable

    @property
    def counted(self) -> str:
        """How many rows; of what could not be read there are not none."""
        return f"{len(self)}" if self.readable else "cannot tell how many"

    def __len__(self) -> int:
        return len(self.rows)


class Answer(StrEnum):
    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Span:
    """From when to when something was seen; `going_on` says that it had not ended when we looked."""

    first: datetime
    last: datetime
    going_on: bool


@dataclass(frozen=True)
class Finding:
    """An answered question.

    `implicates` and `clears` name causes: those that this answer speaks for, and those that it strikes out.
    An answer of CANNOT_TELL does neither. `weight` is how many payments or log entries stand behind it: among causes
    with as many findings, sixty errors come before a stray one. `shared`: a symptom that each of these causes would
    have; it points at them together, and at none of them once one that has evidence of its own accounts for it.
    `certain`: the thing itself was seen, now; what is missing elsewhere does not strike it out.
    """

    statement: str
    answer: Answer
    because: str
    implicates: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    weight: int = 0
    shared: bool = False
    certain: bool = False
    span: Span | None = None
    alert: str = ""  # a sign of a breach, or of a duty to report, in words for whoever is told

    @property
    def holds(self) -> bool:
        return self.answer is Answer.HOLDS


def cannot_tell(statement: str, *evidence: Evidence) -> Finding:
    """The finding that a failed read leaves: it says what could not be read and why."""
    why = "; ".join(each.unreadable for each in evidence if not each.readable) or "nothing was read"
    return Finding(statement, Answer.CANNOT_TELL, why, evidence=evidence)


@dataclass(frozen=True)
class Suspects:
    """Causes not yet ruled out; `given` a finding there are fewer of them, and it stays visible why."""

    causes: tuple[str, ...]
    for_: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    against: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    open_questions: tuple[Finding, ...] = ()
    struck_last: tuple[str, ...] = ()  # what the newest findings struck out

    def given(self, *findings: Finding) -> Suspects:
        """The suspects after these answers. An answer to a question that was answered before takes its place, so that
        a cell may be run again."""
        before = self._without({finding.statement for finding in findings})
        suspects = before
        for finding in findings:
            suspects = suspects._given(finding)
        struck = tuple(cause for cause in suspects.ruled_out if cause not in before.ruled_out)
        return replace(suspects, struck_last=struck)

    def _without(self, statements: Collection[str]) -> Suspects:
        return replace(
            self,
            for_=_kept(self.for_, statements),
            against=_kept(self.against, statements),
            open_questions=tuple(each for each in self.open_questions if each.statement not in statements),
        )

    def in_full(self) -> Suspects:
        """The same suspects, with every reason to be shown."""
        return replace(self, struck_last=self.ruled_out)

    def _given(self, finding: Finding) -> Suspects:
        if finding.answer is Answer.CANNOT_TELL:
            return replace(self, open_questions=(*self.open_questions, finding))
        return replace(
            self,
            for_=_noted(self.for_, finding.implicates, finding),
            against=_noted(self.against, finding.clears, finding),
        )

    @property
    def implicated(self) -> tuple[str, ...]:
        """Causes with evidence for them and none against, most evidence first."""
        named = [cause for cause in self.standing if cause in self.for_]
        own = {cause for cause in named if not all(finding.shared for finding in self.for_[cause])}
        left = [cause for cause in named if cause in own or any(self._is_open(each, own) for each in self.for_[cause])]
        return tuple(sorted(left, key=self._strength, reverse=True))

    @property
    def pointed_at(self) -> tuple[str, ...]:
        """Of the implicated, those that something of their own speaks for, and not only what they share."""
        return tuple(each for each in self.implicated if not all(finding.shared for finding in self.for_[each]))

    def _is_open(self, symptom: Finding, own: Collection[str]) -> bool:
        """Whether no cause with evidence of its own accounts for a shared symptom."""
        return not any(cause in own for cause in symptom.implicates)

    @property
    def contested(self) -> tuple[str, ...]:
        """Causes that were struck out although something speaks for them, most evidence first."""
        named = [cause for cause in self.ruled_out if cause in self.for_]
        return tuple(sorted(named, key=self._strength, reverse=True))

    def _strength(self, cause: str) -> tuple[int, int]:
        return len(self.for_[cause]), sum(finding.weight for finding in self.for_[cause])

    @property
    def ruled_out(self) -> tuple[str, ...]:
        return tuple(cause for cause in self.causes if self._is_struck(cause))

    @property
    def standing(self) -> tuple[str, ...]:
        return tuple(cause for cause in self.causes if not self._is_struck(cause))

    def _is_struck(self, cause: str) -> bool:
        return cause in self.against and not any(each.certain for each in self.for_.get(cause, ()))


def _kept(notes: Mapping[str, tuple[Finding, ...]], without: Collection[str]) -> dict[str, tuple[Finding, ...]]:
    kept = {cause: tuple(each for each in found if each.statement not in without) for cause, found in notes.items()}
    return {cause: found for cause, found in kept.items() if found}


def _noted(
    notes: Mapping[str, tuple[Finding, ...]], causes: Iterable[str], finding: Finding
) -> dict[str, tuple[Finding, ...]]:
    return {**notes, **{cause: (*notes.get(cause, ()), finding) for cause in causes}}


@dataclass(frozen=True)
class Alarms:
    """Findings that say something is wrong without saying what."""

    findings: tuple[Finding, ...]

    @property
    def ringing(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.answer is Answer.DOES_NOT_HOLD)


@dataclass(frozen=True)
class Impact:
    """Who and what is affected; amounts by currency in minor units. `turned_away`: checkouts that failed, of which
    nobody was charged."""

    payments: int
    users: int
    amounts_minor: Mapping[str, int]
    scale: str  # nobody | one-off | several | system-wide | cannot tell
    turned_away: int = 0

    def __str__(self) -> str:
        if self.scale == Answer.CANNOT_TELL:
            return "who is affected cannot be told"
        turned_away = f", {self.turned_away} checkouts failed" if self.turned_away else ""
        return f"{self.payments} payments{turned_away}, {self.scale}"


@dataclass(frozen=True)
class Diagnosis:
    """The suspects left standing with evidence for them, in one sentence and in names."""

    causes: tuple[str, ...]  # ("none",) when nothing is wrong, ("unknown",) when something is and no suspect fits
    sentence: str
    suspects: Suspects
    impact: Impact
    next_notebook: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)  # by cause, where it is known when
    look_next: str = ""  # the cheapest next thing to look at, where no notebook goes on

    @property
    def alerts(self) -> tuple[str, ...]:
        """Signs of a breach, or of a duty to report, among what was found."""
        found = [*self.suspects.for_.values(), *self.suspects.against.values()]
        return tuple(dict.fromkeys(each.alert for some in found for each in some if each.alert))


@dataclass(frozen=True)
class Checked:
    """The checks of one moment: before the repair, or after it."""

    phase: str  # before | after
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(finding.holds for finding in self.findings)
