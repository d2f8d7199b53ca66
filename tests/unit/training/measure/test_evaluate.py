"""Two models compared on the same pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.measure.evaluate import Scored, compare, score
from worker.inference.testing import WordEncoder

PAIRS = [LabelledPair(f"left {n}", f"right {n}", float(n % 2)) for n in range(12)]
SCORES = st.lists(
    st.integers(-999, 999).map(lambda number: number / 1_000),
    min_size=len(PAIRS),
    max_size=len(PAIRS),
    unique=True,
)


def scored(scores: list[float], *, asymmetry: float | None = None) -> Scored:
    return Scored(name="a", scores=np.array(scores, np.float32), asymmetry=asymmetry)


@settings(max_examples=15)
@given(SCORES)
def test_a_cosine_below_nought_is_ranked_like_any_other(cosines: list[float]) -> None:
    found = compare(scored(cosines), scored(cosines), PAIRS, samples=2)

    assert found.summaries[0]["average_precision"] == pytest.approx(
        found.average_precision[0].value, abs=1e-6
    )
    assert found.difference.value == 0.0
    assert "calibration_error" not in found.summaries[0]


def test_a_probability_keeps_its_calibration_and_its_asymmetry() -> None:
    probabilities = np.linspace(0, 1, len(PAIRS)).tolist()

    (figures, _) = compare(
        scored(probabilities, asymmetry=0.25), scored(probabilities), PAIRS, samples=2
    ).summaries

    assert figures["asymmetry"] == 0.25
    assert "calibration_error" in figures


def test_pairs_in_dispute_are_those_that_are_ranked_most_differently() -> None:
    first = np.linspace(0.1, 0.9, len(PAIRS))
    second = first / 2  # the same order on another scale
    second[3] = 0.5

    found = compare(scored(first.tolist()), scored(second.tolist()), PAIRS, samples=2, shown=1)

    (dispute,) = found.disagreements
    assert dispute.pair == PAIRS[3]
    assert dispute.first == pytest.approx(first[3])
    assert dispute.second == pytest.approx(0.5)


@settings(max_examples=15)
@given(SCORES, st.integers(0, 15))
def test_models_that_rank_alike_dispute_nothing_in_their_first_order(
    scores: list[float], shown: int
) -> None:
    higher = [(one + 1) / 2 for one in scores]

    found = compare(scored(scores), scored(higher), PAIRS, samples=2, shown=shown)

    assert [one.pair for one in found.disagreements] == PAIRS[:shown]


@pytest.mark.parametrize("count", [0, len(PAIRS) - 1, len(PAIRS) + 1])
def test_a_model_that_left_a_pair_out_is_refused(count: int) -> None:
    whole = np.linspace(0, 1, len(PAIRS)).tolist()

    with pytest.raises(InvalidInputError, match="scored every pair"):
        compare(scored(whole), scored([0.5] * count), PAIRS)


@pytest.mark.parametrize(
    ("pairs", "said"), [([], "is empty"), (PAIRS[::2], "no duplicates"), (PAIRS[1::2], "only dup")]
)
def test_one_label_alone_compares_nothing(pairs: list[LabelledPair], said: str) -> None:
    held = scored([0.5] * len(pairs))

    with pytest.raises(InvalidInputError, match=f"the set to compare on.*{said}"):
        compare(held, held, pairs)


def test_the_cosine_needs_no_other_model(tmp_path: object) -> None:
    found = score("cosine", PAIRS[:2], encoder=WordEncoder(), cache=tmp_path)  # type: ignore[arg-type]

    assert (found.name, found.asymmetry, found.scores.shape) == ("cosine", None, (2,))
    assert (np.abs(found.scores) <= 1 + 1e-6).all()
