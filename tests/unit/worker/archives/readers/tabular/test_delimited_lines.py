"""Lines of a delimited file: after a broken record they come again, each a few times at most."""

import csv
import io
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.containers.streams import LINE_LIMIT
from worker.archives.readers.records import RECORD_LIMIT
from worker.archives.readers.tabular.delimited_lines import Lines, TooLongError


def over(*texts: str) -> Lines:
    return Lines(io.BytesIO("".join(f"{text}\n" for text in texts).encode()))


def test_lines_come_in_their_order_and_a_record_knows_its_first() -> None:
    lines = over("a", "b", "c")

    assert [next(lines), next(lines)] == ["a\n", "b\n"]
    assert lines.end_record() == 1
    assert next(lines) == "c\n"
    assert lines.end_record() == 3
    with pytest.raises(StopIteration):
        next(lines)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["take", "next", "peek", "back", "step"]), max_size=12))
def test_whatever_is_put_back_no_line_is_lost_or_changes_its_place(moves: list[str]) -> None:
    texts = [f"line {number}" for number in range(9)]
    lines, given = over(*texts), list[str]()
    assert len(lines.sample()) == 9

    for move in moves:
        if move == "peek":
            lines.peek()
        elif move == "back":
            lines.put_back(*lines.take(3))
        elif move == "take":
            given += lines.take(2)[1]
        elif (line := next(lines, None)) is not None:
            if move == "step":
                lines.step_back()
            else:
                lines.end_record()
            given.append(line)
    while line := next(lines, ""):
        lines.end_record()
        given.append(line)

    assert given == [f"{text}\n" for text in texts]


def test_the_lines_after_the_first_of_a_broken_record_come_again_with_their_numbers() -> None:
    lines = over("a", "b", "c")
    assert [next(lines) for _ in range(3)] == ["a\n", "b\n", "c\n"]

    first = lines.step_back()

    assert (first.number, first.text) == (1, "a\n")
    assert next(lines) == "b\n"
    assert lines.end_record() == 2
    assert lines.peek() == "c\n"


def test_a_line_that_was_tried_often_begins_a_record_of_its_own() -> None:
    lines = over(*"abcdefghijkl", "z")
    for char in "abcdefgh":
        assert next(lines) == f"{char}\n"
        assert len(list(islice(lines, 11 - "abcdefgh".index(char)))) > 0
        lines.step_back()

    next(lines)
    with pytest.raises(csv.Error, match="a quote is never closed"):
        next(lines)


def test_a_quote_over_too_many_lines_is_never_closed() -> None:
    lines = over(*["x"] * 2_001)

    with pytest.raises(csv.Error, match="a quote is never closed"):
        list(lines)


def test_a_record_of_too_many_characters_is_too_long_and_can_be_passed_over() -> None:
    text = "x" * (RECORD_LIMIT // 8)
    lines = over("begin", *[text] * 8, "end")

    with pytest.raises(TooLongError):
        list(lines)

    assert lines.pass_over() == 1
    assert next(lines) in {f"{text}\n", "end\n"}


def test_a_record_with_an_open_quote_is_passed_over_to_the_line_that_closes_it() -> None:
    lines = over('1,"a', "b", 'c"', "2,d")
    next(lines)

    assert lines.pass_over() == 1
    assert next(lines) == "2,d\n"


def test_a_line_that_is_too_long_is_a_reject_and_the_next_one_comes() -> None:
    lines = over("a", "x" * (LINE_LIMIT + 1), "b")

    assert [next(lines), next(lines)] == ["a\n", "b\n"]
    assert [reject.line for reject in lines.rejects] == [2]


def test_a_delimiter_is_replaced_in_all_lines_that_are_left() -> None:
    lines = over("a::b", "c::d", "e::f")
    next(lines)
    lines.end_record()
    lines.peek()

    lines.replace("::", "\x1f")

    assert [next(lines), next(lines)] == ["c\x1fd\n", "e\x1ff\n"]


def test_a_carriage_return_inside_a_record_is_noticed() -> None:
    lines = over("a\rb", "c")

    next(lines)
    assert lines.has_returns
    lines.end_record()
    next(lines)
    assert not lines.has_returns


def test_what_is_put_back_after_a_failure_is_not_taken_many_at_once() -> None:
    lines = over("a", "b", "c")
    next(lines)
    next(lines)
    lines.step_back()

    assert lines.take(5) == ([], [])
    assert next(lines) == "b\n"
