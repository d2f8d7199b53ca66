"""Fits a reranker's calibration to its raw scores of labelled pairs."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from training.data.pairs import Labels
from training.measure.figures.metrics import PRECISIONS, Floats, average_precision
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.chance import Chance, pair_inputs
from worker.scoring.fusion import BothOrders, Fusion
from worker.scoring.traits import Traits
from worker.text.normal import Reads

Doubles = NDArray[np.float64]

DEFAULT_PRECISION = "0.80"
_KEPT_BY_FLOOR = 0.995
_HIGHEST_FLOOR = 0.6
"""A higher floor, fitted on one domain, would leave out duplicates of another."""
_ASYMMETRY_QUANTILE = 0.99
_LEANS = (8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25)
_GIVEN_FOR_LEANING = 0.0005
"""Loss of average precision on dev that is accepted for a larger weight of the cosine. It is much
smaller than the noise.
"""
_LEAST_FLAGGED = 20
_OVERLAP_SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
_LEAST_OVERLAP = 0.05
_STEPS = (-1.0, 0.0, 1.0)
"""Steps around the needed logit, because forums choose other thresholds."""
_SOME = 0.5
"""From this range of the bodies' trait on, its weight can be fitted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawScores(BothOrders):
    """The models' scores of n pairs; each array is (n,) float32."""

    cosine: Floats
    traits: Traits | None = None
    """Further inputs of a fusion; None if it needs none."""


def calibrate(
    raw: RawScores, labels: Labels, *, bi_encoder: str, known: Calibration | None = None
) -> Calibration:
    """Return the calibration fitted on labelled pairs, which should be like the service's pairs.

    *bi_encoder* is the digest of the model of the cosines; rules of a *known* calibration for other
    bi-encoders stay. The top level of the calibration is for bi-encoders that were not fitted: it
    uses the logit alone. A precision that was not reached has no threshold.
    """
    fusion = lean_on_cosine(fit_fusion(raw.logit, raw.cosine, labels), raw, labels)
    if raw.traits is not None and fusion.cosine:
        fusion = weigh_bodies(follow_overlap(fusion, raw, labels), raw, labels)
    logit_only = fit_fusion(raw.logit, None, labels)
    alone = _thresholds(logit_only.probability(raw.logit, raw.cosine), labels)
    lowest, highest = float(raw.logit.min()), float(raw.logit.max())
    asymmetry = float(np.quantile(np.abs(raw.forward - raw.backward), _ASYMMETRY_QUANTILE))
    return Calibration(
        rules={
            **({} if known is None else known.rules),
            bi_encoder: _rule(fusion, raw, labels),
        },
        logit_only=logit_only,
        threshold=alone.get(DEFAULT_PRECISION, 0.5),
        thresholds=alone,
        asymmetry=asymmetry,
        reads=Reads.TITLE,
        logit_bounds=(lowest - asymmetry / 2, highest + asymmetry / 2),
    )


def _rule(fusion: Fusion, raw: RawScores, labels: Labels) -> Rule:
    probabilities = fusion.probability(raw.logit, raw.cosine, raw.traits)
    thresholds = _thresholds(probabilities, labels)
    rule = Rule(
        fusion=fusion, threshold=thresholds.get(DEFAULT_PRECISION, 0.5), thresholds=thresholds
    )
    flagged = (labels == 1) & (probabilities >= rule.lowest_threshold)  # a forum may choose any
    return replace(
        rule,
        cosine_floor=cosine_floor_of(raw.cosine[flagged]),
        chance=None if raw.traits is None else chance_of(raw, rule),
    )


def chance_of(raw: RawScores, rule: Rule) -> Chance | None:
    """Return the chance of pairs to reach the threshold when read; None if all or none do.

    Labelled pairs have more duplicates than the near pairs of a forum, so rather too many pairs are
    read. They belong to many questions, so the weights for a question's other pairs cannot be
    fitted here.
    """
    overlap = _traits(raw).overlap
    needed = np.nan_to_num(rule.fusion.needed(rule.threshold, raw.cosine, raw.traits))
    tried = [needed + step for step in _STEPS]
    hits = np.concatenate([raw.logit >= one for one in tried])
    if hits.all() or not hits.any():
        return None
    known = np.concatenate([pair_inputs(one, raw.cosine, overlap).T for one in tried])
    model = LogisticRegression(C=1e2, max_iter=1_000).fit(known[:, 1:], hits)
    return Chance(known=(float(model.intercept_[0]), *model.coef_[0].tolist()))


def _thresholds(probabilities: Floats, labels: Labels) -> dict[str, float]:
    found = {f"{wanted:.2f}": threshold_for(labels, probabilities, wanted) for wanted in PRECISIONS}
    return {name: value for name, value in found.items() if value is not None}


def follow_overlap(fusion: Fusion, raw: RawScores, labels: Labels) -> Fusion:
    """Return *fusion* with a part of the logit's weight multiplied by the overlap.

    The part is the one that ranks best. At the mean overlap the weight does not change. Scale and
    bias are fitted again.
    """
    overlap = _traits(raw).overlap
    mean = max(float(overlap.mean()), _LEAST_OVERLAP)
    best, reached = fusion, average_precision(labels, fusion.probability(raw.logit, raw.cosine))
    for share in _OVERLAP_SHARES:
        tried = replace(
            fusion,
            logit=(1 - share) * fusion.logit,
            overlap_logit=share * fusion.logit / mean,
        )
        score = tried.logit_weight(raw.traits) * raw.logit + tried.cosine * raw.cosine
        found = average_precision(labels, score)
        if found > reached + _GIVEN_FOR_LEANING:
            platt = fit_fusion(np.asarray(score, np.float32), None, labels)
            best, reached = replace(tried, bias=0.0).moved(platt.logit, platt.bias), found
    return best


def weigh_bodies(fusion: Fusion, raw: RawScores, labels: Labels) -> Fusion:
    """Return *fusion* with a weight for the bodies, if some pairs have bodies and others do not."""
    bodies = _traits(raw).bodies
    if float(np.ptp(bodies)) < _SOME:
        return fusion
    score = fusion.logit_weight(raw.traits) * raw.logit + fusion.cosine * raw.cosine
    model = LogisticRegression(C=1e3).fit(np.stack([score, bodies], axis=1), labels)
    slope, weight = (float(one) for one in model.coef_[0])
    if min(slope, weight) <= 0:
        return fusion
    moved = replace(fusion, bias=0.0).moved(slope, float(model.intercept_[0]))
    return replace(moved, bodies=weight)


def _traits(raw: RawScores) -> Traits:
    if raw.traits is None:
        raise ValueError("the traits of the pairs are not known")
    return raw.traits


def fit_fusion(
    logits: Floats, cosines: Floats | None, labels: Labels, weights: Doubles | None = None
) -> Fusion:
    """Return the logistic fusion that explains *labels* best and rises with both inputs.

    Without cosines it is plain Platt scaling (Platt 1999). *weights*, (n,), are those of the pairs;
    without them all pairs count the same.
    """
    columns = [logits] if cosines is None else [logits, cosines]
    model = LogisticRegression(C=1e3).fit(np.stack(columns, axis=1), labels, weights)
    slopes = [float(slope) for slope in model.coef_[0]]
    if cosines is not None and min(slopes) < 0:
        return fit_fusion(logits, None, labels, weights)
    return Fusion(
        logit=max(slopes[0], 1e-3),
        cosine=slopes[1] if cosines is not None else 0.0,
        bias=float(model.intercept_[0]),
    )


def lean_on_cosine(fusion: Fusion, raw: RawScores, labels: Labels) -> Fusion:
    """Return *fusion* with more weight for the cosine, if the average precision hardly changes.

    On the domain that the reranker was trained on, its logit gets too much weight; on other domains
    the cosine is better. Scale and bias are fitted again, so probabilities stay calibrated.
    """
    least = average_precision(labels, fusion.probability(raw.logit, raw.cosine))
    for lean in _LEANS if fusion.cosine else ():
        score = fusion.logit * raw.logit + lean * fusion.cosine * raw.cosine
        if average_precision(labels, score) >= least - _GIVEN_FOR_LEANING:
            platt = fit_fusion(score, None, labels)
            return Fusion(
                logit=platt.logit * fusion.logit,
                cosine=platt.logit * lean * fusion.cosine,
                bias=platt.bias,
            )
    return fusion


def threshold_for(
    labels: Labels, probabilities: Floats, precision: float, weights: Doubles | None = None
) -> float | None:
    """Return the lowest threshold at which *precision* is reached, or None.

    A precision on fewer than `_LEAST_FLAGGED` pairs may be chance and does not count. *weights*,
    (n,), are as in `fit_fusion`.
    """
    order = np.argsort(-probabilities, kind="stable")
    held = (np.ones(len(labels)) if weights is None else weights)[order]
    reached = np.cumsum(held * labels[order]) / np.cumsum(held)
    flagged = np.arange(1, len(order) + 1)
    last_of_equals = np.append(np.diff(probabilities[order]) != 0, True)
    good = (reached >= precision) & last_of_equals & (flagged >= _LEAST_FLAGGED)
    if not good.any():
        return None
    return float(probabilities[order][np.flatnonzero(good)[-1]])


def cosine_floor_of(flagged: Floats) -> float:
    """Return the floor: 99.5 % of the *flagged* duplicates' cosines, (n,), are above it."""
    if not len(flagged):
        return Calibration().cosine_floor
    return min(float(np.quantile(flagged, 1 - _KEPT_BY_FLOOR)), _HIGHEST_FLOOR)
