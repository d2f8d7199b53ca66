from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInputError
from training.data.mining import hard_negatives, inferred_negatives, mined_negatives, neighbours
from training.data.pairs import LabelledPair
from training.data.splits import Components
from training.measure.figures.metrics import Floats

DEGREES = {
    "How do I bake bread?": 0,
    "How is bread baked?": 10,
    "How do I bake a cake?": 20,
    "how do i bake a  cake": 21,
    "How do I bake bread at home?": 2,
    "Is it Monday?": 170,
}
BREAD, BAKED, CAKE, SHOUTED, HOME, MONDAY = DEGREES
KNOWN = [LabelledPair(BREAD, BAKED, 1.0), LabelledPair(BREAD, MONDAY, 0.0)]


class _Circle:
    """An `Encoder` that lays each question at an angle of its own."""

    name = "circle"
    digest = "digest-of-circle"
    dimension = 2

    def __init__(self, degrees: Mapping[str, float] = DEGREES) -> None:
        self._degrees = degrees

    def encode(self, texts: Sequence[str]) -> Floats:
        angles = np.radians([self._degrees[text] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def mined(
    texts: Sequence[str],
    *,
    known: Sequence[LabelledPair] = KNOWN,
    high: float = 0.999,
    per_question: int = 9,
) -> list[LabelledPair]:
    return mined_negatives(
        texts, known, encoder=_Circle(), between=(0.9, high), per_question=per_question
    )


def test_close_pairs_that_are_no_known_duplicates_are_found_nearest_first() -> None:
    found = mined([CAKE])

    assert found == [LabelledPair(CAKE, BAKED, 0.0), LabelledPair(CAKE, BREAD, 0.0)]


def test_no_chain_of_duplicates_joins_a_mined_pair() -> None:
    assert mined([CAKE], known=[*KNOWN, LabelledPair(BAKED, CAKE, 1.0)]) == []


def test_a_pair_that_people_labelled_is_not_mined_again() -> None:
    found = mined([CAKE], known=[*KNOWN, LabelledPair(BREAD, CAKE, 0.0)])

    assert found == [LabelledPair(CAKE, BAKED, 0.0)]


def test_a_question_in_other_letters_is_the_same_question() -> None:
    found = mined([CAKE, SHOUTED], high=1.0)

    assert {CAKE, SHOUTED} not in [{pair.question1, pair.question2} for pair in found]


def test_pairs_nearer_than_the_cap_may_be_duplicates_nobody_knows() -> None:
    near = LabelledPair(HOME, BREAD, 0.0)

    assert near in mined([HOME], high=1.0)
    assert near not in mined([HOME], high=0.99)


def test_no_question_is_in_more_pairs_than_wanted() -> None:
    found = mined([CAKE, HOME], per_question=1)

    texts = [text for pair in found for text in (pair.question1, pair.question2)]
    assert len(found) == 2
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("between", [(0.9, 0.6), (0.5, 1.5)])
def test_cosines_in_the_wrong_order_are_refused(between: tuple[float, float]) -> None:
    with pytest.raises(InvalidInputError, match="low < high"):
        mined_negatives([], KNOWN, encoder=_Circle(), between=between, per_question=1)


@given(
    st.integers(2, 12),
    st.integers(0, 9),
    st.sampled_from([(-1.0, 1.0), (-1.0, 0.3), (0.0, 0.9), (0.5, 0.6)]),
    st.integers(1, 11),
)
def test_neighbours_are_those_that_comparing_each_with_each_finds(
    count: int, seed: int, between: tuple[float, float], limit: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    limit = min(limit, count - 1)
    (low, high), cosines = between, vectors @ vectors.T

    found = list(neighbours(vectors, np.arange(count), low=low, high=high, limit=limit))

    for one in range(count):
        near = [
            (float(cosines[one, other]), other)
            for other in range(count)
            if other != one and low <= cosines[one, other] <= high
        ]
        mine = sorted(((cosine, other) for a, other, cosine in found if a == one), reverse=True)
        assert [other for _, other in mine] == [
            other for _, other in sorted(near, reverse=True)[:limit]
        ]


def test_where_every_cosine_is_wanted_the_cap_still_holds() -> None:
    found = mined_negatives(
        [CAKE, HOME], KNOWN, encoder=_Circle(), between=(-1.0, 0.99), per_question=9
    )

    pairs = {frozenset((pair.question1, pair.question2)) for pair in found}
    assert frozenset((HOME, BREAD)) not in pairs  # at 2 degrees
    assert frozenset((HOME, MONDAY)) in pairs


QUESTIONS = st.sampled_from("abcdef")
EDGES = st.lists(
    st.tuples(QUESTIONS, QUESTIONS).filter(lambda pair: pair[0] != pair[1]), max_size=8
)


@given(EDGES, EDGES)
def test_an_inferred_pair_is_new_and_follows_from_two_that_were_labelled(
    same: list[tuple[str, str]], different: list[tuple[str, str]]
) -> None:
    alike, apart = ({frozenset(pair) for pair in pairs} for pairs in (same, different))

    found = [frozenset(pair) for pair in inferred_negatives(same, different)]

    assert len(found) == len(set(found))
    assert not set(found) & (alike | apart)
    for left, right in map(sorted, found):
        sides = [(frozenset((left, one)), frozenset((one, right))) for one in "abcdef"]
        assert any((a in alike and b in apart) or (a in apart and b in alike) for a, b in sides)


@given(EDGES, EDGES)
def test_what_a_chain_of_duplicates_joins_is_no_hard_negative(
    close: list[tuple[str, str]], same: list[tuple[str, str]]
) -> None:
    chains = Components(same)
    places = [("abcdef".index(a), "abcdef".index(b), 0.9) for a, b in close]

    found = hard_negatives(places, "abcdef", chains)

    assert all(chains.find(a) != chains.find(b) for a, b in found)
    assert len({frozenset(pair) for pair in found}) == len(found)
    left_out = {frozenset(pair) for pair in close} - {frozenset(pair) for pair in found}
    assert all(len({chains.find(one) for one in pair}) == 1 for pair in left_out)
