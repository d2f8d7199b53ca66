"""How likely a pair is to reach the threshold, before the CrossEncoder reads it. Pure.

A logistic regression knows the cosine, the overlap of the titles and the logit that is needed. The
answers to one question's candidates are alike: after some low ones the others mostly are low too.
So it also knows what was answered for the question's other pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.scoring.fusion import Floats

LEAST = 0.01
"""Chance below which a pair is left unread."""
_MOST_NEEDED = 6.0
_USUAL = -2.0
"""A usual answer for a near pair, as a logit."""
_WORTH = 3
"""Answers that count as much as the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Weights of a logistic regression; fitted on pairs that were read."""

    known: tuple[float, ...]
    """Of what is known of a pair: see `known_before`."""
    answers: tuple[float, ...] = ()
    """Of what was answered for others of its question: see `told_by`. None: never fitted."""

    def __post_init__(self) -> None:
        """Raise `ValueError` if a weight is missing, or there are too many."""
        none = np.zeros(0, np.float32)
        if len(self.known) != len(known_before(none, none, none)):
            raise ValueError("the chance of a pair needs ten weights of what is known")
        if self.answers and len(self.answers) != len(told_by(none, none, none)):
            raise ValueError("the chance of a pair needs five weights of answers, or none")

    @property
    def learns(self) -> bool:
        """Return whether answers to other pairs of the question count."""
        return bool(self.answers)

    def of(
        self,
        needed: Floats,
        cosines: Floats,
        overlap: Floats,
        *,
        count: NDArray[np.int64],
        total: Floats,
    ) -> Floats:
        """Return how likely the answer for each pair is *needed* or more, 0..1, (n,).

        For the question of each pair *count* answers are known, which are *total* together.
        """
        odds = np.asarray(self.known, np.float32) @ known_before(needed, cosines, overlap)
        if self.answers:
            odds = odds + np.asarray(self.answers, np.float32) @ told_by(needed, count, total)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)


def known_before(needed: Floats, cosines: Floats, overlap: Floats) -> Floats:
    """Return what is known of pairs before one is read, (10, n): the *needed* logit and the rest.

    1, the three, and the products of any two of them.
    """
    n, c, j = np.clip(needed, -_MOST_NEEDED, _MOST_NEEDED), cosines, overlap
    parts = (np.ones_like(c), n, c, j, n * j, n * c, n * n, c * j, c * c, j * j)
    return np.stack(parts).astype(np.float32)


def told_by(needed: Floats, count: NDArray[np.int64] | Floats, total: Floats) -> Floats:
    """Return what *count* answers, which are *total* together, tell of the others, (5, n)."""
    n = np.clip(needed, -_MOST_NEEDED, _MOST_NEEDED)
    above = (total - _USUAL * count) / (count + _WORTH)
    return np.stack((count > 0, np.log1p(count), above, above**2, above * n)).astype(np.float32)
