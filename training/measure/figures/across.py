"""Fits a rule on several domains at once; every domain counts the same.

A pair's score is its cosine plus the weighted logit; the weight grows with the overlap of the
titles. The two weights of the logit are those with the best mean average precision over the
domains, because a logistic fit would learn how each domain's negatives were chosen. Scale and bias
do not change a ranking. They and the weight of the bodies are fitted to the labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from sklearn.linear_model import LogisticRegression

from training.data.pairs import Labels
from training.measure.figures.calibrate import (
    DEFAULT_PRECISION,
    Doubles,
    cosine_floor_of,
    fit_fusion,
    threshold_for,
)
from training.measure.figures.metrics import PRECISIONS, Floats, average_precision
from worker.scoring.calibration import Rule
from worker.scoring.fusion import Fusion
from worker.scoring.traits import Traits

_LOGIT = (0.0, 0.01, 0.02, 0.03, 0.05)
_OVERLAP_LOGIT = (0.0, 0.03, 0.05, 0.08, 0.1, 0.13, 0.17)
WEIGHTS = tuple(product(_LOGIT, _OVERLAP_LOGIT))
"""Weights of the logit, if the cosine's is 1: the constant one, and the one times the overlap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledScores:
    """One domain's pairs with the models' scores and their labels."""

    logit: Floats  # (n,)
    cosine: Floats  # (n,)
    traits: Traits
    labels: Labels  # (n,)

    @classmethod
    def joined(cls, domains: Sequence["LabelledScores"]) -> "LabelledScores":
        """Return the pairs of all *domains*, one after the other."""
        return cls(
            logit=np.concatenate([one.logit for one in domains]),
            cosine=np.concatenate([one.cosine for one in domains]),
            traits=Traits(
                overlap=np.concatenate([one.traits.overlap for one in domains]),
                bodies=np.concatenate([one.traits.bodies for one in domains]),
            ),
            labels=np.concatenate([one.labels for one in domains]),
        )

    def score(self, weights: tuple[float, float]) -> Floats:
        """Return the score of each pair with one of `WEIGHTS`, on the scale of the cosine, (n,)."""
        by_logit = weights[0] + weights[1] * self.traits.overlap
        return np.asarray(self.cosine + by_logit * self.logit, np.float32)


def rankings(domain: LabelledScores) -> Doubles:
    """Return the average precision on *domain* with each of `WEIGHTS`, (len(WEIGHTS),)."""
    return np.array([average_precision(domain.labels, domain.score(one)) for one in WEIGHTS])


def fit_rule(domains: Sequence[LabelledScores], table: Doubles) -> Rule:
    """Return the best rule for *domains*; *table* has the `rankings` of each domain in a row.

    Each domain counts the same. The threshold is the one with a precision of 0.80, or 0.5 if that
    precision was not reached.
    """
    pooled, labels = LabelledScores.joined(domains), [one.labels for one in domains]
    alike = np.concatenate([np.full(len(one), 1 / len(one)) for one in labels])
    alike *= len(pooled.labels) / len(domains)
    fusion = _fusion(pooled, WEIGHTS[int(table.mean(axis=0).argmax())], alike, _balanced(labels))
    probability = fusion.probability(pooled.logit, pooled.cosine, pooled.traits)
    found = {f"{p:.2f}": threshold_for(pooled.labels, probability, p, alike) for p in PRECISIONS}
    thresholds = {name: value for name, value in found.items() if value is not None}
    rule = Rule(
        fusion=fusion,
        threshold=thresholds.get(DEFAULT_PRECISION, 0.5),
        thresholds=thresholds,
    )
    flagged = (pooled.labels == 1) & (probability >= rule.lowest_threshold)
    return replace(rule, cosine_floor=cosine_floor_of(pooled.cosine[flagged]))


def _fusion(
    pooled: LabelledScores, best: tuple[float, float], alike: Doubles, balanced: Doubles
) -> Fusion:
    score, bodies = pooled.score(best), pooled.traits.bodies
    shift = _shift(score, bodies, pooled.labels, balanced)
    platt = fit_fusion(score + np.float32(shift) * bodies, None, pooled.labels, alike)
    return Fusion(
        cosine=platt.logit,
        logit=platt.logit * best[0],
        overlap_logit=platt.logit * best[1],
        bodies=platt.logit * shift,
        bias=platt.bias,
    )


def _shift(score: Floats, bodies: Floats, labels: Labels, balanced: Doubles) -> float:
    """Return how much two bodies add to a score, because longer texts have lower cosines.

    Both labels of each domain have the same weight here, because the number of duplicates in a set
    does not depend on its bodies.
    """
    if not bodies.any():
        return 0.0
    found = LogisticRegression(C=1e3).fit(np.stack((score, bodies), axis=1), labels, balanced)
    by_score, by_bodies = (float(slope) for slope in found.coef_[0])
    return max(0.0, by_bodies / by_score) if by_score > 0 else 0.0


def _balanced(labels: Sequence[Labels]) -> Doubles:
    """Return weights of all pairs with which each label of each domain counts the same, (n,)."""
    size, parts = sum(map(len, labels)), 2 * len(labels)
    found = [size / parts / np.where(one == 1, one.sum(), len(one) - one.sum()) for one in labels]
    return np.concatenate(found)
