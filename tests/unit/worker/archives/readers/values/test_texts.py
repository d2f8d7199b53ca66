"""Values of any type become texts, or are refused or dropped by name; nothing else happens."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.values.markup import Markup
from worker.archives.readers.values.texts import (
    Optionals,
    ValueUnusableError,
    id_text,
    raw_text,
    required_text,
)
from worker.text.intake import BODY_LENGTH, ID_LENGTH, LABEL_LENGTH, URL_LENGTH

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$oid", "S", "name", "id", "title", "x"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)


@given(VALUES)
@settings(max_examples=300)
def test_whatever_a_field_holds_is_a_clean_text_or_refused_by_name(value: object) -> None:
    text = ""
    with suppress(ValueUnusableError):
        text = required_text(value, "the title")
    with suppress(ValueUnusableError):
        text += id_text(value, is_float=True)

    assert text == text.strip()
    assert text.encode().decode() == text


@given(VALUES)
@settings(max_examples=200)
def test_whatever_is_beside_a_question_is_used_or_dropped_and_said(value: object) -> None:
    beside = Optionals()
    body = beside.body(value, Markup.GUESS)
    label = beside.label("category", value)
    url = beside.url(value, "https://forum.example/")

    assert len(body) <= BODY_LENGTH
    assert label is None or 0 < len(label) <= LABEL_LENGTH
    assert url is None or (url.startswith("http") and len(url) <= URL_LENGTH)
    assert all(one.reason and one.example.isprintable() for one in beside.dropped)


@given(st.integers())
def test_a_number_is_the_same_id_as_a_number_and_as_a_text(number: int) -> None:
    assert id_text(number, is_float=False) == id_text(str(number), is_float=False) == str(number)


@given(st.integers(0, 2**53))
def test_an_id_of_a_column_of_floats_has_no_point(number: int) -> None:
    assert id_text(float(number), is_float=True) == str(number)
    assert id_text(f"{number}.0", is_float=True) == str(number)
    assert id_text(f"{number}.0", is_float=False) == f"{number}.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("NULL", ""),
        ("\\N", ""),
        ("  Why?  ", "Why?"),
        ("Why\x0bnot?", "Why not?"),
        (b"Why?", "Why?"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (10**400, f"1{'0' * 400}"),
        (["Why?"], "Why?"),
        ({"$numberLong": "42"}, "42"),
        ({"S": "Why?"}, "Why?"),
    ],
)
def test_texts_of_values(value: object, text: str) -> None:
    assert required_text(value, "the title") == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "is not text"),
        (["Why?", "How?"], "is not text"),
        ({"name": "x"}, "is not text"),
        ("\udc80", "is --encoding right"),
        ("\ud800", "half of a sign"),
        (b"\xff\xfe", "is --encoding right"),
    ],
)
def test_values_without_a_text_are_refused(value: object, reason: str) -> None:
    with pytest.raises(ValueUnusableError, match=f"the title .*{reason}"):
        required_text(value, "the title")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('="00042"', "00042"),
        ("42", "42"),
        (b"42", "42"),
        (bytes.fromhex("00112233445566778899aabbccddeeff"), "00112233445566778899aabbccddeeff"),
        ({"$oid": "5f1d"}, "5f1d"),
    ],
)
def test_ids_as_exporters_write_them(value: object, text: str) -> None:
    assert id_text(value, is_float=False) == text


@pytest.mark.parametrize("rounded", ["1.23E+15", "4,5E+20", "1E+5"])
def test_an_id_that_a_spreadsheet_rounded_is_refused(rounded: str) -> None:
    with pytest.raises(ValueUnusableError, match="export it as text"):
        id_text(rounded, is_float=False)


def test_an_id_that_is_too_long_is_refused() -> None:
    assert id_text("x" * ID_LENGTH, is_float=False) == "x" * ID_LENGTH
    with pytest.raises(ValueUnusableError, match="longer than"):
        id_text("x" * (ID_LENGTH + 1), is_float=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"id": 7, "username": "ana"}, "ana"),
        ({"id": 7}, "7"),
        ({"nothing": 7}, ""),
        (["bread", "", "eggs"], "bread eggs"),
        ([{"name": "bread"}, {"name": "eggs"}], "bread eggs"),
    ],
)
def test_the_best_name_of_an_object_stands_for_it(value: object, text: str) -> None:
    assert raw_text(value) == text


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Bread", "Bread"),
        (" Bread  and eggs ", "Bread  and eggs"),
        ("<bread><eggs>", "bread eggs"),
        ("|bread|eggs|", "bread eggs"),
        ("null", None),
        ("", None),
        (None, None),
        ("Brötchen", "Brötchen"),
    ],
)
def test_categories(value: object, label: str | None) -> None:
    assert Optionals().label("category", value) == label


def test_what_is_too_long_is_cut_and_said() -> None:
    beside = Optionals()

    assert beside.body("x" * (BODY_LENGTH + 1), Markup.GUESS) == "x" * BODY_LENGTH
    assert beside.label("author", "x" * (LABEL_LENGTH + 1)) == "x" * LABEL_LENGTH
    assert beside.url("https://forum.example/" + "x" * URL_LENGTH, "") is None
    assert [one.field for one in beside.dropped] == ["body", "author", "url"]
    assert all(len(one.example) <= 60 for one in beside.dropped)


@pytest.mark.parametrize(
    ("value", "base_url", "url"),
    [
        ("https://forum.example/t/7", "", "https://forum.example/t/7"),
        ("//forum.example/t/7", "", "https://forum.example/t/7"),
        ("/t/7", "https://forum.example", "https://forum.example/t/7"),
        ("t/7", "https://forum.example/old/", "https://forum.example/old/t/7"),
        ("/t/7", "", None),
        ("#7", "", None),
        ("null", "https://forum.example", None),
        ("https://forum.example/t/a b", "", "https://forum.example/t/a%20b"),
        ("javascript:alert(1)", "", None),
    ],
)
def test_addresses(value: str, base_url: str, url: str | None) -> None:
    assert Optionals().url(value, base_url) == url
