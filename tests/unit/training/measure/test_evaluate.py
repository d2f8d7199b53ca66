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


def test_one_label_alone_compares_nothing(pairs: list[LabelledPair], said: str) -> None:
    held = scored([0.5] * len(pairs))

    with pytest.raises(InvalidInputError, match=f"the set to compare on.*{said}"):
        compare(held, held, pairs)


def test_the_cosine_needs_no_other_model(tmp_path: object) -> None:
    found = score("cosine", PAIRS[:2], encoder=WordEncoder(), cache=tmp_path)  # type: ignore[arg-type]

    assert (found.name, found.asymmetry, found.scores.shape) == ("cosine", None, (2,))
    assert (np.abs(found.scores) <= 1 + 1e-6).all()
