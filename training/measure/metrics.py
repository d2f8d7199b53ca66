"""What is measured of a model that scores pairs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

PRECISIONS = (0.80, 0.90, 0.95, 0.98)
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and the interval in which 95 % of its bootstrap samples lie."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


def average_precision(labels: Labels, scores: Floats) -> float:
    """Return the area under the precision-recall curve, the step-wise way."""
    return float(average_precision_score(labels, scores))


def best_f1(labels: Labels, scores: Floats) -> float:
    """Return the F1 at the threshold that is best for it."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def recall_at_precision(labels: Labels, scores: Floats, precision: float) -> float:
    """Return the highest recall at which at least *precision* of the flagged pairs are right."""
    reached, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(recall[reached >= precision], initial=0.0))


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Return the mean gap between what was promised and what came true, over ten equal bins."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    gaps = [
        np.sum(bins == place)
        * abs(probabilities[bins == place].mean() - labels[bins == place].mean())
        for place in range(_BINS)
        if np.any(bins == place)
    ]
    return float(np.sum(gaps) / len(labels))


def asymmetry(forward: Floats, backward: Floats) -> float:
    """Return the mean difference in probability between the two orders of a pair."""
    return float(np.abs(sigmoid(forward) - sigmoid(backward)).mean())


def summary(labels: Labels, probabilities: Floats) -> Mapping[str, float]:
    """Return the figures that a report gives of one set of scored pairs."""
    return {
        "pairs": float(len(labels)),
        "base_rate": float(labels.mean()),
        "average_precision": average_precision(labels, probabilities),
        "f1": best_f1(labels, probabilities),
        "calibration_error": calibration_error(labels, probabilities),
    } | {
        f"recall_at_{precision:.2f}": recall_at_precision(labels, probabilities, precision)
        for precision in PRECISIONS
    }


def bootstrap(
    labels: Labels, scores: Sequence[Floats], *, samples: int, seed: int
) -> tuple[list[Interval], Interval]:
    """Return the AP of each score, and of the last less the first, with 95 % intervals.

    The same resampled pairs serve all scores, so the difference is a paired one. Figures
    hold for pairs drawn alike; questions shared between pairs make them a little too narrow.
    """
    choice = np.random.default_rng(seed)
    drawn: list[list[float]] = []
    while len(drawn) < samples:
        rows = choice.integers(0, len(labels), len(labels))
        if 0 < labels[rows].sum() < len(rows):
            drawn.append([average_precision(labels[rows], score[rows]) for score in scores])
    table = np.array(drawn)  # (samples, scores)
    whole = np.array([average_precision(labels, score) for score in scores])
    intervals = [_interval(value, table[:, i]) for i, value in enumerate(whole)]
    return intervals, _interval(whole[-1] - whole[0], table[:, -1] - table[:, 0])


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return (1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))).astype(np.float32)


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value=float(value), low=float(low), high=float(high))
