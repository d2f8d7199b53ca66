"""What an address may say to the History page, and the lines of its export."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.insights import history

NOTHING = {"left": "", "said": ""}
BULK = "0b7a7d0e-6f0a-4a67-9f6c-3b1f0d6a8d11"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-03", date(2026, 2, 3)),
        ("", None),
        ("yesterday", None),
        ("2026-13-01", None),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("1990-01-01", date(1990, 1, 1)),
        ("1989-12-31", None),
    ],
)
def test_a_day_that_the_database_can_compare_with_is_taken(text: str, day: date | None) -> None:
    assert history._day(text) == day  # noqa: SLF001  # pure


@pytest.mark.parametrize(
    ("params", "news"),
    [
        ({"undone": "3", "left": "0"}, {"undone": "3", "left": "0"}),
        ({"undone": "3<b>"}, {}),
        ({"bulk": "no number", "done": "4"}, {}),
        (
            {"bulk": BULK, "done": "4", "x": "y"},
            {"bulk": BULK, "done": "4", "left": "", "said": ""},
        ),
        ({}, {}),
    ],
)
def test_a_link_of_somebody_else_says_no_more_than_counts(
    params: dict[str, str], news: dict[str, str]
) -> None:
    assert history._news(params) == news  # noqa: SLF001  # pure


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_a_line_of_the_export_is_read_as_it_was_written(rows: list[tuple[str, str]]) -> None:
    clean = [tuple(cell.replace("\r", "").replace("\0", "") for cell in row) for row in rows]

    text = history._lines(clean)  # noqa: SLF001  # pure

    assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))] == clean
