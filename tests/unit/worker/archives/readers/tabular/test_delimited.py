"""Delimited files: what a program wrote comes back, and a broken row goes alone."""

import csv
import io
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError, each_row
from worker.archives.readers.tabular.delimited import DelimitedRows
from worker.archives.readers.tabular.dialect import Quoting

CELLS = st.text("aZ?,;\t|\"' \n\u00e9\u4e2d", max_size=6)
TITLES = st.text("aZ? ,;", min_size=1, max_size=6).filter(str.strip)
ROWS = st.lists(st.tuples(TITLES, CELLS, CELLS), min_size=1, max_size=6)
HEADER = ("title", "body", "tags")


def opened(text: str, **given: object) -> DelimitedRows:
    return DelimitedRows(io.BytesIO(text.encode()), **given)  # type: ignore[arg-type]


def read(text: str, **given: object) -> list[object]:
    return [row.values for row in each_row(opened(text, **given).rows())]


def lines(text: str) -> list[tuple[int, object]]:
    return [(row.line, row.values) for row in each_row(opened(text).rows())]


def written(rows: Sequence[Sequence[str]], **how: object) -> str:
    out = io.StringIO()
    csv.writer(out, **how).writerows([HEADER, *rows])  # type: ignore[arg-type]
    return out.getvalue()


def excel(rows: Sequence[Sequence[str]]) -> str:
    return written(rows)


def all_quoted(rows: Sequence[Sequence[str]]) -> str:
    return written(rows, quoting=csv.QUOTE_ALL, lineterminator="\n")


def semicolons(rows: Sequence[Sequence[str]]) -> str:
    return written(rows, delimiter=";")


def tabs(rows: Sequence[Sequence[str]]) -> str:
    return written(rows, delimiter="\t", lineterminator="\n")


@pytest.mark.parametrize("write", [excel, all_quoted, semicolons, tabs])
@settings(max_examples=20)
@given(rows=ROWS)
def test_rows_come_back_as_they_were_written(
    write: Callable[[Sequence[Sequence[str]]], str], rows: list[tuple[str, str, str]]
) -> None:
    assert read(write(rows)) == [dict(zip(HEADER, row, strict=True)) for row in rows]


@settings(max_examples=25)
@given(count=st.integers(1, 200), broken=st.integers(0, 199))
def test_many_rows_and_rows_one_by_one_are_the_same_rows(count: int, broken: int) -> None:
    rows = [f'{number},"Why, {number}?"' for number in range(count)]
    rows[broken % count] = "only one"

    found = lines("\n".join(["id,title", *rows, ""]))

    assert [line for line, _ in found] == list(range(2, count + 2))
    assert [type(values) for _, values in found].count(str) == 1
    assert found[broken % count][1] == "it has 1 column, but the header has 2"
    for number, (_, values) in enumerate(found):
        if number != broken % count:
            assert values == {"id": str(number), "title": f"Why, {number}?"}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\nid;title\n1;Why?\n", [{"id": "1", "title": "Why?"}]),
        ("\ufeffid,title\n1,Why?\n", [{"id": "1", "title": "Why?"}]),
        ("id::title\n1::Why?\n", [{"id": "1", "title": "Why?"}]),
        ("My forum\n\nid,title\n1,Why?\n", [{"id": "1", "title": "Why?"}]),
        ("title\nWhy?\ntitle\nHow?\n", [{"title": "Why?"}, {"title": "How?"}]),
        ("id,title\n--,-----\n1,Why?\n", [{"id": "1", "title": "Why?"}]),
        ("id,title\n1,Why?\n(1 rows affected)\n", [{"id": "1", "title": "Why?"}]),
        ("id,title\n\n1,Why?\n\n", [{"id": "1", "title": "Why?"}]),
        ("id,title,\n1,Why?,\n", [{"id": "1", "title": "Why?"}]),
        ("title\nWhy, oh why?\n", [{"title": "Why, oh why?"}]),
        ('"id","title"\n"1","Why?"\n', [{"id": "1", "title": "Why?"}]),
        ("id,title\n", []),
    ],
)  # fmt: skip
def test_a_file_is_read_as_its_program_means_it(text: str, rows: list[object]) -> None:
    assert read(text) == rows


def test_rows_of_r_have_a_name_that_the_header_does_not_name() -> None:
    found = read('"title","body"\n"1","Why?","a"\n"2","How?","b"\n')

    assert found == [
        {"": "1", "title": "Why?", "body": "a"},
        {"": "2", "title": "How?", "body": "b"},
    ]


def test_a_name_that_repeats_is_its_first_column() -> None:
    assert read("id,title,id\n1,Why?,9\n") == [{"id": "1", "title": "Why?"}]


def test_names_that_are_given_leave_the_first_line_a_row() -> None:
    assert read("1,Why?\n2,How?\n", columns=["id", "title"]) == [
        {"id": "1", "title": "Why?"},
        {"id": "2", "title": "How?"},
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1", "it has 1 column, but the header has 3"),
        ("1,Why?,x,y", "it has 4 columns, but the header has 3"),
    ],
)
def test_a_row_of_another_width_says_its_width(row: str, reason: str) -> None:
    assert lines(f"id,title,body\n{row}\nx,How?,b\n") == [
        (2, reason),
        (3, {"id": "x", "title": "How?", "body": "b"}),
    ]


def test_empty_cells_that_a_sheet_leaves_out_at_the_end_are_empty() -> None:
    assert read("id,title,body\n1,Why?\n2,How?,b\n")[0] == {"id": "1", "title": "Why?", "body": ""}
    assert read("id,title,body\n1,Why?,x,,\n2,How?,b\n")[0] == {
        "id": "1",
        "title": "Why?",
        "body": "x",
    }


def test_a_quote_that_is_never_closed_costs_its_own_row() -> None:
    rows = "".join(f"{number},Why {number}?\n" for number in range(3, 60))

    found = lines(f'id,title\n1,"Why?\n2,How?\n{rows}')

    assert found[0] == (2, {"id": "1", "title": '"Why?'})
    assert found[1] == (3, {"id": "2", "title": "How?"})
    assert len(found) == 59


def test_a_record_that_is_too_long_goes_alone() -> None:
    long = '2,"' + ("x" * 1000 + "\n") * (RECORD_LIMIT // 1000 + 2) + '"\n'

    found = read(f"id,title\n1,Why?\n{long}3,How?\n")

    assert found[0] == {"id": "1", "title": "Why?"}
    assert found[-1] == {"id": "3", "title": "How?"}
    assert any(isinstance(one, str) for one in found[1:-1])


@pytest.mark.parametrize(
    ("text", "reason"), [("", "the file is empty"), ("sep=;\n", "there is no header")]
)
def test_a_file_without_rows_says_so(text: str, reason: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=reason):
        opened(text)


@pytest.mark.parametrize(
    ("text", "delimiter", "quoting"),
    [
        ("id,title\n1,Why?\n", ",", Quoting.DOUBLED),
        ("id;title\n1;Why?\n", ";", Quoting.DOUBLED),
        ("id|title\n1|Why?\n", "|", Quoting.DOUBLED),
        ('id,title\n1,"a \\"b\\" c"\n', ",", Quoting.BACKSLASH),
    ],
)
def test_the_dialect_is_told_by_the_first_lines(
    text: str, delimiter: str, quoting: Quoting
) -> None:
    dialect = opened(text).dialect

    assert (dialect.delimiter, dialect.quoting) == (delimiter, quoting)


def test_each_row_comes_with_its_line_also_without_names() -> None:
    assert list(opened('id,title\n1,"Why\nnow?"\n2,How?\n')) == [
        (2, ["1", "Why\nnow?"]),
        (4, ["2", "How?"]),
    ]
