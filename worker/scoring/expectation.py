"""What a threshold would mean for a forum, estimated from a sample. Pure.

The sample shows how many pairs would be flagged, and how many of the pairs that the forum's own
people have linked would be found. It proves only a lower bound of the precision: the share of
flagged pairs that people have already linked. Pairs that they have not seen count as wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.scoring.bounds import Looked, exact_bound, exact_test, lowest_certified

Doubles = NDArray[np.float64]

NEAREST = 10
"""Nearest questions by which density is measured."""
LEAST_PRECISION = 0.75
"""What has to be proved of the flags before a threshold is lowered."""
LEAST_KNOWN = 20
"""Pairs known to be the same below which nothing is proposed."""
THRESHOLDS = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
"""From which to choose: 0.3 to 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What some questions of a forum show; a pair is seen from one of them or from both."""

    questions: int
    """In the forum."""
    sampled: int
    probability: Doubles  # (n,), of each near pair
    weight: Doubles  # (n,), a half for each of its questions that was sampled
    is_known: NDArray[np.bool_]  # (n,), whether people call both the same
    known: Doubles  # (m,), the probability of each pair that people call the same, near or not
    density: float
    """Mean cosine of a question to its ten nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What flagging from *threshold* on would bring."""

    threshold: float
    flags: int
    """Pairs in the whole forum, about."""
    said: float | None
    """The precision by the model's own word; None if nothing would be flagged."""
    looked: Looked
    """Sampled pairs that would be flagged: *right* are those that people call the same."""
    found: int
    """Of the pairs that people call the same."""
    known: int

    @property
    def at_least(self) -> float:
        """Return the precision that is proved, at 95 % confidence."""
        return exact_bound(self.looked)


def expect(survey: Survey, threshold: float) -> Expectation:
    """Return what flagging from *threshold* on would bring."""
    over = survey.probability >= threshold
    right = int((over & survey.is_known).sum())
    scale = survey.questions / survey.sampled if survey.sampled else 0.0
    return Expectation(
        threshold=threshold,
        flags=round(float(survey.weight[over].sum()) * scale),
        said=float(survey.probability[over].mean()) if over.any() else None,
        looked=Looked(right, int(over.sum()) - right),
        found=int((survey.known >= threshold).sum()),
        known=len(survey.known),
    )


def suggest(survey: Survey, current: float) -> float | None:
    """Return a threshold lower than *current* whose flags are proved good, None if there is none.

    Nothing proves that a higher one is needed: what people have not linked may still be the same.
    """
    if len(survey.known) < LEAST_KNOWN:
        return None
    thresholds = [one for one in THRESHOLDS if one < current]
    expected = [expect(survey, one) for one in (*thresholds, current)]
    found = lowest_certified(
        [one.threshold for one in expected],
        [one.looked for one in expected],
        precision=LEAST_PRECISION,
        test=exact_test,
    )
    return found if found is not None and found < current else None


def table(survey: Survey, current: float) -> Sequence[Expectation]:
    """Return what each threshold to choose from would bring, *current* among them, lowest first."""
    return [expect(survey, one) for one in sorted({*THRESHOLDS[::2], round(current, 4)})]
