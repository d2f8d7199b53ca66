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

    forward: Floats  # (n,), NaN if this order was not read
    backward: Floats  # (n,), NaN if this order was not read
    first: Floats  # (n,), of the order that was read first; NaN if the pair was not read
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

    The texts of a pair decide which order is read first. So a pair has the same score, whichever of
    its questions is the new one.

    Raises `InferenceError` if the model cannot read the texts.
    """
    calibration = reranker.calibration
    is_read = worth_reading(calibration, fusion, cosines, traits, threshold=threshold)
    is_turned = np.array([texts[one] > texts[other] for one, other in pairs.tolist()], dtype=bool)
    ordered = np.where(is_turned[:, None], pairs[:, ::-1], pairs)
    first = _answers(reranker, texts, ordered, is_read)
    known = np.where(is_read, first, unread(calibration, len(pairs)))
    matters = is_read & (best_case(calibration, fusion, known, cosines, traits) >= threshold)
    if upper_band is not None:
        matters &= worst_case(calibration, fusion, known, cosines, traits) < upper_band
    second = _answers(reranker, texts, ordered[:, ::-1], matters)
    mean = np.where(matters, (known + np.nan_to_num(second)) / 2, known).astype(np.float32)
    return Scores(
        forward=np.where(is_turned, second, first),
        backward=np.where(is_turned, first, second),
        first=first,
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
