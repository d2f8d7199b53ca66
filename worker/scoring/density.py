"""How dense a forum is around a question: if many questions are near, nearness says little. Pure.

In a forum with a narrow subject, or with reports that begin alike, some questions are near to
everything. There a cosine must be compared with the cosines around it (A. Conneau et al., "Word
Translation Without Parallel Data", 2018, section 2.3: CSLS). A sample represents the whole forum,
so the cost of a question does not grow with the forum, and the sample rarely has the question's own
duplicates.

Density counts more the narrower a forum's subject is. In a forum about everything, dense places are
questions that are asked again and again, and their pairs are mostly right.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE = 1_000
"""Questions of a forum that represent all of it."""
FEWEST = 50
"""With fewer questions density cannot be measured, and does not count."""
USUAL = 0.08
"""How much denser a typical forum is around near pairs than around any question."""
MOST = 0.2
"""The most that counts: a question that was asked very often is near to many right ones."""
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
        """Return those of a forum by the unit vectors of a *sample* of it; None of too few."""
        if len(sample) < FEWEST:
            return None
        held = np.asarray(sample, np.float32)
        return cls(
            sample=held, level=float(_densities(held, held).mean()), weight=_weight(_likeness(held))
        )

    def around(self, vectors: NDArray[np.floating[Any]]) -> Floats:
        """Return by how much it is denser around each of *vectors*, (n, dim), than usual, (n,).

        As much of it as counts in this forum.
        """
        told = np.zeros(len(vectors), np.float32)
        if self.weight:
            for at in range(0, len(vectors), _CHUNK):
                told[at : at + _CHUNK] = _densities(vectors[at : at + _CHUNK], self.sample)
            told -= self.level + USUAL
        return np.asarray(self.weight * told, np.float32)


def of_pairs(left: Floats, right: Floats) -> Floats:
    """Return the density of pairs, `MOST` at most, by those around their two questions, (n,)."""
    return np.asarray(np.minimum((left + right) / 2, MOST), np.float32)


def _likeness(sample: Floats) -> float:
    """Return the mean cosine of two questions of a sample, (m, dim)."""
    count, total = len(sample), np.asarray(sample.sum(axis=0), np.float64)
    return float((total @ total - count) / (count * (count - 1)))


def _weight(likeness: float) -> float:
    return min(1.0, max(0.0, (likeness - BROAD) / (NARROW - BROAD)))


def _densities(vectors: NDArray[np.floating[Any]], sample: Floats) -> Floats:
    """Return the mean cosine of each vector to the nearest of *sample*, but itself, (n,)."""
    cosines = np.asarray(vectors, np.float32) @ sample.T  # (n, m)
    top = np.sort(np.partition(cosines, -_NEAREST - 1, axis=1)[:, -_NEAREST - 1 :], axis=1)
    is_there = (top[:, -1] >= _ITSELF)[:, None]
    return np.asarray(np.where(is_there, top[:, :-1], top[:, 1:]).mean(axis=1), np.float32)
