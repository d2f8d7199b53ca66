"""What a threshold would bring in a forum, estimated from a sample. Pure.

The sample shows how many pairs would be flagged, and how many of the pairs that the forum's own
people linked would be flagged. It proves only a lower bound of the precision: the share of flagged
pairs that people have already linked. Pairs that they have not linked count as wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.scoring.bounds import Looked, exact_bound, exact_test, lowest_certified

Doubles = NDArray[np.float64]

NEAREST = 10
"""Density is the mean cosine to so many nearest questions."""
LEAST_PRECISION = 0.75
"""The precision that must be proved before a lower threshold is suggested."""
LEAST_KNOWN = 20
"""With fewer pairs that people call the same, nothing is suggested."""
THRESHOLDS = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
"""The thresholds to choose from: 0.3 to 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """The near pairs of a sample of a forum's questions.

    One or both questions are in the sample.
    """

    questions: int
    """Number of questions in the forum."""
    sampled: int
    probability: Doubles  # (n,), of each near pair
    weight: Doubles  # (n,), 0.5 for each of its questions in the sample
    is_known: NDArray[np.bool_]  # (n,), whether people call both the same
    known: Doubles  # (m,), the probability of each pair that people call the same, near or not
    density: float
    """Mean cosine of a question to its ten nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What flagging from *threshold* on would bring."""

    threshold: float
    flags: int
    """Estimated number of flagged pairs in the whole forum."""
    said: float | None
    """Mean probability of the flagged pairs; None if nothing would be flagged."""
    looked: Looked
    """Sampled pairs that would be flagged: *right* are those that people call the same."""
    found: int
    """Number of pairs that people call the same and that would be flagged."""
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
    """Return a threshold below *current* with `LEAST_PRECISION` proved, None if there is none.

    A higher threshold is never suggested: pairs that people have not linked may still be the same.
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
    """Return what every second threshold and *current* would bring, lowest threshold first."""
    return [expect(survey, one) for one in sorted({*THRESHOLDS[::2], round(current, 4)})]
