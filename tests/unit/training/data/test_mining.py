from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from db.errors import InvalidInputError
from training.data.mining import mined_negatives
from training.data.pairs import LabelledPair
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
