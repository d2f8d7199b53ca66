"""Runs the CrossEncoder only where its logit can matter: on neither order, on one, or on both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.inference.reranker import Reranker
from worker.scoring.calibration import best_case, unread, worst_case, worth_reading
from worker.scoring.fusion import Floats, Fusion
from worker.scoring.traits import Traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of n pairs; ``calls`` counts the CrossEncoder's inputs."""

    forward: Floats  # (n,), NaN if the pair was not read
    backward: Floats  # (n,), NaN if the second order was not read
    mean: Floats  # (n,), of the orders that were read; 0, or nearly 0, if none was
    probability: Floats  # (n,)
    calls: int


def rerank(
    reranker: Reranker,
    texts: Sequence[str],
    pairs: NDArray[np.int32],
    cosines: Floats,
    traits: Traits | None = None,
    *,
    fusion: Fusion,
    threshold: float,
    upper_band: float | None = None,
) -> Scores:
    """Return the scores of *pairs*, (n, 2) indices into *texts*, with their *cosines*, (n,).

    *traits* are needed by some fusions. A pair is not read if its logit has no weight, or could not
    lift it to *threshold*.

    A CrossEncoder gives the two orders of a pair different logits, so their mean is used. If even
    the highest possible second logit would leave a pair below *threshold*, the second order is not
    read, and the probability comes from the first order alone. With an *upper_band* the second
    order is also not read if even its lowest possible logit would leave the pair at or above that
    probability.

    Raises `InferenceError` if the model cannot read the texts.
    """
    calibration = reranker.calibration
    is_read = worth_reading(calibration, fusion, cosines, traits, threshold=threshold)
    forward = _answers(reranker, texts, pairs, is_read)
    first = np.where(is_read, forward, unread(calibration, len(pairs)))
    matters = is_read & (best_case(calibration, fusion, first, cosines, traits) >= threshold)
    if upper_band is not None:
        matters &= worst_case(calibration, fusion, first, cosines, traits) < upper_band
    backward = _answers(reranker, texts, pairs[:, ::-1], matters)
    mean = np.where(matters, (first + np.nan_to_num(backward)) / 2, first).astype(np.float32)
    return Scores(
        forward=forward,
        backward=backward,
        mean=mean,
        probability=fusion.probability(mean, cosines, traits),
        calls=int(is_read.sum() + matters.sum()),
    )


def _answers(
    reranker: Reranker,
    texts: Sequence[str],
    pairs: NDArray[np.int32],
    wanted: NDArray[np.bool_],
) -> Floats:
    """Return the logits of the *wanted* pairs, NaN for the others, (n,)."""
    logits = np.full(len(pairs), np.nan, dtype=np.float32)
    logits[wanted] = reranker.score(texts, pairs[wanted])
    return logits
