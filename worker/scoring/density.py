"""How dense a forum is around a question.

Where many questions are near, a high cosine says little. Pure.

In a forum with a narrow subject, or with reports that begin alike, some questions are near to
everything. There a cosine must be compared with the cosines around it (A. Conneau et al., "Word
Translation Without Parallel Data", 2018, section 2.3: CSLS). A sample represents the whole forum,
so the cost of a question does not grow with the forum, and the sample rarely has the question's own
duplicates.

The narrower a forum's subject is, the more density counts. In a forum about everything, dense
places are questions that are asked again and again, and their pairs are mostly right.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE = 1_000
"""Questions of a forum that represent all of it."""
FEWEST = 50
"""With fewer questions density cannot be measured and is not used."""
USUAL = 0.08
"""How much denser a typical forum is around near pairs than around any question, in cosines."""
MOST = 0.2
"""The highest density that counts, in cosines: a question that was asked very often is near to many
true duplicates.
"""
BROAD, NARROW = 0.045, 0.075
"""Mean cosines of two questions of a forum. Up to the first (a forum about everything) density
counts nothing; from the second on (a forum about one language or program) it counts fully."""
_NEAREST = 10
_ITSELF = 0.999
_CHUNK = 4_096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """A sample of a forum's questions, which shows the density around any of them."""

    sample: Floats  # (m, dim), unit vectors
    level: float
    """Mean density around a question of the sample."""
    weight: float = 1.0
    """How much density counts in this forum, 0..1."""

    @classmethod
    def of(cls, sample: NDArray[np.floating[Any]]) -> Self | None:
        """Return the surroundings from a *sample* of unit vectors, (m, dim); None if too few."""
        if len(sample) < FEWEST:
            return None
        held = np.asarray(sample, np.float32)
        return cls(
            sample=held, level=float(_densities(held, held).mean()), weight=_weight(_likeness(held))
        )

    def around(self, vectors: NDArray[np.floating[Any]]) -> Floats:
        """Return how much denser than usual the forum is around *vectors*, (n, dim); (n,) float32.

        The difference is multiplied with the weight of density in this forum.
        """
        excess = np.zeros(len(vectors), np.float32)
        if self.weight:
            for at in range(0, len(vectors), _CHUNK):
                excess[at : at + _CHUNK] = _densities(vectors[at : at + _CHUNK], self.sample)
            excess -= self.level + USUAL
        return np.asarray(self.weight * excess, np.float32)


def of_pairs(left: Floats, right: Floats) -> Floats:
    """Return the density of pairs, (n,): the mean of their two questions', `MOST` at most."""
    return np.asarray(np.minimum((left + right) / 2, MOST), np.float32)


def _likeness(sample: Floats) -> float:
    """Return the mean cosine of two questions of a sample, (m, dim)."""
    count, total = len(sample), np.asarray(sample.sum(axis=0), np.float64)
    return float((total @ total - count) / (count * (count - 1)))


def _weight(likeness: float) -> float:
    return min(1.0, max(0.0, (likeness - BROAD) / (NARROW - BROAD)))


def _densities(vectors: NDArray[np.floating[Any]], sample: Floats) -> Floats:
    """Return each vector's mean cosine to the nearest of *sample* except itself, (n,)."""
    cosines = np.asarray(vectors, np.float32) @ sample.T  # (n, m)
    top = np.sort(np.partition(cosines, -_NEAREST - 1, axis=1)[:, -_NEAREST - 1 :], axis=1)
    is_there = (top[:, -1] >= _ITSELF)[:, None]
    return np.asarray(np.where(is_there, top[:, :-1], top[:, 1:]).mean(axis=1), np.float32)
