import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.overlap import overlaps, words

TITLES = st.lists(st.text(alphabet="abc 1?é_", max_size=12), min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("How do I boil an egg?", {"how", "do", "i", "boil", "an", "egg"}),
        ("snake_case and C++17", {"snake", "case", "and", "c", "17"}),
        ("Ärger in Köln: ÄRGER", {"ärger", "in", "köln"}),
        ("Как дела, как?", {"как", "дела"}),
        ("?! …", set()),
    ],
)
def test_words_are_runs_of_letters_or_digits_in_lower_case(title: str, found: set[str]) -> None:
    assert words(title) == found


@given(TITLES)
def test_overlap_is_the_jaccard_index_whatever_the_order(titles: list[str]) -> None:
    pairs = np.array([(a, b) for a in range(len(titles)) for b in range(len(titles))], np.int32)

    found = overlaps(titles, pairs)

    assert found == pytest.approx(overlaps(titles, pairs[:, ::-1]))
    for (a, b), share in zip(pairs.tolist(), found.tolist(), strict=True):
        one, other = words(titles[a]), words(titles[b])
        assert share == pytest.approx(len(one & other) / max(len(one | other), 1))


def test_only_titles_of_equal_words_overlap_wholly() -> None:
    titles = ["convert colour to black and white", "convert black and white to colour", "black"]

    found = overlaps(titles, np.array([[0, 1], [0, 2], [1, 1]], np.int32))

    assert found.tolist() == [1.0, pytest.approx(1 / 6), 1.0]
    assert found.dtype == np.float32
    assert overlaps(titles, np.zeros((0, 2), np.int32)).shape == (0,)
