"""Spends the CrossEncoder only where it can matter: not at all, one order, or the other too."""

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
    """Scores of a rerank, one row for each pair; ``calls`` counts the CrossEncoder's inputs."""

    forward: Floats  # (n,), NaN if the pair need not be read at all
    backward: Floats  # (n,), NaN if the second order could not have mattered
    mean: Floats  # (n,), of the orders that were run; 0, or next to it, where none was
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

    *traits* are those of the pairs, for a fusion that needs them. A pair is
    not read where its CrossEncoder's answer counts nothing, or could not lift it to *threshold*.

    A CrossEncoder gives both orders of a pair different scores, so they are averaged. If even the
    highest possible second score would leave a pair below *threshold*, it is not computed, and the
    probability comes from the first order alone. With an *upper_band* it is also not computed if
    even the lowest possible second score would leave the pair at or above that probability.
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
