"""How precision and recall change with the threshold. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.pairs import Labels
from training.measure.figures.metrics import Floats

STEPS = 50
"""A curve has at most so many points, at equal steps of recall."""
_TINY = 1e-9

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What flagging from *threshold* on gives."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep:
    """What every threshold gives, the highest first; each array is (thresholds,).

    Pairs with equal scores are flagged together.
    """

    thresholds: Doubles
    precision: Doubles
    recall: Doubles

    @classmethod
    def of(cls, labels: Labels, scores: Floats, *, same: int) -> "Sweep":
        """Return the sweep over n pairs with *scores*.

        *same* is the number of all duplicates; some of them may not be among the n pairs.
        """
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order].astype(np.float64)
        ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True)[: len(ranked)])
        right = np.cumsum(labels[order])[ends]
        return cls(
            thresholds=ranked[ends], precision=right / (ends + 1), recall=right / max(same, 1)
        )

    def recall_at(self, precision: float) -> float:
        """Return the highest recall with at least *precision*, 0 if no threshold gives it."""
        return float(np.max(self.recall[self.precision >= precision], initial=0.0))

    def curve(self) -> list[Point]:
        """Return the best precision from each recall on, the highest threshold first.

        The curve ends where no threshold gives more recall.
        """
        starts = np.searchsorted(self.recall, np.arange(1, STEPS + 1) / STEPS - _TINY)
        places = dict.fromkeys(
            self._best_from(start) for start in starts.tolist() if start < len(self.recall)
        )
        return [self._point(place) for place in places]

    def _best_from(self, start: int) -> int:
        """Return the place from *start* on with the best precision; of equals the last."""
        return len(self.precision) - 1 - int(np.argmax(self.precision[start:][::-1]))

    def _point(self, place: int) -> Point:
        return Point(
            threshold=float(self.thresholds[place]),
            precision=float(self.precision[place]),
            recall=float(self.recall[place]),
        )
