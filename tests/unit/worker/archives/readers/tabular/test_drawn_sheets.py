"""Sheets in text form: XML of Excel 2003 and tables of pages give the same rows."""

import html
import io
from collections.abc import Callable
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.tabular import drawn_sheets

CELLS = st.text('aZ<>&"?\u00e9\u4e2d', min_size=1, max_size=6)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4)
NAMES = ("title", "body")
EXCEL = (
    '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">{}</Workbook>'
)
SHEET = '<Worksheet ss:Name="{}"><Table>{}</Table></Worksheet>'


def line(*cells: str) -> str:
    return (
        "<Row>" + "".join(f"<Cell><Data>{escape(cell)}</Data></Cell>" for cell in cells) + "</Row>"
    )


def as_excel(rows: list[tuple[str, str]]) -> str:
    return EXCEL.format(SHEET.format("1", "".join(line(*row) for row in [NAMES, *rows])))


def as_page(rows: list[tuple[str, str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in NAMES)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<html><table><tr>{head}</tr>{body}</table></html>"


def as_old_page(rows: list[tuple[str, str]]) -> str:
    return as_page(rows).replace("</td>", "").replace("</tr>", "").replace("</th>", "")


def looked(text: str) -> dict[str, list[str]]:
    return drawn_sheets.look(io.BytesIO(text.encode()))


def read(text: str, sheet: str = "1") -> list[object]:
    return [row.values for row in drawn_sheets.rows(io.BytesIO(text.encode()), sheet)]


@pytest.mark.parametrize("write", [as_excel, as_page, as_old_page])
@settings(max_examples=20)
@given(rows=ROWS)
def test_rows_come_back_from_a_sheet(
    write: Callable[[list[tuple[str, str]]], str], rows: list[tuple[str, str]]
) -> None:
    text = write(rows)

    assert drawn_sheets.is_sheet(text)
    assert looked(text) == {"1": list(NAMES)}
    assert read(text) == [dict(zip(NAMES, row, strict=True)) for row in rows if row != NAMES]


def test_each_sheet_is_a_table_and_an_empty_one_is_none() -> None:
    sheets = [
        SHEET.format("Eggs", line("id", "title") + line("1", "Why?")),
        SHEET.format("Notes", line("written by Ana")),
        SHEET.format("Salt", line("id", "title") + line("2", "How?")),
    ]
    text = EXCEL.format("".join(sheets))

    assert looked(text) == {"Eggs": ["id", "title"], "Salt": ["id", "title"]}
    assert read(text, "Salt") == [{"id": "2", "title": "How?"}]
    assert read(text, "Sugar") == []


def test_a_cell_of_excel_may_say_its_place() -> None:
    placed = '<Row><Cell><Data>1</Data></Cell><Cell ss:Index="3"><Data>Why?</Data></Cell></Row>'
    text = EXCEL.format(SHEET.format("1", line("id", "body", "title") + placed))

    assert read(text) == [{"id": "1", "body": "", "title": "Why?"}]


@pytest.mark.parametrize(
    ("row", "values"),
    [
        ("<td>1<td>Why?", {"id": "1", "title": "Why?"}),
        ("<td>1</td><td>Why<br>now?</td>", {"id": "1", "title": "Why\nnow?"}),
        ("<td>1</td><td>a <b>b</b> &amp; c</td>", {"id": "1", "title": "a b & c"}),
        (
            "<td>1<table><tr><td>x</td></tr></table></td><td>Why?</td>",
            {"id": "1x", "title": "Why?"},
        ),
        ("<td colspan=2>both</td>", {"id": "both", "title": ""}),
        ("<td colspan=99999>both</td><td>Why?</td>", {"id": "both", "title": "Why?"}),
    ],
)
def test_a_row_of_a_page_is_what_a_reader_sees(row: str, values: dict[str, str]) -> None:
    text = f"<table><tr><th>id</th><th>title</th></tr><tr>{row}</tr></table>"

    assert read(text) == [values]


def test_tables_of_a_page_are_known_by_their_id_or_their_number() -> None:
    table = "<table{}><tr><th>id</th><th>title</th></tr><tr><td>1</td><td>{}</td></tr></table>"
    text = table.format("", "Why?") + table.format(' id="eggs"', "How?")

    assert list(looked(text)) == ["1", "eggs"]
    assert read(text, "eggs") == [{"id": "1", "title": "How?"}]


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (as_excel([("a", "b")]), True),
        ("<table><tr><th>Name</th><th>Age</th></tr></table>", False),
        ("<p>no table</p>", False),
        ("", False),
    ],
)
def test_a_page_is_a_sheet_if_its_table_names_questions(head: str, *, is_one: bool) -> None:
    assert drawn_sheets.is_sheet(head) is is_one


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]>' + EXCEL.format("").partition("?>")[2], "entities"),
        (EXCEL.format("<Row></Cell>"), "line 1: it is no XML"),
    ],
)
def test_a_workbook_that_is_broken_or_declares_entities_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=reason):
        looked(text)
