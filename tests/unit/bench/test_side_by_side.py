"""Rows of two services beside each other: medians in place of numbers, and their ratio."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.side_by_side import hash_of, middle, ratio

COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=7)


@given(COUNTS, COUNTS)
def test_each_number_is_its_own_median(first: list[int], other: list[int]) -> None:
    pairs = list(zip(first, other, strict=False))
    values = [f"p50 {one:,} ms, p99 {two:,} ms" for one, two in pairs]

    one, two = (statistics.median(column) for column in zip(*pairs, strict=True))

    assert middle(values) == f"p50 {one:,.0f} ms, p99 {two:,.0f} ms"


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([], "-"),
        (["12.5 s"], "12.5 s"),
        (["1.0 s", "3.0 s", "2.0 s"], "2.0 s"),
        (["1,000/s", "3,000/s"], "2,000/s"),
        (["no number"], "no number"),
    ],
)
def test_decimals_are_those_of_the_first(values: list[str], shown: str) -> None:
    assert middle(values) == shown


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("p50 10 ms, p99 40 ms", "p50 5 ms, p99 60 ms", "0.50, 1.50"),
        ("1,000/s", "2,500/s", "2.50"),
        ("0 ms", "5 ms", ""),
        ("-", "5 ms", ""),
        ("-", "-", ""),
    ],
)
def test_a_ratio_is_the_last_over_the_first_where_there_is_one(
    first: str, last: str, shown: str
) -> None:
    assert ratio(first, last) == shown


@given(st.lists(st.text("ab", max_size=3), max_size=4), st.lists(st.text("ab", max_size=3)))
def test_other_texts_have_another_mark(one: list[str], other: list[str]) -> None:
    is_same = "\n".join(one) == "\n".join(other)

    assert (hash_of(one) == hash_of(other)) == is_same
    assert len(hash_of(one)) == 8
