import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.inference.cascade import Cascade, Scores
from worker.inference.testing import WordReranker
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion, logit
from worker.scoring.traits import Traits

TEXTS = ["how to boil an egg", "how to fry rice", "best train to rome", "how to boil an egg now"]
PAIRS = np.array([[0, 1], [0, 2], [0, 3]], dtype=np.int32)
COSINES = np.array([0.9, 0.6, 0.95], dtype=np.float32)
LARGEST_DIFFERENCE = 0.2
"""More than the two orders differ by in `WordReranker`."""


def read(asymmetry: float, threshold: float) -> Scores:
    reranker = WordReranker(Calibration(asymmetry=asymmetry))
    given = reranker, TEXTS, PAIRS, COSINES
    scores = Cascade(*given, fusion=Fusion(), threshold=threshold).read_all()
    assert scores.calls == reranker.calls
    return scores


@given(st.floats(0.01, 0.99), st.floats(0.0, 8.0))
def test_the_second_order_is_read_where_it_could_move_the_pair_across_the_threshold(
    threshold: float, asymmetry: float
) -> None:
    scores = read(asymmetry, threshold)

    moved = logit(threshold) - scores.first
    is_read = ~np.isnan(scores.forward + scores.backward)
    clear = np.abs(np.abs(moved) - asymmetry / 2) > 1e-4  # float32 decides at the border
    np.testing.assert_array_equal(is_read[clear], (np.abs(moved) < asymmetry / 2)[clear])
    assert scores.calls == len(PAIRS) + is_read.sum()


@given(st.floats(0.01, 0.99))
def test_skipping_the_second_order_never_changes_what_is_flagged(threshold: float) -> None:
    sparing, thorough = (read(bound, threshold) for bound in (LARGEST_DIFFERENCE, 1_000.0))

    np.testing.assert_array_equal(
        sparing.probability >= threshold, thorough.probability >= threshold
    )
    assert sparing.calls < thorough.calls == 2 * len(PAIRS)


def test_both_orders_of_a_pair_get_one_score() -> None:
    reranker = WordReranker(Calibration(asymmetry=1000.0))

    one, other = (
        Cascade(reranker, TEXTS, pairs, COSINES, fusion=Fusion(), threshold=0.5)
        .read_all()
        .probability
        for pairs in (PAIRS, PAIRS[:, ::-1])
    )

    assert one == pytest.approx(other)


def test_a_pair_has_one_score_where_one_order_is_enough() -> None:
    reranker = WordReranker(Calibration(asymmetry=0.0))

    one, other = (
        Cascade(reranker, TEXTS, pairs, COSINES, fusion=Fusion(), threshold=0.5).read_all()
        for pairs in (PAIRS, PAIRS[:, ::-1])
    )

    assert one.calls == len(PAIRS)
    np.testing.assert_array_equal(one.probability, other.probability)
    np.testing.assert_array_equal(one.forward, other.backward)
    np.testing.assert_array_equal(one.backward, other.forward)


WEIGHED = Fusion(logit=0.0, cosine=6.0, bias=-4.0, overlap_logit=0.5)
TRAITS = Traits(
    overlap=np.array([0.25, 0.0, 0.8], dtype=np.float32), bodies=np.zeros(3, dtype=np.float32)
)


def test_what_cannot_reach_the_threshold_is_not_read_and_flags_stay_what_they_are() -> None:
    sparing = WordReranker(Calibration(asymmetry=1000.0, logit_bounds=(-6.5, 6.5)))
    thorough = WordReranker(Calibration(asymmetry=1000.0))
    cosines = np.array([0.1, 0.9, 0.6], dtype=np.float32)

    a, b = (
        Cascade(one, TEXTS, PAIRS, cosines, TRAITS, fusion=WEIGHED, threshold=0.5).read_all()
        for one in (sparing, thorough)
    )

    assert np.isnan(a.forward).tolist() == [True, True, False]
    assert np.isnan(b.forward).tolist() == [False, True, False]
    assert (a.calls, b.calls) == (sparing.calls, thorough.calls) == (2, 4)
    np.testing.assert_array_equal(a.probability >= 0.5, b.probability >= 0.5)
    assert np.isfinite(a.mean).all()


def test_titles_without_a_word_in_common_are_judged_by_their_cosine() -> None:
    reranker = WordReranker(Calibration(asymmetry=1000.0))
    cosines = np.array([0.9, 0.9, 0.9], dtype=np.float32)
    zeros = np.zeros(3, dtype=np.float32)
    none = Traits(overlap=zeros, bodies=zeros)

    found = Cascade(reranker, TEXTS, PAIRS, cosines, none, fusion=WEIGHED, threshold=0.5).read_all()

    assert reranker.calls == found.calls == 0
    assert found.probability == pytest.approx(1 / (1 + np.exp(-(6.0 * 0.9 - 4.0))), abs=1e-5)
    assert np.isnan(found.backward).all()
