"""Rows of other tables are found by the key of a question, whatever their types."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.meaning.lookups import Lookups, path_value
from worker.archives.readers.meaning.shapes import Lookup
from worker.archives.readers.records import Row

POSTS = Lookup(name="post", table="posts", key="topic_id", via="id", columns=("text", "at"))


@pytest.fixture
def lookups() -> Iterator[Lookups]:
    made = Lookups()
    yield made
    made.close()


def rows(*held: dict[str, object] | str) -> list[Row]:
    return [Row(line, values) for line, values in enumerate(held, start=1)]


KEYS = st.integers(0, 6)


@given(st.lists(st.tuples(KEYS, st.text(max_size=4)), max_size=12), KEYS)
def test_a_question_gets_the_first_row_of_its_key(held: list[tuple[int, str]], asked: int) -> None:
    lookups = Lookups()
    count = lookups.fill(POSTS, rows(*({"topic_id": key, "text": text} for key, text in held)))

    joined = lookups.join({"id": asked})
    lookups.close()

    first = next((text for key, text in held if key == asked), None)
    assert count == len(held)
    if held:
        assert joined["post"] == ({} if first is None else {"text": first, "at": None})


@pytest.mark.parametrize("key", [7, "7", 7.0, " 7 "])
@pytest.mark.parametrize("asked", [7, "7", 7.0])
def test_a_key_is_the_same_as_a_number_and_as_a_text(
    lookups: Lookups, key: object, asked: object
) -> None:
    lookups.fill(POSTS, rows({"topic_id": key, "text": "a"}))

    assert lookups.join({"id": asked})["post"]["text"] == "a"


@pytest.mark.parametrize("key", [None, "", [], {}])
def test_a_row_without_a_key_belongs_to_nobody(lookups: Lookups, key: object) -> None:
    count = lookups.fill(POSTS, rows({"topic_id": key, "text": "a"}, {"topic_id": 1, "text": "b"}))

    assert count == 1
    assert lookups.join({"id": key})["post"] == {}


def test_rows_that_cannot_be_read_or_do_not_fit_are_passed_over(lookups: Lookups) -> None:
    first = Lookup(
        name="post", table="posts", key="topic_id", via="id", columns=("text",), where=("floor=1",)
    )
    count = lookups.fill(
        first,
        rows(
            "cannot be read",
            {"topic_id": 1, "text": "reply", "floor": 2},
            {"topic_id": 1, "text": "question", "floor": 1},
        ),
    )

    assert count == 1
    assert lookups.join({"id": 1})["post"] == {"text": "question"}


def test_a_table_without_rows_says_nothing_and_one_whose_rows_do_not_fit_says_missing(
    lookups: Lookups,
) -> None:
    fitting = Lookup(name="access", table="access", key="id", via="id", where=("open=1",))
    lookups.fill(POSTS, [])
    lookups.fill(fitting, rows({"id": 1, "open": 0}))

    assert lookups.join({"id": 1}) == {"id": 1, "access": {}}


def test_a_lookup_may_go_by_what_another_found(lookups: Lookups) -> None:
    forum = Lookup(name="forum", table="forums", key="id", via="post.at", columns=("title",))
    lookups.fill(POSTS, rows({"topic_id": 1, "text": "a", "at": 5}))
    lookups.fill(forum, rows({"id": 5, "title": "Eggs"}))

    assert lookups.join({"id": 1})["forum"] == {"title": "Eggs"}


def test_a_row_keeps_its_own_values_and_is_not_changed(lookups: Lookups) -> None:
    lookups.fill(POSTS, rows({"topic_id": 1, "text": "a"}))
    row = {"id": 1, "title": "Why?"}

    joined = lookups.join(row)

    assert joined["title"] == "Why?"
    assert row == {"id": 1, "title": "Why?"}


def test_a_long_text_is_cut_and_bytes_are_text(lookups: Lookups) -> None:
    lookups.fill(POSTS, rows({"topic_id": 1, "text": "a" * 300_000, "at": b"caf\xc3\xa9 \xff"}))

    held = lookups.join({"id": 1})["post"]

    assert len(held["text"]) == 200_000
    assert held["at"] == "caf\u00e9 \ufffd"


def test_more_rows_than_are_saved_at_once_are_all_there(lookups: Lookups) -> None:
    count = lookups.fill(POSTS, (Row(n, {"topic_id": n, "text": str(n)}) for n in range(4_500)))

    assert count == 4_500
    assert {
        lookups.join({"id": n})["post"]["text"] == str(n) for n in (0, 1_999, 2_000, 4_499)
    } == {True}


@pytest.mark.parametrize(
    ("paths", "value"),
    [
        ("a", 1),
        ("none|a", 1),
        ("empty|a", 1),
        ("none", None),
        ("owner.name", "ana"),
        ("list", None),
        ("owner", None),
        ("link~t=(\\d+)", "42"),
        ("link~x=(\\d+)", None),
        ("link~t=(4|5)", "4"),
        ("dotted.name", "own"),
    ],
)
def test_a_value_is_the_first_of_its_alternatives(paths: str, value: object) -> None:
    row = {
        "a": 1,
        "empty": "",
        "owner": {"name": "ana"},
        "list": [1],
        "link": "https://a.example/?t=42",
        "dotted.name": "own",
    }

    assert path_value(row, paths) == value
