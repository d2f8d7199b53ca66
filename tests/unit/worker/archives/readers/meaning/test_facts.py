"""What a row says beside its question, in the forms in which programs write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.meaning.facts import FACTS, facts_of_row
from worker.archives.readers.values.texts import Optionals
from worker.text.intake import TAGS, facts_of


def told(name: str, value: object) -> object:
    return getattr(facts_of_row({name: value}, Optionals()), name)


def dropped(name: str, value: object) -> str:
    found = Optionals()
    assert facts_of_row({name: value}, found) is NO_FACTS
    ((field, reason, _),) = found.dropped
    assert field == name
    return reason


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=6)
    | st.sampled_from(["1,234", "-", "NULL", "<a><b>", "{a,b}", "yes", "0000-00-00", "en_GB"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(FACTS), ANYTHING))
def test_whatever_a_row_says_is_used_or_dropped_by_its_name(row: dict[str, object]) -> None:
    found = Optionals()

    facts = facts_of_row(row, found)

    assert {one.field for one in found.dropped} <= set(row)
    assert facts_of(facts) == facts or facts.accepted_answer is not None  # usable as it is


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (" 7 ", 7),
        ("7.0", 7),
        ("7,00", 7),
        ("1,234", 1_234),
        ("1'234'567", 1_234_567),
        ("1 234", 1_234),
        ("1\u202f234", 1_234),
        ("1\u00a0234", 1_234),
        (["a", "b"], 2),
        ({"$numberInt": "3"}, 3),
        (b"12", 12),
        ("NULL", None),
        ("", None),
        (None, None),
        (0, 0),
    ],
)
def test_numbers_are_read_as_they_are_written(value: object, number: int | None) -> None:
    assert told("views", value) == number
    assert told("answers", value) == number


@pytest.mark.parametrize(
    "value",
    ["many", "1.5", "1,2345", "1,234 567", "0x10", "1e3", True, "-3", "9" * 17, float("inf")],
)
def test_what_is_no_number_is_dropped_with_the_reason(value: object) -> None:
    assert dropped("views", value).startswith("it ")


def test_votes_may_be_negative_and_views_may_not() -> None:
    assert told("votes", "-3") == -3
    assert "must lie between" in dropped("views", -3)


@pytest.mark.parametrize(
    ("value", "is_so"),
    [
        (True, True),
        (1, True),
        ("1", True),
        ("yes", True),
        ("Y", True),
        ("2024-05-01 12:00:00", True),
        ("duplicate", True),
        (False, False),
        (0, False),
        ("no", False),
        ("f", False),
        ("0000-00-00 00:00:00", False),
        ("false", False),
    ],
)
def test_closed_is_a_yes_a_date_or_a_reason(value: object, *, is_so: bool) -> None:
    assert told("closed", value) is is_so


@pytest.mark.parametrize("value", ["x", "7", "?"])
def test_one_sign_is_neither_yes_nor_no(value: str) -> None:
    assert "neither yes nor no" in dropped("accepted", value)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("eggs, soft", ("eggs", "soft")),
        ("<python><c++>", ("python", "c++")),
        ("|a|b|", ("a", "b")),
        ("a;b", ("a", "b")),
        ("['a', \"b\"]", ("a", "b")),
        ('["a","b"]', ("a", "b")),
        ("{a,b}", ("a", "b")),
        ("[]", ()),
        (["a", {"name": "b"}, " a "], ("a", "b")),
        ([], ()),
        ("c#", ("c#",)),
        ("two words", ("two words",)),
    ],
)
def test_tags_are_read_from_every_way_of_listing_them(value: object, tags: tuple[str, ...]) -> None:
    assert told("tags", value) == tags


def test_more_tags_than_are_kept_are_cut() -> None:
    assert told("tags", [f"t{n}" for n in range(TAGS + 9)]) == tuple(f"t{n}" for n in range(TAGS))


@pytest.mark.parametrize("value", ["0", "", None, "NULL", 0])
def test_no_answer_was_accepted_where_its_id_is_nought(value: object) -> None:
    assert facts_of_row({"accepted_answer": value}, Optionals()) is NO_FACTS


def test_an_accepted_answer_is_told_by_its_id() -> None:
    assert facts_of_row({"accepted_answer": 17}, Optionals()) == Facts(accepted_answer="17")


@pytest.mark.parametrize(("value", "language"), [("en", "en"), ("pt_BR", "pt-BR"), ("none", None)])
def test_a_language_is_a_tag(value: str, language: str | None) -> None:
    assert told("language", value) == language


def test_a_language_that_is_none_is_dropped() -> None:
    assert "language tag" in dropped("language", "plain English")
