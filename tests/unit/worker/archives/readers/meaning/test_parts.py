"""A file is read in parts that are the same again, whatever was put in or taken out before them."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.meaning import parts
from worker.archives.readers.meaning.parts import ROWS, Part, digest_of, parts_of
from worker.archives.readers.records import ManyRows, Row, Rows


def rows(start: int, end: int, *, width: int = 10) -> list[Row]:
    return [Row(n, {"id": f"q{n}", "title": "x" * width}) for n in range(start, end)]


def cut(held: Sequence[Rows], key: str | None = "id") -> list[list[Row]]:
    return [[row for _, row in part.rows()] for part in parts_of(iter(held), key)]


def by_column(held: Sequence[Row], count: int) -> list[Rows]:
    """Return rows of the same columns as a reader yields them that splits *count* at once."""
    return [_many(held[start : start + count]) for start in range(0, len(held), count)]


def _many(some: Sequence[Row]) -> ManyRows:
    values = [row.values for row in some if not isinstance(row.values, str)]
    columns = {name: tuple(one[name] for one in values) for name in values[0]}
    return ManyRows([row.line for row in some], columns)


@pytest.mark.parametrize("count", [1, 7, 64, 10_000])
def test_rows_by_column_make_the_same_parts_and_digests(count: int) -> None:
    plain = rows(0, 20_000)
    mixed = [*by_column(plain[:9_000], count), *plain[9_000:9_003], Row(-1, "cannot be read")]
    mixed += by_column(plain[9_003:], count)

    assert cut(by_column(plain, count)) == cut(plain)
    assert cut(mixed) == cut([*plain[:9_003], Row(-1, "cannot be read"), *plain[9_003:]])
    for many, single in zip(
        parts_of(iter(by_column(plain, count)), "id"), parts_of(iter(plain), "id"), strict=True
    ):
        assert digest_of(many, ["id", "title", "x"], "") == digest_of(
            single, ["id", "title", "x"], ""
        )


def test_texts_do_not_move_from_one_row_or_column_to_the_next() -> None:
    held = [
        {"a": "x", "b": "y"},
        {"a": "xy", "b": ""},
        {"a": "", "b": "xy"},
        {"a": "x\x1f\n", "b": ""},
    ]

    digests = {digest_of(part([one, one]), ["a", "b"], "") for one in held}

    assert len(digests) == len(held)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1_024, 9_000])
@pytest.mark.parametrize("key", ["id", "title", "none", None])
def test_no_row_is_lost_and_none_changes_its_place(count: int, key: str | None) -> None:
    held = rows(0, count)

    found = cut(held, key)

    assert list(chain.from_iterable(found)) == held
    assert all(0 < len(part) <= ROWS for part in found)


def test_rows_before_a_part_do_not_change_the_parts_behind_them() -> None:
    plain = cut(rows(0, 14_000))
    longer = cut([*rows(-77, 0), *rows(0, 14_000)])
    shorter = cut(rows(333, 14_000))

    for other in (longer, shorter):
        same = [part for part in plain if part in other]
        assert len(same) >= len(plain) - 3
        assert same[-1] == plain[-1] == other[-1]


def test_parts_are_of_some_thousands_of_rows() -> None:
    sizes = [len(part) for part in cut(rows(0, 30_000))]

    assert min(sizes[:-1]) >= 3_072
    assert 3_500 < sum(sizes) / len(sizes) < 5_000


def test_long_rows_make_short_parts() -> None:
    sizes = [len(part) for part in cut(rows(0, 200, width=100_000))]

    assert sum(sizes) == 200
    assert max(sizes) <= 64


def test_rows_that_cannot_be_read_stay_in_their_parts() -> None:
    held = [*rows(0, 20), Row(20, "cannot be read"), *rows(21, 40)]

    assert list(chain.from_iterable(cut(held))) == held


def test_values_that_are_no_texts_are_no_harm() -> None:
    held = [Row(n, {"id": n, "score": 1.5, "none": None, "tags": ["a"]}) for n in range(3_000)]

    assert list(chain.from_iterable(cut(held))) == held


VALUES = st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2)
ROW = st.dictionaries(st.sampled_from("abc"), VALUES) | st.sampled_from(["bad", "worse"])
PARTS = st.lists(ROW, max_size=5)


def part(held: Sequence[Any], *, first: int = 1) -> Part:
    return Part([[Row(line, values) for line, values in enumerate(held, start=first)]])


@given(PARTS, PARTS)
def test_parts_have_one_digest_exactly_when_what_is_used_of_them_is_the_same(
    one: list[Any], other: list[Any]
) -> None:
    def used(held: list[Any]) -> list[Any]:
        return [row if isinstance(row, str) else (row.get("a"), row.get("b")) for row in held]

    digests = [digest_of(part(held), ["a", "b"], "how") for held in (one, other)]

    assert (digests[0] == digests[1]) is (used(one) == used(other))


@given(PARTS, st.integers(1, 99))
def test_the_lines_of_a_part_do_not_count_but_how_it_is_read_does(
    held: list[Any], first: int
) -> None:
    here = digest_of(part(held), ["a"], "how")

    assert digest_of(part(held, first=first), ["a"], "how") == here
    assert digest_of(part(held), ["a"], "other") != here


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "1"}, {"a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": None}, {"a": ""}),
        ({"a": ["x"]}, {"a": "x"}),
        ({"a": True}, {"a": 1}),
        ({"a": "\ud800"}, {"a": "\ud801"}),
        ({"a": {1, 2}}, {"a": {1, 3}}),
    ],
)
def test_values_that_print_alike_are_told_apart(one: Any, other: Any) -> None:
    assert digest_of(part([one]), ["a"], "") != digest_of(part([other]), ["a"], "")


def test_a_value_that_no_format_writes_is_digested_by_what_it_shows() -> None:
    class Odd:
        def __repr__(self) -> str:
            return "odd \ud800"

    held = part([{"a": Odd()}])

    assert digest_of(held, ["a"], "") == digest_of(part([{"a": Odd()}]), ["a"], "")
    assert parts.ROWS == 8_192
