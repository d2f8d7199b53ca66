"""Reads records in any XML: exports of databases and sheets, and lists of elements that repeat.

The attributes of an element, and its inner elements with a text, become the columns of its row, by
their names without namespaces. Elements of one name that repeat are a table. If there are several
tables, the user is asked which one has the questions, as with any other file. Declarations of
entities are refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

from worker.archives.readers.containers.streams import SAMPLE
from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Row,
    UnreadableArchiveError,
)

Path = tuple[str, ...]
_CHUNK = 1 << 16
_DEPTH, _PATHS, _COLUMNS = 60, 500, 500
_NAMED = frozenset({"field", "column", "col", "property", "attribute", "str", "int", "date", "arr"})
"""Elements whose attribute ``name`` names a column, in MySQL, phpMyAdmin and Solr."""
_TABLES = frozenset({"table", "table_data", "doc"})
"""Elements whose attribute ``name`` names a table."""
_CONTROL = re.compile(rb"&#(?:x0*(?:[0-8bcBC]|[eE]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\d|3[01]));")


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet."""

    name: str
    column: str
    values: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    line: int = 0
    children: int = 0


@dataclass(slots=True)
class _Reader:
    """Makes rows of the elements at one path, or of all if *wanted* is None."""

    wanted: Path | None
    found: list[tuple[Path, Row]] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _inside: bool = False
    """Whether a wanted element is open; text outside is dropped."""
    _size: int = 0

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if len(self._open) >= _DEPTH:
            raise UnreadableArchiveError(f"line {line}: it is nested too deeply")
        bare = _bare(name)
        column = attributes.get("name", "") if bare in _NAMED else ""
        if bare in _TABLES and "name" in attributes:
            bare = attributes["name"]
            attributes = {}
        element = _Open(bare, column or bare, line=line)
        if not column:
            given = (one for one in attributes.items() if not one[0].startswith("xmlns"))
            element.values.update((_bare(key), value) for key, value in given)
        if self._open:
            self._open[-1].children += 1
        self._open.append(element)
        if not self._inside and self._path() == self.wanted:
            self._inside, self._size = True, 0

    def _path(self) -> Path:
        return tuple(one.name for one in self._open)

    def text(self, data: str) -> None:
        self._size += len(data)
        if self._size <= RECORD_LIMIT and (self._inside or self.wanted is None):
            self._open[-1].texts.append(data)

    def end(self) -> None:
        path = self._path() if self.wanted is None or self._inside else ()
        element = self._open.pop()
        text = "".join(element.texts).strip()
        row = element.values
        if text and (not element.children or "text" not in row):
            row.setdefault("text" if element.children else element.name, text)
        if self.wanted is None and not (element.children or len(row) > 1):
            pass  # a text alone is no row
        elif path and self.wanted in {None, path}:
            is_long = self.wanted is not None and self._size > RECORD_LIMIT
            self.found.append((path, Row(element.line, RECORD_TOO_LONG if is_long else row)))
            self._inside = self._inside and path != self.wanted
        if self._open and (self.wanted is None or self._inside):
            value = _of_element(element, text)
            _add(self._open[-1].values, element.column, value)


def _of_element(element: _Open, text: str) -> object:
    """Return the value of an element for the one around it: a text, a list or an object."""
    if not element.children:
        return text or element.values or None
    if len(element.values) == 1:
        key, value = next(iter(element.values.items()))
        if isinstance(value, list):
            return value
        if element.name.startswith(key):
            return [value]
    return element.values


def _add(row: dict[str, Any], name: str, value: Any) -> None:
    """Put a value into *row*; several values of one name become a list."""
    if name not in row:
        if len(row) < _COLUMNS:
            row[name] = value
    elif isinstance(row[name], list):
        row[name].append(value)
    else:
        row[name] = [row[name], value]


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _parsed(file: BinaryIO, wanted: Path | None, limit: int | None) -> Iterator[tuple[Path, Row]]:
    reader, parser = _Reader(wanted), new_parser()
    parser.StartElementHandler = lambda name, given: reader.start(
        name, given, parser.CurrentLineNumber
    )
    parser.EndElementHandler = lambda _: reader.end()
    parser.CharacterDataHandler = reader.text
    size = 0
    for data in pieces(file):
        fault = feed(parser, data)
        if fault is not None and not reader.found and not size:
            raise UnreadableArchiveError(str(fault.values).partition(";")[0])
        yield from reader.found
        reader.found.clear()
        if fault is not None:
            yield wanted or (), fault
            return
        size += len(data)
        if limit is not None and size > limit:
            return
    if size and (fault := feed(parser, b"", final=True)) is not None:
        yield wanted or (), fault


def new_parser() -> expat.XMLParserType:
    """Return a parser that always reads UTF-8, whatever a file declares, and refuses entities."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse
    return parser


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces, without the control characters that XML does not allow."""
    while data := file.read(_CHUNK):
        yield _CONTROL.sub(b"", data)


def feed(parser: expat.XMLParserType, data: bytes, *, final: bool = False) -> Row | None:
    """Give *data* to *parser*; return a rejected row if it cannot be read, otherwise None."""
    try:
        parser.Parse(data, final)
    except expat.ExpatError as error:
        if final:
            return Row(error.lineno, "the file ends inside an element")
        reason = f"line {error.lineno}: it is no XML: {expat.ErrorString(error.code)}"
        return Row(error.lineno, f"{reason}; what follows is not read")
    return None


def _refuse(*_: object) -> None:
    raise UnreadableArchiveError("declarations of entities are not accepted")


def rows(file: BinaryIO, path: Path) -> Iterator[Row]:
    """Yield the elements at *path* as rows."""
    for _, row in _parsed(file, path, None):
        yield row


def look(file: BinaryIO, limit: int = 8 * SAMPLE) -> dict[Path, list[str]]:
    """Return the paths of elements that repeat, with their columns."""
    columns: dict[Path, dict[str, None]] = {}
    counts: dict[Path, int] = {}
    for path, row in _parsed(file, None, limit):
        if isinstance(row.values, str) or (path not in columns and len(columns) >= _PATHS):
            continue
        columns.setdefault(path, {}).update(dict.fromkeys(row.values))
        counts[path] = counts.get(path, 0) + 1
    return {path: list(names) for path, names in columns.items() if counts[path] > 1}


def table_name(path: Path) -> str:
    """Return the name of the table whose rows are at *path*."""
    return path[-2] if path[-1].lower() in {"row", "record"} and len(path) > 1 else path[-1]
