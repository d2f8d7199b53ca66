from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.measure.figures.curves import STEPS, Sweep
from training.measure.figures.metrics import recall_at_precision

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=30)


def sweep_of(rows: list[tuple[bool, int]], *, unseen: int = 0) -> Sweep:
    labels = np.array([right for right, _ in rows], np.int64)
    scores = np.array([score / 8 for _, score in rows], np.float32)
    return Sweep.of(labels, scores, same=int(labels.sum()) + unseen)


def test_a_threshold_flags_all_pairs_of_its_score_together() -> None:
    sweep = sweep_of([(True, 6), (False, 6), (True, 5), (False, 1)])

    assert sweep.thresholds.tolist() == [0.75, 0.625, 0.125]
    assert sweep.precision.tolist() == [0.5, pytest.approx(2 / 3), 0.5]
    assert sweep.recall.tolist() == [0.5, 1.0, 1.0]


@given(rows=ROWS.filter(lambda rows: any(right for right, _ in rows)), wanted=st.floats(0.01, 1))
def test_the_recall_is_that_of_the_best_threshold(
    rows: list[tuple[bool, int]], wanted: float
) -> None:
    labels = np.array([right for right, _ in rows], np.int64)
    scores = np.array([score / 8 for _, score in rows], np.float32)

    assert sweep_of(rows).recall_at(wanted) == pytest.approx(
        recall_at_precision(labels, scores, wanted)
    )


def test_duplicates_that_no_search_found_lower_the_recall() -> None:
    rows = [(True, 6), (True, 5), (False, 1)]

    assert sweep_of(rows).recall_at(0.9) == 1.0
    assert sweep_of(rows, unseen=2).recall_at(0.9) == 0.5


def test_a_precision_that_nothing_reaches_gives_no_recall() -> None:
    assert sweep_of([(False, 6), (True, 5)]).recall_at(0.75) == 0.0


def test_no_pairs_at_all_give_no_curve() -> None:
    sweep = sweep_of([], unseen=3)

    assert (sweep.curve(), sweep.recall_at(0.5)) == ([], 0.0)


@given(rows=ROWS, unseen=st.integers(0, 4))
def test_a_curve_falls_and_has_no_better_precision_beside_it(
    rows: list[tuple[bool, int]], unseen: int
) -> None:
    sweep = sweep_of(rows, unseen=unseen)

    points = sweep.curve()

    assert len(points) <= STEPS
    for one, following in pairwise(points):
        assert one.recall < following.recall
        assert one.precision > following.precision
        assert one.threshold > following.threshold
    for point in points:
        later = sweep.precision[sweep.recall >= point.recall]
        assert point.precision == later.max()
