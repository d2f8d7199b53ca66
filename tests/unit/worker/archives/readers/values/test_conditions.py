"""Conditions on columns: what they say, what they deny, and rows that lack the column."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from db.errors import InvalidInputError
from worker.archives.readers.values.conditions import NO, NULLS, YES, Condition, value_at

CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.binary(max_size=3)
    | st.sampled_from(["yes", "NO", "0", "1.0", "NULL", "²", "0000-00-00 00:00"])
    | st.lists(st.integers(0, 3), max_size=3)
    | st.dictionaries(st.just("id"), st.integers(), max_size=1)
)
WANTED = st.sampled_from(
    ["yes", "no", "empty", "even", "missing", "found", "0,2,3", "regular", "same other", "1"]
)


def met(text: str, row: dict[str, Any]) -> bool:
    return Condition.parse(text).is_met(row)


@given(CELLS, WANTED)
@settings(max_examples=200)
def test_a_condition_and_its_denial_are_never_both_met_nor_both_not(
    value: object, wanted: str
) -> None:
    row = {"column": value, "other": "1"}

    assert met(f"column={wanted}", row) != met(f"column!={wanted}", row)
    assert met(f"column~{wanted}", row) != met(f"column!~{wanted}", row)
    assert met("column=empty", row) != met("column=not empty", row)


@given(WANTED, st.sampled_from(["=", "!=", "~", "!~", ":"]))
def test_a_column_that_a_row_lacks_meets_no_condition(wanted: str, sign: str) -> None:
    assert not met(f"column{sign}{wanted}", {"another": 1})


@given(CELLS)
def test_nothing_is_both_a_yes_and_a_no(value: object) -> None:
    assume(not isinstance(value, list))
    assert not (met("column=yes", {"column": value}) and met("column=no", {"column": value}))


def test_the_words_of_a_yes_a_no_and_nothing_are_apart() -> None:
    assert not YES & NO
    assert not YES & NULLS
    assert not NO & NULLS
    assert all(one == one.lower() for one in YES | NO | NULLS)


@pytest.mark.parametrize(
    ("text", "value", "is_met"),
    [
        ("is_pm=yes", 1, True),
        ("is_pm=yes", True, True),
        ("is_pm=yes", "Ja", True),
        ("is_pm=yes", b"\x01", True),  # a bit of MySQL
        ("is_pm = no ", "0", True),
        ("is_pm=no", "", False),
        ("topic_visibility=0,2, 3", 2.0, True),
        ("topic_visibility=0,2,3", "1", False),
        ("deleted_at=not empty", "2014-01-01", True),
        ("deleted_at=not empty", "0000-00-00 00:00:00", False),
        ("deleted_at!=empty", None, False),
        ("archetype!=regular", "private_message", True),
        ("archetype!='Regular'", "regular", False),
        ("visible:no", "f", True),
        ("visible==no", False, True),
        ("subject~^Re:", "RE: eggs", True),
        ("subject~^Re:", "Eggs, re: bread", False),
        ("subject!~^Re:", None, True),
        ("bits=even", "6", True),
        ("bits=even", 7, False),
        ("bits=even", "many", False),
        ("bits=even", "²", False),
        ("access=missing", {}, True),
        ("private=found", {"id": 1}, True),
        ("private=found", {}, False),
        ("tags=faq", ["bread", "FAQ"], True),
        ("tags=empty", [], True),
        ("tags=empty", ["bread"], False),
    ],
)
def test_what_a_condition_says(text: str, value: object, *, is_met: bool) -> None:
    column = text.replace(":", "=").replace("~", "=").split("=")[0].rstrip("! ")

    assert met(text, {column: value}) is is_met


def test_a_column_may_be_compared_with_another() -> None:
    assert met("starter=same nodeid", {"starter": 7.0, "nodeid": "7"})
    assert not met("starter=same nodeid", {"starter": 7, "nodeid": 8})


@pytest.mark.parametrize("wrong", ["", "is_pm", "=yes", "~x"])
def test_what_is_no_condition_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="such as is_pm=no"):
        Condition.parse(wrong)


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not a regular expression"):
        Condition.parse("subject~(")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("owner.name", "Ana"),
        ("posts.0.text", "Why?"),
        ("posts.1.text", None),
        ("posts.².text", None),
        ("posts.x", None),
        ("owner.name.first", None),
        ("a.b", "a column of that name"),
        ("nobody", None),
    ],
)
def test_a_path_leads_into_a_row(path: str, value: object) -> None:
    row = {"owner": {"name": "Ana"}, "posts": [{"text": "Why?"}], "a.b": "a column of that name"}

    assert value_at(row, path) == value
