"""Tables of cells: the names may stand below a title, and each row below them is a row."""

import pytest

from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import RECORD_LIMIT
from worker.archives.readers.tabular import grids
from worker.archives.readers.tabular.headers import header_place


@pytest.mark.parametrize(
    ("lines", "header"),
    [
        ([["id", "title"], [1, "Why?"]], ["id", "title"]),
        ([["My forum", ""], ["", ""], ["id", " title "], [1, "Why?"]], ["id", "title"]),
        ([["", ""], ["a", "b"], ["c", "d"]], ["a", "b"]),
        ([["# made", "by", "hand"], ["id", "title"]], ["id", "title"]),
        ([], []),
    ],
)
def test_the_names_of_the_columns_are_found(lines: list[list[object]], header: list[str]) -> None:
    assert grids.header_of(lines) == header


def test_rows_are_those_below_the_names_with_their_numbers() -> None:
    lines: list[list[object]] = [
        ["My forum"],
        ["id", "", "title"],
        [1, "x", "Why?"],
        ["", "", ""],
        [2, "y", "How?", "z"],
    ]

    assert list(grids.rows_of(lines, ["id", "", "title"])) == [
        (3, {"id": 1, "title": "Why?"}),
        (5, {"id": 2, "title": "How?"}),
    ]


def test_a_row_that_is_too_long_goes_alone() -> None:
    lines: list[list[object]] = [["id", "title"], [1, "x" * (RECORD_LIMIT + 1)], [2, "Why?"]]

    assert [row.values for row in grids.rows_of(lines, ["id", "title"])] == [
        "the record is longer than 4 MiB",
        {"id": 2, "title": "Why?"},
    ]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["id", "title"]], 0),
        ([[], ["id", "title"]], 1),
        ([["Export of 2024"], ["id", "title"]], 1),
        ([["a", "b", "c"], ["id", "title"]], 0),
        ([["title"], ["id", "title"]], 1),
        ([["x", "y"], ["1", "2"]], 0),
        ([], 0),
    ],
)
def test_a_header_is_the_first_row_that_names_questions_and_is_wide(
    rows: list[list[str]], place: int
) -> None:
    assert header_place(rows) == place


@pytest.mark.parametrize(
    ("cells", "names"),
    [(["id", "title"], True), (["question"], True), (["name", "age"], False), ([], False)],
)
def test_names_of_questions_are_told(cells: list[str], *, names: bool) -> None:
    assert names_questions(cells) is names
