"""Reads sheets in text form: Excel's XML of 2003, and HTML tables, often saved as ``.xls``.

An HTML page is such a sheet if one of the first rows of its tables names columns of questions.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain, islice
from typing import BinaryIO, NamedTuple, Protocol
from xml.parsers import expat

from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import RECORD_LIMIT, Row, UnreadableArchiveError
from worker.archives.readers.tabular import grids
from worker.archives.readers.tabular.grids import HEAD

_EXCEL = "urn:schemas-microsoft-com:office:spreadsheet"
_IS_EXCEL = re.compile(r"<(?:\w+:)?Workbook\b", re.IGNORECASE)
_CHUNK = 1 << 16
_CELLS = 2_000
"""Most columns of a row, because a cell may name any place."""
_SHEETS, _LOOKED = 50, 2_000
"""Most sheets of a file, and most rows that are searched for sheets."""


class Line(NamedTuple):
    """One row of cells."""

    sheet: str
    cells: list[str]


@dataclass(slots=True)
class _Grid:
    """Collects cells into rows, and rows into sheets."""

    lines: list[Line] = field(default_factory=list)
    sheet: str = "1"
    _cells: list[str] = field(default_factory=list)
    _texts: list[str] | None = None
    _size: int = 0

    def begin_row(self) -> None:
        self._cells, self._texts, self._size = [], None, 0

    def begin_cell(self, place: int | None = None) -> None:
        if place is not None:
            self._cells += [""] * (min(place, _CELLS) - 1 - len(self._cells))
        self._texts = []

    def text(self, data: str) -> None:
        self._size += len(data)
        if self._texts is not None and self._size <= 2 * RECORD_LIMIT:
            self._texts.append(data)

    def end_cell(self, span: int = 1) -> None:
        if self._texts is not None and len(self._cells) < _CELLS:
            self._cells += ["".join(self._texts).strip(), *[""] * (min(span, _CELLS) - 1)]
        self._texts = None

    def end_row(self) -> None:
        if self._cells:
            self.lines.append(Line(self.sheet, self._cells))
        self._cells = []


class _Parser(Protocol):
    grid: _Grid

    def read(self, data: bytes) -> None:
        """Read the next bytes."""


class _Excel:
    """Reads the XML of Excel 2003."""

    def __init__(self) -> None:
        self.grid, self._sheets = _Grid(), 0
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = _refuse
        self._parser.CharacterDataHandler = self._text
        self._is_data = False

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, False)  # its own
        except expat.ExpatError as error:
            reason = f"line {error.lineno}: it is no XML: {expat.ErrorString(error.code)}"
            raise UnreadableArchiveError(reason) from error

    def _start(self, name: str, given: dict[str, str]) -> None:
        bare = name.rpartition(" ")[2]
        if bare == "Worksheet":
            self._sheets += 1
            self.grid.sheet = given.get(f"{_EXCEL} Name") or str(self._sheets)
        elif bare == "Row":
            self.grid.begin_row()
        elif bare == "Cell":
            place = given.get(f"{_EXCEL} Index", "")
            self.grid.begin_cell(int(place) if place.isdecimal() else None)
        elif bare == "Data" and name.startswith(_EXCEL):
            self._is_data = True

    def _text(self, data: str) -> None:
        if self._is_data:
            self.grid.text(data)

    def _end(self, name: str) -> None:
        bare = name.rpartition(" ")[2]
        if bare == "Data":
            self._is_data = False
        elif bare == "Cell":
            self.grid.end_cell()
        elif bare == "Row":
            self.grid.end_row()


class _Page(HTMLParser):
    """Reads the tables of a page; tables inside a table are text of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.grid, self._tables, self._depth, self._span = _Grid(), 0, 0, 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def read(self, data: bytes) -> None:
        self.feed(self._decoder.decode(data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "table":
            self._depth += 1
            self._tables += self._depth == 1
            if self._depth == 1:
                self.grid.sheet = given.get("id") or str(self._tables)
        elif tag == "br":
            self.grid.text("\n")
        elif self._depth == 1 and tag == "tr":
            self._end_row()
            self.grid.begin_row()
        elif self._depth == 1 and tag in {"td", "th"}:
            self.grid.end_cell(self._span)
            self.grid.begin_cell()
            span = given.get("colspan", "1")
            self._span = max(1, int(span)) if span.isdecimal() and len(span) < 5 else 1  # noqa: PLR2004

    def handle_data(self, data: str) -> None:
        self.grid.text(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            if self._depth == 1:
                self._end_row()
            self._depth = max(0, self._depth - 1)
        elif self._depth == 1 and tag in {"td", "th"}:
            self.grid.end_cell(self._span)
        elif self._depth == 1 and tag == "tr":
            self._end_row()

    def _end_row(self) -> None:
        """End a row; HTML may leave out the end tag."""
        self.grid.end_cell(self._span)
        self.grid.end_row()


def _refuse(*_: object) -> None:
    raise UnreadableArchiveError("declarations of entities are not accepted")


def is_sheet(head: str) -> bool:
    """Return whether a text that begins with *head* is a sheet in text form."""
    if _EXCEL in head and _IS_EXCEL.search(head):
        return True
    if re.search(r"<table\b", head, re.IGNORECASE) is None:
        return False
    page = _Page()
    page.feed(head)
    return any(names_questions(line.cells) for line in page.grid.lines[:HEAD])


def _lines(file: BinaryIO) -> Iterator[Line]:
    data = file.read(_CHUNK)
    parser: _Parser = _Excel() if _EXCEL.encode() in data and b"Workbook" in data else _Page()
    while data:
        parser.read(data)
        yield from parser.grid.lines
        parser.grid.lines.clear()
        data = file.read(_CHUNK)


def look(file: BinaryIO) -> dict[str, list[str]]:
    """Return the names of the columns of each sheet that has rows."""
    sheets: dict[str, list[list[str]]] = {}
    for line in islice(_lines(file), _LOOKED):
        if line.sheet in sheets or len(sheets) < _SHEETS:
            sheets.setdefault(line.sheet, []).append(line.cells)
    found = {name: grids.header_of(lines) for name, lines in sheets.items() if len(lines) > 1}
    return {name: [one for one in header if one] for name, header in found.items() if any(header)}


def rows(file: BinaryIO, sheet: str) -> Iterator[Row]:
    """Yield the rows of one sheet below its header."""
    lines = (line.cells for line in _lines(file) if line.sheet == sheet)
    head = list(islice(lines, HEAD))
    yield from grids.rows_of(chain(head, lines), grids.header_of(head))
