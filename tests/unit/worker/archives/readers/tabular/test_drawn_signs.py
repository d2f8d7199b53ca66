"""The signs of drawn tables, and places on a screen where some letters are two wide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.tabular.drawn_signs import (
    as_ascii,
    is_foot,
    is_prompt,
    is_rule,
    places,
)


@pytest.mark.parametrize(
    ("line", "drawn"),
    [
        ("\u250c\u2500\u252c\u2500\u2510", "+-+-+"),
        ("\u2502 a \u2502 b \u2502", "| a | b |"),
        ("\u2551 a \u2551\r\n", "| a |"),
        ("| a |  \n", "| a |"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_every_drawing_sign_has_one_in_ascii(line: str, drawn: str) -> None:
    assert as_ascii(line) == drawn


@given(st.text("ab |+-"))
def test_a_text_in_ascii_is_itself_and_drawing_it_twice_changes_nothing(text: str) -> None:
    assert as_ascii(text) == text.rstrip()
    assert as_ascii(as_ascii(text)) == as_ascii(text)


@pytest.mark.parametrize("line", ["+--+--+", "|---|:--|", "--  ---", "====", "-|-", "|-|"])
def test_lines_between_rows_are_rules(line: str) -> None:
    assert is_rule(line)


@pytest.mark.parametrize("line", ["", "- a", "| a |", "-", "a -- b", "+", "|", "::"])
def test_other_lines_are_no_rules(line: str) -> None:
    assert not is_rule(line)


@pytest.mark.parametrize(
    "line",
    [
        "(2 rows)",
        "(1 row)",
        "2 rows in set (0.00 sec)",
        "no rows selected",
        "3 rows selected.",
        "(5 rows affected)",
        "Time: 3.1 ms",
        "Run Time: real 0.1",
        "Elapsed: 00:00:00.03",
        "Bye",
        "2 rows (40 shown) 3 columns",
    ],
)
def test_what_clients_write_below_a_table_is_a_foot(line: str) -> None:
    assert is_foot(line)
    assert is_foot(f"  {line} ")


@pytest.mark.parametrize("line", ["2 rows of eggs", "How many rows?", "time: now", "", "Bye bye"])
def test_other_texts_are_no_feet(line: str) -> None:
    assert not is_foot(line)


@pytest.mark.parametrize(
    "line",
    ["mysql> select 1;", "sqlite> .quit", "    -> from x;", "SQL> ", "forum=# select", "forum(> "],
)
def test_prompts_are_told(line: str) -> None:
    assert is_prompt(line)


@pytest.mark.parametrize("line", ["| a |", "a > b", "-- > x", "1 | a=#b"])
def test_rows_are_no_prompts(line: str) -> None:
    assert not is_prompt(line)


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("abc", [0, 2, 9], [0, 2, 9]),
        ("\u4e2d|b", [2], [1]),
        ("\u4e2d\u6587|b", [4, 6], [2, 4]),
        ("e\u0301|b", [1, 2], [2, 3]),
        ("\u4e2d", [1], [1]),
        ("\u4e2d", [5], [4]),
    ],
)
def test_a_place_on_the_screen_counts_the_width_of_letters(
    text: str, wanted: list[int], found: list[int]
) -> None:
    assert places(text, wanted) == found


@given(st.text("a\u4e2d\u0301\u00e9", max_size=8), st.lists(st.integers(0, 20), max_size=4))
def test_places_never_go_back(text: str, wanted: list[int]) -> None:
    found = places(text, sorted(wanted))

    assert found == sorted(found)
    assert len(found) == len(wanted)
