import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from training.data.pairs import Labels
from training.measure.figures.bootstrap import (
    Draw,
    Ranking,
    all_pairs,
    bootstrap,
    intervals,
    samples_of_pairs,
    samples_of_questions,
)
from training.measure.figures.metrics import Floats


@st.composite
def scored(draw: st.DrawFn) -> tuple[Labels, Floats]:
    """Labels with a duplicate among them, and scores with ties."""
    labels = draw(st.lists(st.integers(0, 1), min_size=1, max_size=30).filter(any))
    scores = draw(st.lists(st.integers(0, 5), min_size=len(labels), max_size=len(labels)))
    return np.array(labels, np.int64), np.array(scores, np.float32)


@given(scored(), st.integers(0, 99))
def test_a_weighted_average_precision_is_that_of_the_library(
    data: tuple[Labels, Floats], seed: int
) -> None:
    labels, scores = data
    weights = np.random.default_rng(seed).integers(1, 5, len(labels)).astype(np.float64)

    found = Ranking(labels, scores).average_precision(
        Draw(weights=weights, same=float(weights @ labels))
    )

    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert found == pytest.approx(expected)


@given(scored())
def test_pairs_that_no_search_found_lower_the_figure_in_proportion(
    data: tuple[Labels, Floats],
) -> None:
    labels, scores = data
    ranking, found = Ranking(labels, scores), int(labels.sum())

    alone = ranking.average_precision(all_pairs(labels))
    with_lost = ranking.average_precision(all_pairs(labels, same=3 * found))

    assert with_lost == pytest.approx(alone / 3)


def test_intervals_hold_their_figure_and_narrow_with_more_pairs() -> None:
    choice = np.random.default_rng(1)
    widths = []
    for size in (100, 3_000):
        labels = choice.integers(0, 2, size)
        scores = (labels + choice.normal(size=size)).astype(np.float32)
        draws = samples_of_pairs(labels, samples=200, seed=1)
        (found,) = intervals(labels, [scores], draws)
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)

    assert widths[1] < widths[0] / 3


def test_the_same_samples_serve_both_scores_so_equal_ones_do_not_differ() -> None:
    choice = np.random.default_rng(1)
    labels = choice.integers(0, 2, 200)
    scores = choice.random(200).astype(np.float32)

    (first, second), difference = bootstrap(labels, [scores, scores * 2], samples=50, seed=1)

    assert first == second
    assert (difference.low, difference.high) == (0.0, 0.0)


def test_samples_of_questions_weigh_a_pair_by_both_and_count_all_that_are_the_same() -> None:
    groups = np.array([0, 0, 0, 1], np.int64)
    members = np.array([[0, 1], [2, 3]], np.int64)

    draws = list(samples_of_questions(groups, members, samples=2_000, seed=1))

    assert len(draws) == 2_000
    # Of the samples that have any: three pairs, each weighing 1 in the mean.
    everything = sum(draw.same for draw in draws) / len(draws)
    assert everything == pytest.approx(3 / (1 - _share_without()), rel=0.1)
    assert all(draw.weights[0] <= draw.same for draw in draws)


def _share_without() -> float:
    """Return how often fewer than two of three questions are drawn at all."""
    drawn = 1 - np.exp(-1)
    return float((1 - drawn) ** 3 + 3 * drawn * (1 - drawn) ** 2)
