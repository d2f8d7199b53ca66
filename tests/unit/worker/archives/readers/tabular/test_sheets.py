"""Workbooks: visible sheets are tables; what claims to be small and is not is refused."""

import io
import zipfile

import openpyxl
import pytest

from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.tabular import sheets


def book(hidden: tuple[str, ...] = (), **tables: list[list[object]]) -> io.BytesIO:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in tables.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    out = io.BytesIO()
    made.save(out)
    out.seek(0)
    return out


def packed(**members: bytes) -> zipfile.ZipFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return zipfile.ZipFile(out)


def test_visible_sheets_are_tables_with_their_names_below_a_title() -> None:
    rows: list[list[object]] = [
        ["My forum"],
        ["id", "title", None],
        [1, "Why?", "x"],
        [2.5, "How?"],
    ]

    found = sheets.Workbook(book(hidden=("Old",), Old=[["id", "title"]], New=rows))

    assert found.names == ["New"]
    assert found.header("New") == ["id", "title", ""]
    assert [row.values for row in found.rows("New")] == [
        {"id": 1.0, "title": "Why?"},
        {"id": 2.5, "title": "How?"},
    ]


def test_an_empty_sheet_has_no_names_and_no_rows() -> None:
    found = sheets.Workbook(book(Empty=[]))

    assert found.header("Empty") == []
    assert list(found.rows("Empty")) == []


def test_a_sheet_that_is_not_there_is_an_error_of_the_file() -> None:
    with pytest.raises(UnreadableArchiveError, match="the sheet 'Other' is damaged"):
        sheets.Workbook(book(One=[["id"]])).header("Other")


@pytest.mark.parametrize("data", [sheets.ZIP + b"x" * 50, sheets.OLE + b"x" * 50, b"id,title\n"])
def test_what_is_no_workbook_is_damaged(data: bytes) -> None:
    with pytest.raises(UnreadableArchiveError, match="the workbook is damaged"):
        sheets.Workbook(io.BytesIO(data))


def test_a_workbook_that_is_cut_off_is_damaged() -> None:
    data = book(One=[["id", "title"], [1, "Why?"]]).getvalue()

    with pytest.raises(UnreadableArchiveError, match="the workbook is damaged"):
        sheets.Workbook(io.BytesIO(data[: len(data) // 2]))


def test_a_workbook_that_is_too_large_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "_LARGEST", 2_000)

    with pytest.raises(UnreadableArchiveError, match="save it as CSV first"):
        sheets.Workbook(io.BytesIO(sheets.OLE + b"x" * 2_000))


@pytest.mark.parametrize(
    ("members", "is_one"),
    [
        ({"xl/workbook.xml": b"x"}, True),
        ({"xl/workbook.bin": b"x"}, True),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}, True),
        ({"questions.csv": b"id,title\n"}, False),
    ],
)
def test_a_workbook_is_told_by_what_is_in_it(members: dict[str, bytes], *, is_one: bool) -> None:
    assert sheets.is_workbook(packed(**members)) is is_one


@pytest.mark.parametrize(
    "members",
    [
        {"word/document.xml": b"x"},
        {"ppt/presentation.xml": b"x"},
        {"mimetype": b"application/vnd.oasis.opendocument.text"},
    ],
)
def test_a_document_is_no_workbook_and_says_what_to_do(members: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableArchiveError, match="a document, not a table"):
        sheets.is_workbook(packed(**members))
