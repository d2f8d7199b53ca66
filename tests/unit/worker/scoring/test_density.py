"""How dense a forum is around a question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.scoring.density import FEWEST, MOST, Surroundings, of_pairs

DIMENSION = 24


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


def scattered(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))


def crowd(count: int, *, seed: int = 1, spread: float = 0.3) -> NDArray[np.float32]:
    choice = np.random.default_rng(seed)
    return unit(choice.normal(size=DIMENSION) + spread * choice.normal(size=(count, DIMENSION)))


def around(sample: NDArray[np.float32], asked: NDArray[np.float32]) -> NDArray[np.float32]:
    found = Surroundings.of(sample)
    assert found is not None
    return found.around(asked)


def test_a_question_in_a_crowd_has_denser_surroundings_than_one_by_itself() -> None:
    sample = np.concatenate((scattered(200), crowd(80)))

    in_crowd, alone = (around(sample, asked).mean() for asked in (crowd(5), scattered(5, seed=9)))

    assert in_crowd > 0 > alone


@given(st.integers(0, 119))
def test_that_a_question_is_in_the_sample_itself_changes_nothing(place: int) -> None:
    sample = scattered(120)
    without = Surroundings(sample=np.delete(sample, place, axis=0), level=0.0)
    with_it = Surroundings(sample=sample, level=0.0)

    asked = sample[place : place + 1]

    assert with_it.around(asked) == pytest.approx(without.around(asked), abs=1e-5)


def test_a_denser_forum_is_measured_by_itself() -> None:
    dense, sparse = (
        around(sample, sample).mean() for sample in (crowd(200), crowd(200, spread=1.0))
    )

    assert dense == pytest.approx(sparse, abs=1e-4)


def test_density_counts_the_more_the_more_a_forum_is_of_one_topic() -> None:
    broad = scattered(300)
    weights, found = [], []
    for like in (0, 80, 90, 300):
        around = Surroundings.of(np.concatenate((broad[like:], crowd(like))))
        assert around is not None
        weights.append(around.weight)
        found.append(abs(around.around(crowd(9, seed=4)).mean()))

    assert weights == sorted(weights)
    assert weights[0] == found[0] == 0
    assert 0 < weights[1] < weights[2] < 1
    assert weights[-1] == 1


def test_of_a_small_forum_nothing_is_told() -> None:
    assert Surroundings.of(scattered(FEWEST - 1)) is None
    assert Surroundings.of(scattered(FEWEST)) is not None


def test_half_precision_and_many_vectors_are_no_matter() -> None:
    sample = crowd(100)
    asked = scattered(5_000, seed=3)

    found = around(sample, asked.astype(np.float16))

    assert found == pytest.approx(around(sample, asked), abs=1e-3)
    assert around(sample, asked[:0]).shape == (0,)


def test_a_pair_has_the_mean_of_its_questions_up_to_a_limit() -> None:
    left, right = np.array([0.1, -0.2, 0.3], np.float32), np.array([0.2, 0.0, 0.5], np.float32)

    assert of_pairs(left, right).tolist() == pytest.approx([0.15, -0.1, MOST])
