import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.rendering.diff import TOKEN_LIMIT, Run, mark_words
from api.console.rendering.words import (
    HUES,
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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (90 * 60, "2 h"),
        (3_599, "1 h"),
        (47 * 3_600, "47 h"),
        (48 * 3_600, "2 days"),
        (10 * 24 * 3_600, "10 days"),
    ],
)
def test_a_duration_never_fills_its_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.text(min_size=1, max_size=20).filter(str.strip))
def test_a_person_always_has_a_letter_and_a_colour_that_there_is(name: str) -> None:
    assert initials(name)
    assert 0 <= hue(name) < HUES


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana", "A"),
        ("Ben Okri", "BO"),
        ("anna maria van dyck", "AD"),
        ("(bot) Ana", "A"),
        ("\u00e9mile zola", "\u00c9Z"),
        ("!?", "!"),
    ],
)
def test_initials_are_those_of_the_first_and_the_last_word(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("count", "limit", "words"),
    [(0, None, "0"), (1_000, None, "1,000"), (5, 5, "5"), (6, 5, "5+"), (10**6, 10**5, "100,000+")],
)
def test_a_count_stops_at_its_limit(count: int, limit: int | None, words: str) -> None:
    assert number(count, limit) == words


@given(st.floats(allow_nan=False))
def test_a_logit_of_any_size_is_a_probability(logit: float) -> None:
    found = probability_of(logit)

    assert found is not None
    assert 0 <= found <= 1
    assert (found > 0.5) == (logit > 0) or abs(logit) < 1e-9


def test_a_score_that_was_not_computed_has_no_probability() -> None:
    assert probability_of(None) is None


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (None, []),
        ({}, []),
        ({"answers": 0}, ["0 answers"]),
        ({"answers": 1, "accepted": True}, ["1 answer, one accepted"]),
        ({"accepted": True}, ["answered, one accepted"]),
        ({"accepted": False}, []),
        ({"votes": -1, "views": 2_000}, ["-1 votes", "2,000 views"]),
        ({"closed": True, "language": "en"}, ["closed", "en"]),
        ({"closed": False, "tags": ["a", "b"]}, ["a, b"]),
        ({"something": "newer", "votes": 1}, ["1 vote"]),
    ],
)
def test_facts_are_said_in_a_few_words(known: dict[str, object] | None, told: list[str]) -> None:
    assert facts(known) == told
