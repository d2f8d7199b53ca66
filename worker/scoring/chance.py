"""How likely a pair is to reach the threshold, before the CrossEncoder reads it. Pure.

The chance comes from a logistic regression of the cosine, the overlap of the titles and the logit
that the pair needs. The logits of one question's candidates are alike: after some low ones most
others are low too. So the logits of the question's other pairs are inputs too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.scoring.fusion import Floats

LEAST = 0.01
"""A pair with a lower chance is not read."""
_MOST_NEEDED = 6.0
_USUAL = -2.0
"""The usual logit of a near pair."""
_WORTH = 3
"""The usual logit has the weight of so many read pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Weights of a logistic regression; fitted on pairs that were read."""

    known: tuple[float, ...]
    """The weights of `pair_inputs`."""
    answers: tuple[float, ...] = ()
    """The weights of `answer_inputs`; empty if they were not fitted."""

    def __post_init__(self) -> None:
        """Raise `ValueError` if a weight is missing, or there are too many."""
        none = np.zeros(0, np.float32)
        if len(self.known) != len(pair_inputs(none, none, none)):
            raise ValueError("the chance of a pair needs ten weights of what is known")
        if self.answers and len(self.answers) != len(answer_inputs(none, none, none)):
            raise ValueError("the chance of a pair needs five weights of answers, or none")

    @property
    def learns(self) -> bool:
        """Return whether the logits of the question's other pairs are used."""
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
        """Return the chance of each pair that its logit is at least *needed*, 0..1, (n,).

        *count* is the number of logits that are known for the question of each pair, *total* their
        sum; all arrays are (n,).
        """
        odds = np.asarray(self.known, np.float32) @ pair_inputs(needed, cosines, overlap)
        if self.answers:
            odds = odds + np.asarray(self.answers, np.float32) @ answer_inputs(needed, count, total)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)


def pair_inputs(needed: Floats, cosines: Floats, overlap: Floats) -> Floats:
    """Return the inputs that are known before a pair is read, (10, n).

    They are 1, the needed logit, the cosine, the overlap, and all products of two of these three.
    """
    n, c, j = np.clip(needed, -_MOST_NEEDED, _MOST_NEEDED), cosines, overlap
    parts = (np.ones_like(c), n, c, j, n * j, n * c, n * n, c * j, c * c, j * j)
    return np.stack(parts).astype(np.float32)


def answer_inputs(needed: Floats, count: NDArray[np.int64] | Floats, total: Floats) -> Floats:
    """Return the inputs from the *count* known logits of the same question, (5, n).

    *total* is the sum of these logits.
    """
    n = np.clip(needed, -_MOST_NEEDED, _MOST_NEEDED)
    above = (total - _USUAL * count) / (count + _WORTH)
    return np.stack((count > 0, np.log1p(count), above, above**2, above * n)).astype(np.float32)
