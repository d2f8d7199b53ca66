"""Figures of scored pairs, against their definitions by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.pairs import Labels
from training.measure.figures.metrics import (
    PRECISIONS,
    Floats,
    asymmetry,
    average_precision,
    best_f1,
    calibration_error,
    recall_at_precision,
    sigmoid,
    summary,
)
from worker.scoring.recalibration import quality

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2
)
BOTH = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)


def columns(rows: list[tuple[bool, float]]) -> tuple[Labels, Floats]:
    labels, scores = zip(*rows, strict=True)
    return np.array(labels, np.int64), np.array(scores, np.float32)


def points(labels: Labels, scores: Floats) -> list[tuple[float, float]]:
    """Return precision and recall at each score, from the highest down."""
    found = []
    for least in sorted(set(scores.tolist()), reverse=True):
        flagged = scores >= least
        right = int(labels[flagged].sum())
        found.append((right / int(flagged.sum()), right / int(labels.sum())))
    return found


@settings(max_examples=25)
@given(BOTH)
def test_average_precision_is_the_area_of_its_steps(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)
    steps = [(0.0, 0.0), *points(labels, scores)]

    area = sum(now[0] * (now[1] - before[1]) for before, now in pairwise(steps))

    assert average_precision(labels, scores) == pytest.approx(area)


@settings(max_examples=25)
@given(BOTH)
def test_the_best_f1_is_that_of_the_best_threshold(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)

    best = max(2 * p * r / (p + r) if p + r else 0.0 for p, r in points(labels, scores))

    assert best_f1(labels, scores) == pytest.approx(best)


@settings(max_examples=25)
@given(BOTH, st.sampled_from(PRECISIONS))
def test_recall_is_the_highest_that_keeps_the_precision(
    rows: list[tuple[bool, float]], precision: float
) -> None:
    labels, scores = columns(rows)

    best = max((r for p, r in points(labels, scores) if p >= precision), default=0.0)

    assert recall_at_precision(labels, scores, precision) == pytest.approx(best)


@settings(max_examples=25)
@given(BOTH)
def test_calibration_is_judged_in_training_as_in_service(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)
    scores = np.float32(0.9) * scores + np.float32(0.03)  # away from the ends of the ranges

    served = quality(scores.astype(np.float64), labels.astype(np.float64))

    assert calibration_error(labels, scores) == pytest.approx(served.calibration_error, abs=1e-5)


@settings(max_examples=25)
@given(BOTH, st.integers(1, 3))
def test_a_pair_of_weight_n_counts_as_n_pairs(rows: list[tuple[bool, float]], times: int) -> None:
    labels, scores = columns(rows)
    weights: NDArray[np.float64] = np.where(labels == 1, float(times), 1.0)
    repeated = [row for row in rows for _ in range(times if row[0] else 1)]

    assert average_precision(labels, scores, weights) == pytest.approx(
        average_precision(*columns(repeated))
    )


@settings(max_examples=25)
@given(BOTH)
def test_a_summary_says_what_each_figure_says(rows: list[tuple[bool, float]]) -> None:
    labels, scores = columns(rows)

    found = summary(labels, scores)

    assert found["pairs"] == len(rows)
    assert found["base_rate"] == pytest.approx(labels.mean())
    assert found["average_precision"] == average_precision(labels, scores)
    recalls = [found[f"recall_at_{precision:.2f}"] for precision in PRECISIONS]
    assert recalls == sorted(recalls, reverse=True)


def test_scores_that_are_perfect_and_scores_that_are_upside_down() -> None:
    labels = np.array([1, 1, 0, 0])
    right: Floats = np.array([0.95, 0.9, 0.1, 0.05], np.float32)

    assert summary(labels, right)["average_precision"] == summary(labels, right)["f1"] == 1.0
    assert recall_at_precision(labels, right, 0.98) == 1.0
    assert recall_at_precision(labels, 1 - right, 0.8) == 0.0
    assert calibration_error(labels, right) == pytest.approx(0.075)
    assert calibration_error(labels, 1 - right) == pytest.approx(0.925)


@given(st.lists(st.tuples(st.floats(-80, 80, width=32), st.floats(-80, 80, width=32)), min_size=1))
def test_asymmetry_is_the_mean_gap_whichever_order_comes_first(
    rows: list[tuple[float, float]],
) -> None:
    forward, backward = np.array(rows, np.float32).T

    found = asymmetry(forward, backward)

    assert found == asymmetry(backward, forward)
    assert 0 <= found <= 1
    assert asymmetry(forward, forward) == 0.0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_a_probability_stays_between_nought_and_one_and_rises(logits: list[float]) -> None:
    found = sigmoid(np.sort(np.array(logits, np.float32)))

    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()
    assert found.dtype == np.float32
    assert sigmoid(np.zeros(1, np.float32)).tolist() == [0.5]
