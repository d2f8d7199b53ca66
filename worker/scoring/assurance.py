"""How far a forum's flags can be trusted: not measured, measured, or certified. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import floor

from db.wording import counted
from worker.scoring.bounds import RISK, Looked, anytime_bound

AIM = 0.95
"""The precision that is certified."""
LEAST = 20
"""With fewer decided flags no precision is stated: the bound would be too low to be useful."""

ELSEWHERE = (
    "Flags of the profile fast at its default threshold had a precision of 0.26 to 0.99 on eight"
    " measured sets of questions, on five of them at least 0.87."
)
"""The band in which the precision of a forum lies that nobody has measured: docs/quality.md."""


class Standing(StrEnum):
    """How much is known about a forum's precision."""

    NOT_MEASURED = "not_measured"
    """Too few flags were decided: only the model's own probabilities are known."""
    MEASURED = "measured"
    """A bound is known, below the aim."""
    CERTIFIED = "certified"
    """The bound reaches the aim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A person's decision on a pair that is flagged at the present threshold."""

    is_right: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """The precision that people's decisions promise for pairs at or above the threshold.

    The true precision is below *at_least* with probability *risk* at most, however often somebody
    looks, if the decided pairs are like the others. *at_least* is None if too few were decided.
    """

    standing: Standing
    right: int
    decided: int
    at_least: float | None
    latest: datetime | None
    aim: float = AIM
    risk: float = RISK

    @property
    def words(self) -> str:
        """Return the assurance as a sentence for people."""
        if self.at_least is None:
            decided = counted(self.decided, "flagged pair was", "flagged pairs were")
            return f"Precision not measured: {decided} decided, and it takes {LEAST}"
        until = "" if self.latest is None else f" until {self.latest:%Y-%m-%d}"
        bound = _down(self.at_least)
        return (
            f"Precision {self.standing}: at least {bound:.2f} (at {100 * (1 - self.risk):.0f} %"
            f" confidence), from {self.right:,} right of {counted(self.decided, 'decided flag')}"
            f"{until}"
        )

    @property
    def sentences(self) -> str:
        """Return `words` and, while nothing is measured, what was measured elsewhere."""
        return f"{self.words}." if self.at_least is not None else f"{self.words}. {ELSEWHERE}"


def _down(share: float) -> float:
    """Return *share* rounded down to two digits."""
    return floor(share * 100 + 1e-9) / 100


def assure(judgements: Sequence[Judgement], *, aim: float = AIM, risk: float = RISK) -> Assurance:
    """Return what *judgements* promise of the flags that nobody has looked at yet."""
    right = sum(one.is_right for one in judgements)
    looked = Looked(right, len(judgements) - right)
    at_least = anytime_bound(looked, risk=risk) if looked.count >= LEAST else None
    return Assurance(
        standing=_standing(at_least, aim),
        right=right,
        decided=looked.count,
        at_least=at_least,
        latest=max((one.at for one in judgements), default=None),
        aim=aim,
        risk=risk,
    )


def _standing(at_least: float | None, aim: float) -> Standing:
    if at_least is None:
        return Standing.NOT_MEASURED
    return Standing.CERTIFIED if at_least >= aim else Standing.MEASURED
