"""Words that may stand for each other: neighbours of one kind, never forms of one word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.data.kin import FUNCTION_WORDS, word_kin

WORDS = ("rome", "paris", "bread", "breads", "salt", "the", "soup")
VOCABULARY = {word: place for place, word in enumerate(WORDS)}


def vectors(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(len(WORDS), 4)).astype(np.float32)


def texts(*words: str, times: int = 5) -> list[str]:
    return [f"I see {word}" for word in words for _ in range(times)]


@given(st.integers(0, 30), st.integers(1, 4))
def test_kin_are_other_known_words_and_no_more_than_wanted(seed: int, limit: int) -> None:
    kin = word_kin(
        texts("Rome", "Paris", "bread", "breads", "salt", "the"),
        VOCABULARY,
        vectors(seed),
        limit=limit,
    )

    for word, others in kin.items():
        assert others
        assert len(others) <= limit
        assert word not in others
        assert set(others) <= {"rome", "paris"} or word not in {"rome", "paris"}
        assert not {word, *others} & FUNCTION_WORDS
        assert not ({word, *others} >= {"bread", "breads"} and word.startswith("bread"))


def on_a_plane() -> NDArray[np.float32]:
    """Return vectors around nought: bread and salt are near, soup is farther from both."""
    held = np.zeros((len(WORDS), 2), np.float32)
    held[VOCABULARY["bread"]] = [1.0, 0.0]
    held[VOCABULARY["salt"]] = [0.8, 0.6]
    held[VOCABULARY["soup"]] = [0.4, 0.9]
    held[VOCABULARY["breads"]] = [-2.2, -1.5]
    return held


def test_the_nearest_comes_first_and_what_is_too_near_is_left_out() -> None:
    seen = texts("bread", "breads", "salt", "soup")

    near, wide = (
        word_kin(seen, VOCABULARY, on_a_plane(), closest=closest) for closest in (0.75, 1.1)
    )

    assert wide["bread"] == ["salt", "soup"]
    assert near["bread"] == ["soup"]


@pytest.mark.parametrize(("times", "is_known"), [(4, False), (5, True)])
def test_a_rare_word_has_no_kin(times: int, *, is_known: bool) -> None:
    seen = [*texts("salt", times=times), *texts("bread", "breads", "soup")]

    kin = word_kin(seen, VOCABULARY, on_a_plane(), closest=1.1)

    assert ("salt" in kin) is is_known
    assert any("salt" in others for others in kin.values()) is is_known


def test_a_word_at_the_beginning_does_not_tell_whether_it_is_a_name() -> None:
    held = vectors(1)
    beginnings = [f"{word} is good" for word in ("Bread", "Salt") for _ in range(9)]

    assert word_kin(beginnings, VOCABULARY, held) == {}


def test_a_name_that_is_alone_has_no_kin() -> None:
    assert word_kin(texts("Rome"), VOCABULARY, vectors(2)) == {}
    assert word_kin([], VOCABULARY, vectors(2)) == {}
