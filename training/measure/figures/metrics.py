"""Metrics of a model that scores pairs. Pure."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from training.data.pairs import Labels

Floats = NDArray[np.float32]

PRECISIONS = (0.80, 0.90, 0.95, 0.98)
_BINS = 10


def average_precision(
    labels: Labels, scores: Floats, weights: NDArray[np.float64] | None = None
) -> float:
    """Return the area under the precision-recall curve, summed in steps; *weights* are (n,)."""
    return float(average_precision_score(labels, scores, sample_weight=weights))


def best_f1(labels: Labels, scores: Floats) -> float:
    """Return the F1 at the best threshold."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def recall_at_precision(labels: Labels, scores: Floats, precision: float) -> float:
    """Return the highest recall with a precision of at least *precision*."""
    reached, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(recall[reached >= precision], initial=0.0))


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Return the mean gap between stated and observed probability, over ten equal bins."""
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
    """Return the figures of one set of scored pairs for a report."""
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


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return (1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))).astype(np.float32)
