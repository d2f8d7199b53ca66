import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.rendering.diff import TOKEN_LIMIT, Run, mark_words
from api.console.rendering.words import (
    ago,
    duration,
    facts,
    hue,
    initials,
    likelihood,
    number,
    probability_of,
)
from db.rows import PairKind


def own(runs: list[Run]) -> list[str]:
    return [run.text for run in runs if run.is_own]


def test_only_words_that_differ_are_marked() -> None:
    one, other = mark_words("How do I reverse a string?", "how do I reverse a list in Python")

    assert own(one) == ["string"]
    assert own(other) == ["list in Python"]


def test_case_spaces_and_punctuation_make_no_difference() -> None:
    one, other = mark_words("What is  HTTP?", "what is http")

    assert own(one) == own(other) == []


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_runs_of_a_text_are_the_text(one: str, other: str) -> None:
    first, second = mark_words(one, other)

    assert "".join(run.text for run in first) == one
    assert "".join(run.text for run in second) == other


def test_texts_too_long_to_align_are_shown_unmarked_and_fast() -> None:
    begun = time.process_time()
    one, other = mark_words("a b " * 10_000, "b c " * 10_000)

    assert own(one) == own(other) == []
    assert time.process_time() - begun < 1
    assert TOKEN_LIMIT < 20_000


@pytest.mark.parametrize(
    ("score", "words"),
    [(0.99, "Almost"), (0.9, "Very"), (0.8, "Likely"), (0.5, "Perhaps"), (0.1, "Probably not")],
)
def test_a_score_is_said_in_words(score: float, words: str) -> None:
    assert likelihood(score, PairKind.MODEL).startswith(words)
    assert likelihood(score, PairKind.SAME_TEXT).startswith("The same text")


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=40), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(seconds=-9), "just now"),
    ],
)
def test_times_are_said_in_their_largest_unit(gone: timedelta, words: str) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)

    assert ago(now - gone, now) == words


def test_small_words() -> None:
    assert [duration(s) for s in (7, 90, 7300, 3 * 86_400)] == ["7 s", "2 min", "2 h", "3 days"]
    assert (number(1204), number(100_001, 100_000)) == ("1,204", "100,000+")
    assert (initials("Ben Okri"), initials("ana"), initials("🦊")) == ("BO", "A", "🦊")
    assert hue("Ana") == hue("Ana")
    assert probability_of(None) is None
    assert probability_of(0.0) == 0.5
    assert probability_of(1e9) == 1.0


def test_facts_are_told_as_far_as_they_are_known() -> None:
    known = {"answers": 1, "accepted": True, "votes": -2, "views": 1200, "closed": True}

    assert facts(known | {"tags": ["a", "b"], "language": "en"}) == [
        "1 answer, one accepted",
        "-2 votes",
        "1,200 views",
        "closed",
        "en",
        "a, b",
    ]
    assert facts({"answers": 0, "accepted": False, "closed": False}) == ["0 answers"]
    assert facts(None) == []
