"""A forum's own calibration, fitted to its moderators' decisions. Pure.

The model's probability is moved along a line in logit space (J. Platt, 1999). A normal prior
favours "no change", so few decisions change little and many change much. The slope stays positive,
so pairs keep their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.scoring.fusion import unmoved

Doubles = NDArray[np.float64]

SLOPES = (0.1, 10.0)
"""Bounds of the slope. It is always above 0, so pairs keep their order."""
LEAST, MOST = 1e-30, 1 - 3e-8
"""Probabilities are clipped to this range, so logits are finite. Any 4-byte float above the upper
bound is 1.
"""
_SLOPE_SPREAD, _SHIFT_SPREAD = 0.5, 1.0
_HINT, _HINTS_SHARE = 0.25, 0.05
"""The weight of one hint beside one decision, and of all hints beside all decisions, at most."""
_BEYOND_CHANCE = 1.645
"""Standard errors; chance alone exceeds them in one case of twenty."""
_FOLDS = 5
_BINS = 10
_STEPS = 50
_TINY = 1e-10


@dataclass(frozen=True, slots=True)
class Line:
    """A line in logit space: the new logit is *slope* times the old one plus *shift*."""

    slope: float = 1.0
    shift: float = 0.0

    def probability(self, raw: Doubles) -> Doubles:
        """Return the new probabilities for the model's own *raw* ones, (n,), in their order."""
        return _sigmoid(self.slope * logits(raw) + self.shift)

    def undo(self, probability: float) -> float:
        """Return the model's own probability that becomes *probability*."""
        return unmoved(probability, slope=self.slope, shift=self.shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Errors of probabilities against decisions; lower is better."""

    calibration_error: float
    """Mean gap between probability and share of duplicates, over ten equal ranges."""
    brier: float
    """Mean squared difference between probability and decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The errors with the old and the new line, on decisions that were not used to fit it."""

    before: Quality
    after: Quality
    gain: float
    """By how much the Brier score falls."""
    doubt: float
    """Standard error of the gain."""
    order: float
    """How often a duplicate has a higher score than another pair; 0.5 is chance."""
    order_doubt: float
    """Standard error of the order, if scores said nothing."""

    @property
    def is_better(self) -> bool:
        """Return whether both errors fall, and the Brier score by more than its standard error."""
        nearer = self.after.calibration_error < self.before.calibration_error
        return nearer and self.gain > self.doubt

    @property
    def is_ordered(self) -> bool:
        """Return whether duplicates have higher scores than other pairs, beyond chance.

        If they have not, the best line is nearly flat: with a low threshold it would flag
        everything, with a high one nothing.
        """
        return self.order - 0.5 > _BEYOND_CHANCE * self.order_doubt


def logits(probabilities: Doubles) -> Doubles:
    """Return the logits of probabilities, (n,), finite also for 0 and 1."""
    held = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST, MOST)
    return np.log(held) - np.log1p(-held)


def _sigmoid(raw: Doubles) -> Doubles:
    return 1.0 / (1.0 + np.exp(-np.clip(raw, -60.0, 60.0)))


def fit(raw: Doubles, labels: Doubles, *, hints: Doubles | None = None) -> Line:
    """Return the line that best explains *labels*, (n,) from 0 to 1, by the model's *raw*, (n,).

    Without any labels it is the identity. *hints*, (m,), are the probabilities of pairs that
    somebody other than a moderator called different. All hints together weigh at most a twentieth
    of the labels.
    """
    z, targets, counts = logits(raw), np.asarray(labels, dtype=np.float64), np.ones(len(raw))
    if hints is not None and len(hints):
        each = min(_HINT, _HINTS_SHARE * len(raw) / len(hints))
        z = np.concatenate([z, logits(hints)])
        targets = np.concatenate([targets, np.zeros(len(hints))])
        counts = np.concatenate([counts, np.full(len(hints), each)])
    free = _newton(z, targets, counts, slope=None)
    clipped = float(np.clip(free.slope, *SLOPES))
    return free if clipped == free.slope else _newton(z, targets, counts, slope=clipped)


def _newton(z: Doubles, labels: Doubles, counts: Doubles, *, slope: float | None) -> Line:
    """Find the most probable line by Newton steps; with a given *slope* only its shift.

    *counts*, (n,), is the weight of each label.
    """
    place = np.array([1.0 if slope is None else slope, 0.0])
    weights = np.array([_SLOPE_SPREAD, _SHIFT_SPREAD]) ** -2.0
    design = np.stack([z, np.ones_like(z)], axis=1)  # (n, 2)
    free = np.array([slope is None, True])
    for _ in range(_STEPS):
        found = _sigmoid(design @ place)
        gradient = design.T @ (counts * (found - labels)) + weights * (place - [1.0, 0.0])
        spread = counts * found * (1 - found)
        curvature = (design * spread[:, None]).T @ design + np.diag(weights)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        length = _damped(design, labels, counts, place, step)
        place = place - length * step
        if np.abs(length * step).max() < _TINY:
            break
    return Line(float(place[0]), float(place[1]))


def _damped(
    design: Doubles, labels: Doubles, counts: Doubles, place: Doubles, step: Doubles
) -> float:
    """Return the share of Newton's step that does not raise the loss; near the end it is 1."""
    length, here = 1.0, _loss(design, labels, counts, place)
    while length > _TINY and _loss(design, labels, counts, place - length * step) > here:
        length /= 2
    return length


def _loss(design: Doubles, labels: Doubles, counts: Doubles, place: Doubles) -> float:
    raw = design @ place
    prior = ((place[0] - 1) / _SLOPE_SPREAD) ** 2 + (place[1] / _SHIFT_SPREAD) ** 2
    return float(np.sum(counts * (np.logaddexp(0.0, raw) - labels * raw)) + prior / 2)


def quality(probabilities: Doubles, labels: Doubles) -> Quality:
    """Return how well *probabilities*, (n,), agree with *labels*, (n,) of 0 and 1; n > 0."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    promised = np.bincount(bins, weights=probabilities, minlength=_BINS)
    observed = np.bincount(bins, weights=labels, minlength=_BINS)
    return Quality(
        calibration_error=float(np.abs(promised - observed).sum() / len(labels)),
        brier=float(np.mean((probabilities - labels) ** 2)),
    )


def try_out(raw: Doubles, labels: Doubles, current: Line, *, hints: Doubles | None = None) -> Trial:
    """Return the errors of a new fit and of *current*, by cross-validation in five parts.

    *labels* has 0 and 1, each at least twice. *hints* are used in the fits, but not in the errors.
    """
    before, after = current.probability(raw), np.zeros(len(raw))
    for held_out in _folds(labels):
        line = fit(raw[~held_out], labels[~held_out], hints=hints)
        after[held_out] = line.probability(raw[held_out])
    gains = (before - labels) ** 2 - (after - labels) ** 2
    return Trial(
        before=quality(before, labels),
        after=quality(after, labels),
        gain=float(gains.mean()),
        doubt=float(gains.std(ddof=1) / np.sqrt(len(gains))),
        order=_order(raw[labels == 1], raw[labels == 0]),
        order_doubt=float(np.sqrt((len(raw) + 1) / (12 * labels.sum() * (1 - labels).sum()))),
    )


def _order(same: Doubles, other: Doubles) -> float:
    """Return how often one of *same* is above one of *other*; a tie counts half."""
    ranked = np.sort(other)
    below, upto = (np.searchsorted(ranked, same, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(other))


def _folds(labels: Doubles) -> Iterator[NDArray[np.bool_]]:
    """Yield each part as a mask; every part has its share of both labels."""
    part = np.zeros(len(labels), dtype=int)
    for kind in (0, 1):
        places = np.flatnonzero(labels == kind)
        part[places] = np.arange(len(places)) % _FOLDS
    for fold in range(_FOLDS):
        if np.any(part == fold):
            yield part == fold
