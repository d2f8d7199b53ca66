import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.inference.cascade import rerank
from worker.inference.testing import WordReranker
from worker.live.drain import next_budget
from worker.scoring.fusion import Calibration, Fusion

TEXTS = ["how to boil an egg", "how to fry rice", "best train to rome", "how to boil an egg now"]
PAIRS = np.array([[0, 1], [0, 2], [0, 3]], dtype=np.int32)
COSINES = np.array([0.9, 0.6, 0.95], dtype=np.float32)


def test_the_second_order_is_asked_for_only_where_it_can_matter() -> None:
    reranker = WordReranker(Calibration(asymmetry=0.4))

    scores = rerank(reranker, TEXTS, PAIRS, COSINES, fusion=Fusion(), threshold=0.5)

    assert np.isnan(scores.backward).tolist() == [True, True, False]
    assert scores.calls == reranker.calls == 4


def test_skipping_the_second_order_never_changes_what_is_flagged() -> None:
    sparing = WordReranker(Calibration(asymmetry=0.4))
    thorough = WordReranker(Calibration(asymmetry=1000.0))

    a, b = (
        rerank(r, TEXTS, PAIRS, COSINES, fusion=Fusion(), threshold=0.5)
        for r in (sparing, thorough)
    )

    assert ((a.probability >= 0.5) == (b.probability >= 0.5)).all()
    assert a.probability[2] == pytest.approx(b.probability[2])


def test_an_upper_band_spares_the_second_order_of_what_is_sure() -> None:
    reranker = WordReranker(Calibration(asymmetry=0.4))
    whole = rerank(reranker, TEXTS, PAIRS, COSINES, fusion=Fusion(), threshold=0.5)
    sure = float(whole.probability[2])

    below, above = (
        rerank(
            reranker, TEXTS, PAIRS, COSINES, fusion=Fusion(), threshold=0.5, upper_band=sure + step
        )
        for step in (-0.2, 0.0)
    )

    assert (below.calls, above.calls) == (3, 4)
    assert ((below.probability >= 0.5) == (whole.probability >= 0.5)).all()


def test_both_orders_of_a_pair_get_one_score() -> None:
    reranker = WordReranker(Calibration(asymmetry=1000.0))

    one, other = (
        rerank(reranker, TEXTS, pairs, COSINES, fusion=Fusion(), threshold=0.5).probability
        for pairs in (PAIRS, PAIRS[:, ::-1])
    )

    assert one == pytest.approx(other)


@given(
    budget=st.integers(64, 100_000),
    took_s=st.floats(0, 1_000),
    slice_s=st.floats(0.05, 5),
    cap=st.integers(64, 100_000),
)
def test_a_budget_moves_by_no_more_than_a_factor_of_two_and_stays_in_bounds(
    budget: int, took_s: float, slice_s: float, cap: int
) -> None:
    new = next_budget(budget, took_s=took_s, slice_s=slice_s, cap=cap)

    assert 1 <= new <= min(2 * budget, cap)
    assert new >= min(budget // 2, cap)
