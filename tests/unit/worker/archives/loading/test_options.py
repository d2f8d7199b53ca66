"""What somebody says of a file is checked before the file is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInputError
from worker.archives.load_job import Format
from worker.archives.loading.options import mapping_of, means_of
from worker.archives.readers.values.dates import DateOrder


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("", []),
        ("id", ["id"]),
        ("id, title ,body", ["id", "title", "body"]),
        ("id,,title", ["id", "", "title"]),
    ],
)
def test_columns_are_names_divided_by_commas(columns: str, names: list[str]) -> None:
    assert list(means_of(columns=columns).hints.columns) == names


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("", ""),
        ("https://a.example", "https://a.example/"),
        ("https://a.example/forum/", "https://a.example/forum/"),
    ],
)
def test_a_base_is_a_folder(given_: str, kept: str) -> None:
    assert means_of(base_url=given_).wishes.base_url == kept


@pytest.mark.parametrize("base_url", ["a.example", "ftp://a.example", "//a.example", " https://a"])
def test_a_base_that_is_no_address_is_refused(base_url: str) -> None:
    with pytest.raises(InvalidInputError, match="--base-url must begin with http"):
        means_of(base_url=base_url)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "UTF-16", "koi8-r", "cesu-8"])
def test_encodings_are_known_by_their_names(encoding: str) -> None:
    assert means_of(encoding=encoding).hints.encoding == encoding


@pytest.mark.parametrize(
    "encoding", ["", "klingon", "rot13", "base64", "hex", "a\0b", "zlib", "undefined"]
)
def test_what_is_no_encoding_of_texts_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidInputError, match="there is no encoding"):
        means_of(encoding=encoding)


@pytest.mark.parametrize("condition", ["", "deleted", "=no", "a~("])
def test_a_condition_that_is_none_is_refused_at_once(condition: str) -> None:
    with pytest.raises(InvalidInputError):
        means_of(visible_if=["deleted=no", condition])


def test_what_is_not_said_is_left_to_the_reader() -> None:
    plain = means_of()

    assert (plain.hints.form, plain.hints.encoding, plain.records, plain.shape) == (
        None,
        None,
        "",
        "",
    )
    assert plain.wishes.dates is DateOrder.AUTO
    assert not plain.wishes.strict
    assert means_of(form=Format.CSV, dates="dmy").wishes.dates is DateOrder.DAY_FIRST


@pytest.mark.parametrize("dates", ["", "ymd", "DMY"])
def test_an_order_of_dates_that_is_none_is_an_error(dates: str) -> None:
    with pytest.raises(ValueError, match="DateOrder"):
        means_of(dates=dates)


NAMES = st.text("abc._ ", min_size=1, max_size=5).map(str.strip).filter(bool)


@given(st.dictionaries(NAMES, st.text("abc=. ", max_size=6).map(str.strip)))
def test_a_mapping_comes_back_from_its_pairs(chosen: dict[str, str]) -> None:
    said = [f" {field} = {column} " for field, column in chosen.items()]

    assert mapping_of(said, option="--map ") == chosen


@pytest.mark.parametrize("said", [None, []])
def test_no_mapping_maps_nothing(said: list[str] | None) -> None:
    assert mapping_of(said, option="--map ") == {}


def test_a_pair_without_its_sign_is_shown_as_it_was_written() -> None:
    with pytest.raises(InvalidInputError, match=r"^--map title: must be FIELD=COLUMN$"):
        mapping_of(["id=a", "title"], option="--map ")
