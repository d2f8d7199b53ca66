"""Spends the CrossEncoder only where it can matter: floor, one order, then the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.inference.reranker import Reranker
from worker.scoring.fusion import Floats, Fusion, best_case, worst_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a rerank found, one row per pair; ``calls`` counts the CrossEncoder's inputs."""

    forward: Floats  # (n,)
    backward: Floats  # (n,), NaN where the second order could not have mattered
    mean: Floats  # (n,), of the orders that were run
    probability: Floats  # (n,)
    calls: int


def rerank(
    reranker: Reranker,
    texts: Sequence[str],
    pairs: NDArray[np.int32],
    cosines: Floats,
    *,
    fusion: Fusion,
    threshold: float,
    upper_band: float | None = None,
) -> Scores:
    """Return the scores of *pairs*, (n, 2) indices into *texts*, with their *cosines*, (n,).

    A CrossEncoder answers differently when the questions change places, so both orders are
    averaged; where even the kindest second answer would leave a pair under *threshold*, it is not
    asked for, and the probability rests on the first order alone. Nor is it, given an *upper_band*,
    where even the unkindest one would leave the pair at or above that probability.
    """
    forward = reranker.score(texts, pairs)
    best = best_case(reranker.calibration, fusion, forward, cosines)
    matters = best >= threshold
    if upper_band is not None:
        matters &= worst_case(reranker.calibration, fusion, forward, cosines) < upper_band
    backward = np.full(len(pairs), np.nan, dtype=np.float32)
    backward[matters] = reranker.score(texts, pairs[matters][:, ::-1])
    both = (forward + np.nan_to_num(backward)) / 2
    mean = np.where(matters, both, forward).astype(np.float32)
    return Scores(
        forward=forward,
        backward=backward,
        mean=mean,
        probability=fusion.probability(mean, cosines),
        calls=len(pairs) + int(matters.sum()),
    )
