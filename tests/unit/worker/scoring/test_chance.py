"""How likely a pair is to be flagged, before it is read and after others were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.chance import LEAST, Chance, answer_inputs, pair_inputs
from worker.scoring.fusion import Floats, Fusion
from worker.scoring.traits import Traits

ONE = np.ones(1, np.float32)


def chance(weights: dict[int, float], answers: tuple[float, ...] = ()) -> Chance:
    return Chance(known=tuple(weights.get(place, 0.0) for place in range(10)), answers=answers)


def told(one: Chance, needed: float, *, count: int = 0, total: float = 0.0) -> float:
    found = one.of(
        np.array([needed], np.float32),
        0.8 * ONE,
        0.5 * ONE,
        count=np.array([count]),
        total=np.array([total], np.float32),
    )
    return float(found[0])


def test_the_chance_is_a_logistic_regression_of_what_is_known() -> None:
    weights = {0: -1.0, 1: -2.0, 2: 3.0, 3: 1.0, 4: 0.5, 7: 0.25}

    found = told(chance(weights), 0.6)

    assert found == pytest.approx(1 / (1 + np.exp(1 + 1.2 - 2.4 - 0.5 - 0.15 - 0.1)), abs=1e-6)


def test_answers_above_the_usual_raise_the_chance_and_others_lower_it() -> None:
    one = chance({}, answers=(0.0, 0.0, 1.0, 0.0, 0.0))

    assert told(one, 0.0) == 0.5
    assert told(one, 0.0, count=3, total=-6.0) == 0.5
    assert told(one, 0.0, count=3, total=6.0) == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    assert told(one, 0.0, count=3, total=-12.0) == pytest.approx(1 / (1 + np.exp(1)), abs=1e-6)


def test_what_no_answer_reaches_and_what_every_answer_reaches_have_a_chance_too() -> None:
    falling = chance({1: -1.0})

    assert told(falling, np.inf) == told(falling, 6.0)
    assert told(falling, -np.inf) == told(falling, -6.0)


@given(
    st.floats(0.01, 0.99),
    st.floats(-1, 1, width=32),
    st.floats(0, 1, width=32),
    st.floats(0, 1, width=32),
)
def test_the_needed_logit_leads_to_the_threshold(
    threshold: float, cosine: float, overlap: float, bodies: float
) -> None:
    fusion = Fusion(logit=0.1, cosine=9.0, bias=-6.0, overlap_logit=0.8, bodies=1.0, density=5.0)
    traits = Traits(overlap=overlap * ONE, bodies=bodies * ONE, density=0.1 * ONE)
    cosines: Floats = cosine * ONE

    needed = fusion.needed(threshold, cosines, traits)

    assert fusion.probability(needed, cosines, traits)[0] == pytest.approx(threshold, abs=1e-4)


def test_where_the_logit_counts_nothing_none_is_enough() -> None:
    assert Fusion(logit=0.0, cosine=1.0).needed(0.9, ONE).tolist() == [np.inf]


@pytest.mark.parametrize("known", [(), (1.0,) * 9, (1.0,) * 11])
def test_ten_weights_are_of_what_is_known(known: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="ten weights"):
        Chance(known=known)


@pytest.mark.parametrize("answers", [(1.0,), (1.0,) * 6])
def test_five_weights_are_of_answers_or_none(answers: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="five weights"):
        Chance(known=(0.0,) * 10, answers=answers)


def test_each_pair_is_told_by_the_answers_for_its_own_question() -> None:
    found = answer_inputs(
        np.zeros(2, np.float32), np.array([0, 2]), np.array([0.0, 1.0], np.float32)
    )

    assert pair_inputs(ONE, ONE, ONE).shape == (10, 1)
    assert found[:, 0].tolist() == [0.0] * 5
    assert found[:3, 1] == pytest.approx([1.0, np.log(3), 1.0])


FINE = st.floats(-8, 8, width=32)
SHARE = st.floats(0, 1, width=32)


def array(*values: float) -> Floats:
    return np.array(values, np.float32)


@given(
    needed=st.lists(FINE, min_size=2, max_size=6),
    falls=st.floats(0.01, 3),
    pair=st.tuples(SHARE, SHARE),
    known=st.tuples(st.integers(0, 9), FINE),
)
def test_the_more_a_pair_needs_the_lower_is_its_chance(
    needed: list[float], falls: float, pair: tuple[float, float], known: tuple[int, float]
) -> None:
    (cosine, overlap), (count, mean) = pair, known
    one = chance({0: 0.5, 1: -falls, 2: 1.0}, answers=(0.3, -0.2, 0.4, 0.1, 0.0))
    some = array(*sorted(needed))
    same = np.ones_like(some)

    found = one.of(
        some,
        cosine * same,
        overlap * same,
        count=np.full(some.shape, count),
        total=count * mean * same,
    )

    assert found.dtype == np.float32
    assert np.all(np.diff(found) <= 0)
    assert np.all((found >= 0) & (found <= 1))


def test_what_is_known_are_one_three_numbers_and_their_products() -> None:
    found = pair_inputs(array(2.0), array(3.0), array(5.0))

    assert found[:, 0].tolist() == [1, 2, 3, 5, 10, 6, 4, 15, 9, 25]
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("needed", "counted"), [(9.0, 6.0), (-9.0, -6.0), (np.inf, 6.0), (5.5, 5.5)]
)
def test_a_needed_logit_is_counted_within_bounds(needed: float, counted: float) -> None:
    known = pair_inputs(array(needed), ONE, ONE)
    answers = answer_inputs(array(needed), np.array([1]), array(1.0))

    assert (known[1, 0], known[6, 0]) == (counted, counted**2)
    assert answers[4, 0] == pytest.approx(answers[2, 0] * counted)


@pytest.mark.parametrize(
    ("count", "total", "above"),
    [(0, 0.0, 0.0), (1, -2.0, 0.0), (1, 2.0, 1.0), (3, 0.0, 1.0), (7, -14.0, 0.0), (2, -9.0, -1.0)],
)
def test_answers_count_by_how_far_they_are_above_the_usual(
    count: int, total: float, above: float
) -> None:
    found = answer_inputs(array(2.0), np.array([count]), array(total))[:, 0]

    assert found[0] == float(count > 0)
    assert found[1] == pytest.approx(np.log(1 + count))
    assert found[2:].tolist() == pytest.approx([above, above**2, 2 * above])


def test_a_chance_without_answers_does_not_learn_and_one_with_them_does() -> None:
    silent, learning = chance({1: -1.0}), chance({1: -1.0}, answers=(0.5, 0.0, 0.0, 0.0, 0.0))

    assert (silent.learns, learning.learns) == (False, True)
    assert told(silent, 1.0, count=5, total=9.0) == told(silent, 1.0)
    assert told(learning, 1.0) == told(silent, 1.0)
    assert told(learning, 1.0, count=5) > told(silent, 1.0, count=5)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_surest_chance_is_a_number_and_not_an_overflow(sign: float) -> None:
    with np.errstate(all="raise"):
        found = told(chance({0: 1e6 * sign}), 0.0)

    assert found == pytest.approx(1 / (1 + np.exp(-30 * sign)), rel=1e-5)


def test_what_is_hardly_ever_flagged_is_not_read() -> None:
    assert LEAST == 0.01
