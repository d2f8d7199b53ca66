"""Fits the gate: what the CrossEncoder says of near pairs, told from their vectors beforehand.

A logistic regression on the products and differences of the vectors' components, with the
CrossEncoder's own probabilities as soft labels: no label of a person is needed, so any questions
will do, best those of the forums it will serve.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from db.errors import InvalidInputError
from training.metrics import Floats
from worker.blocks import BlockSearch, all_near
from worker.cascade import rerank
from worker.encoder import Encoder
from worker.gate import Gate, gate_scores
from worker.reranker import Reranker

KEPT = 0.997
"""Share of the pairs flagged among those held out that the gate lets pass."""
_HELD_OUT = 0.3
_TOP_K = 100
_CHUNK = 2_048
_FEWEST = 200
"""Flagged pairs held out, below which a share of 0.997 cannot be told."""
_STRENGTH = 3e-4
"""Of regularisation, inverse, on standardised features: weights are to hold on other forums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Near pairs with the probability that the cascade gave each."""

    left: Floats  # (n, dim)
    right: Floats  # (n, dim)
    probability: Floats  # (n,)

    def __len__(self) -> int:
        return len(self.probability)

    def take(self, which: NDArray[np.bool_]) -> "Scored":
        """Return some of the pairs."""
        return Scored(
            left=self.left[which], right=self.right[which], probability=self.probability[which]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A gate, and what it does to the pairs that were held out."""

    gate: Gate
    pairs: int
    flagged: int
    kept: float
    """Share of the flagged pairs that pass."""
    left_out: float
    """Share of all near pairs that do not."""


def scored_pairs(
    texts: Sequence[str],
    *,
    reranker: Reranker,
    encoder: Encoder,
    wanted: int,
    seed: int = 1,
    on_progress: Callable[[int], None] = lambda _pairs: None,
) -> Scored:
    """Return up to *wanted* of the near pairs of *texts*, scored as an archive's would be.

    Raises `InvalidInputError` where no two texts are near. *on_progress* hears how many pairs were
    just scored.
    """
    vectors = np.asarray(encoder.encode(texts), np.float32)
    floor = reranker.calibration.cosine_floor
    near = all_near(vectors, floor=floor, top_k=_TOP_K, search=BlockSearch("cpu"))
    if not len(near):
        raise InvalidInputError("no two of these questions are near: more are needed")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(near))[:wanted])
    left, right, cosine = near.left[chosen], near.right[chosen], near.cosine[chosen]
    probability = np.empty(len(chosen), np.float32)
    for start in range(0, len(chosen), _CHUNK):
        part = slice(start, start + _CHUNK)
        probability[part] = rerank(
            reranker,
            texts,
            np.stack((left[part], right[part]), axis=1).astype(np.int32),
            cosine[part],
            fusion=reranker.calibration.for_bi_encoder(encoder.digest),
            threshold=lowest_threshold(reranker),
        ).probability
        on_progress(len(probability[part]))
    return Scored(left=vectors[left], right=vectors[right], probability=probability)


def lowest_threshold(reranker: Reranker) -> float:
    """Return the lowest probability that the reranker's calibration offers to flag at."""
    calibration = reranker.calibration
    return min([calibration.threshold, *calibration.thresholds.values()])


def fit_gate(scored: Scored, *, threshold: float, bi_encoder: str, seed: int = 1) -> Fitted:
    """Return the gate that keeps pairs at or above *threshold*, fitted on most of *scored*.

    Its bar is set, and its figures are told, by the rest. Raises `InvalidInputError` where too few
    of that are flagged.
    """
    held = np.random.default_rng(seed).random(len(scored)) < _HELD_OUT
    rest = scored.take(held)
    flagged = rest.probability >= threshold
    if flagged.sum() < _FEWEST:
        raise InvalidInputError(
            f"only {flagged.sum()} of {len(rest):,} pairs held out are flagged, {_FEWEST} are"
            " needed: give more questions, or such as have duplicates among them"
        )
    product, difference = _regression(scored.take(~held))
    scores = gate_scores(rest.left, rest.right, product, difference)
    bar = float(np.quantile(scores[flagged], 1 - KEPT))
    return Fitted(
        gate=Gate(
            bi_encoder=bi_encoder,
            threshold=threshold,
            product=tuple(product.tolist()),
            difference=tuple(difference.tolist()),
            bar=bar,
        ),
        pairs=len(rest),
        flagged=int(flagged.sum()),
        kept=float((scores[flagged] >= bar).mean()),
        left_out=float((scores < bar).mean()),
    )


def _regression(scored: Scored) -> tuple[Floats, Floats]:
    """Return the weights of the products and of the differences, (dim,) each."""
    features = np.concatenate(
        (scored.left * scored.right, np.abs(scored.left - scored.right)), axis=1
    )
    spread = np.maximum(features.std(axis=0), 1e-6)
    # A soft label is a duplicate and a stranger at once, each as heavy as it is likely.
    rows = np.concatenate((features, features)) / spread
    likely = np.concatenate((scored.probability, 1.0 - scored.probability))
    labels = np.repeat([1, 0], len(scored))
    model = LogisticRegression(C=_STRENGTH, max_iter=300).fit(rows, labels, sample_weight=likely)
    weights = np.asarray(model.coef_[0] / spread, np.float32)
    middle = len(weights) // 2
    return weights[:middle].round(4), weights[middle:].round(4)
