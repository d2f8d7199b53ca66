"""A rule fitted on several domains at once, in which every domain counts the same.

A pair's score is its cosine plus the CrossEncoder's logit, weighed by how many words both titles
have in common. The two weights of the logit are those with the best mean ranking over the domains:
a logistic fit of the labels would learn how each domain's negatives were chosen. Only scale and
bias, which do not change a ranking, are fitted to the labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.data.pairs import Labels
from training.measure.calibrate import (
    DEFAULT_PRECISION,
    RawScores,
    cosine_floor_of,
    fit_fusion,
    threshold_for,
)
from training.measure.metrics import PRECISIONS, Floats, average_precision
from worker.scoring.calibration import Rule
from worker.scoring.fusion import Fusion

_LOGIT = (0.0, 0.01, 0.02, 0.03, 0.05)
_OVERLAP_LOGIT = (0.0, 0.03, 0.05, 0.08, 0.1, 0.13, 0.17)
WEIGHTS = tuple(product(_LOGIT, _OVERLAP_LOGIT))
"""What a logit may count beside a cosine's 1: always, and times the overlap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledScores:
    """One domain's pairs with the models' scores and their labels."""

    raw: RawScores
    labels: Labels


def rankings(domain: LabelledScores) -> NDArray[np.float64]:
    """Return the average precision on *domain* of each of `WEIGHTS`."""
    found = [average_precision(domain.labels, _score(domain.raw, one)) for one in WEIGHTS]
    return np.array(found)


def fit_rule(domains: Sequence[LabelledScores], table: NDArray[np.float64]) -> Rule:
    """Return the best rule for *domains*; *table* has the `rankings` of each domain in a row.

    Each domain counts the same. The threshold is the one with a precision of 0.80.
    """
    best = WEIGHTS[int(table.mean(axis=0).argmax())]
    labels = np.concatenate([one.labels for one in domains])
    score = np.concatenate([_score(one.raw, best) for one in domains])
    cosine = np.concatenate([one.raw.cosine for one in domains])
    sizes = [len(one.labels) for one in domains]
    weights = np.repeat([len(labels) / len(sizes) / size for size in sizes], sizes)
    platt = fit_fusion(score, None, labels, weights)
    probability = platt.probability(score, cosine)
    found = {f"{p:.2f}": threshold_for(labels, probability, p, weights) for p in PRECISIONS}
    thresholds = {name: value for name, value in found.items() if value is not None}
    threshold = thresholds.get(DEFAULT_PRECISION, 0.5)
    lowest = min([threshold, *thresholds.values()])
    return Rule(
        fusion=Fusion(
            cosine=platt.logit,
            logit=platt.logit * best[0],
            overlap_logit=platt.logit * best[1],
            bias=platt.bias,
        ),
        threshold=threshold,
        thresholds=thresholds,
        cosine_floor=cosine_floor_of(cosine[(labels == 1) & (probability >= lowest)]),
    )


def _score(raw: RawScores, weights: tuple[float, float]) -> Floats:
    overlap = np.zeros_like(raw.cosine) if raw.traits is None else raw.traits.overlap
    return np.asarray(raw.cosine + (weights[0] + weights[1] * overlap) * raw.logit, np.float32)
