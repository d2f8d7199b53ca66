"""Reads JSON whose rows are no objects: column after column, or rows as lists of values.

pandas writes both (``orient`` "columns", "split" and "values"), and so do query services. Some of
them write each value as an object (``{"v": "1"}``), and the names of the columns somewhere before
the rows.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from db.wording import counted
from worker.archives.readers.documents.json_rows import Found, Path, array_at, in_a_row
from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import Row, UnreadableArchiveError

_WHOLE = 64 << 20
"""Largest document in bytes with column after column, because all of it must be in memory."""
_KEYS_OF_NAMES = ("name", "Name", "field", "key", "fieldName", "id", "title", "label")
_NAMES = (
    "columns", "header", "headers", "fields", "cols", "meta", "rowType", "ColumnInfo",
    "columnMetadata",
)  # fmt: skip
_ROWS = ("data", "rows", "values", "Rows", "rowData", "records")
_CELLS = frozenset({
    "v", "f", "p", "VarCharValue", "stringValue", "longValue", "doubleValue", "booleanValue",
    "isNull", "formattedValue", "effectiveValue", "userEnteredValue", "userEnteredFormat",
    "effectiveFormat", "hyperlink", "note", "textFormatRuns",
})  # fmt: skip
"""Keys of an object that is one value of a row, in the answers of Google and of Amazon."""
_VALUES = ("v", "VarCharValue", "formattedValue", "stringValue", "longValue", "doubleValue",
           "booleanValue")  # fmt: skip
_LETTERS = re.compile("[A-Z]{1,3}")
"""Names that spreadsheets give to columns."""
_TYPE = re.compile(
    r"(?:Nullable|LowCardinality|Array|Map|Tuple|Enum\d*|Decimal\d*|FixedString)\(.*\)|U?Int\d+"
    r"|Float\d+|String|Bool|UUID|Date(?:Time)?(?:32|64)?(?:\(.*\))?"
)
"""Types of ClickHouse, which it writes below the names."""
_FEWEST, _MOST = 2, 10_000


def is_by_columns(found: Found) -> bool:
    """Return whether a document is one object of columns, each an object by row number."""
    names = [name for name in found.columns.get((), {}) if (name,) in found.columns]
    if len(names) < _FEWEST or len(names) != len(found.columns[()]):
        return False
    keys = [tuple(found.columns[name,]) for name in names]
    return keys[0] == keys[1] and bool(keys[0]) and all(key.isdigit() for key in keys[0])


def rows_by_columns(file: BinaryIO) -> Iterator[Row]:
    """Yield the rows of a document by columns.

    Raises `UnreadableArchiveError` if it is too large.
    """
    data = file.read(_WHOLE + 1)
    if len(data) > _WHOLE:
        raise UnreadableArchiveError(
            "it is written column by column, and it is too large for that: write it row by row"
            ' (pandas: orient="records", lines=True)'
        )
    try:
        columns: Mapping[str, Mapping[str, Any]] = json.loads(data)
        numbers = list(next(iter(columns.values())))
    except (ValueError, AttributeError, RecursionError) as error:
        raise UnreadableArchiveError(f"it is not valid JSON: {error}") from error
    for count, number in enumerate(numbers, start=1):
        values = {name: column.get(number) for name, column in columns.items()}
        yield Row(count, values)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of a document that are lists of values."""

    path: Path | None
    """The path of the array with the rows; None if each row is a document of its own."""
    columns: list[str]
    is_short: bool = False
    """Whether empty values are left out at the end of a row."""

    @property
    def name(self) -> str:
        """Return the name of the table; empty if only the file has one."""
        return ".".join(self.path or ())

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """Yield the rows of *file*, without a list of the column names."""
        values = in_a_row(file) if self.path is None else array_at(file, self.path)
        for number, value in values:
            row = _values_of(value)
            if row == self.columns or self._are_types(row):
                continue
            if self.is_short:
                row = [*row, *[None] * (len(self.columns) - len(row))]
            if len(row) != len(self.columns):
                wanted = counted(len(self.columns), "column")
                yield Row(number, f"it has {counted(len(row), 'value')} for {wanted}")
            else:
                yield Row(number, dict(zip(self.columns, row, strict=True)))

    def _are_types(self, row: Sequence[object]) -> bool:
        return self.path is None and all(
            isinstance(one, str) and _TYPE.fullmatch(one) for one in row
        )


Opened = Callable[[], BinaryIO]


def grid_of(opened: Opened, found: Found, names: Sequence[str]) -> Grid | None:
    """Return the rows that are lists of values; None if there are none.

    *names* are the columns that the user gave. Raises `UnreadableArchiveError` if no names are
    known.
    """
    keys = list(found.columns.get((), {}))
    path: Path = next(((key,) for key in _ROWS if key in keys), ())
    first = None if keys and not path else next(filter(None, _elements(opened, path)), None)
    if first is None or _has_objects(first):
        return _inner_grid(opened, found, names)
    if not path and not isinstance(first, list) and _is_second_list(opened):
        return Grid(None, list(names or map(_name_of, next(_elements(opened, None)))))
    is_short = "majorDimension" in keys
    width = len(first) if isinstance(first, list) else 1
    if columns := list(names) or (_names_for(opened, found, path, width) if path else []):
        return Grid(path, columns, is_short=is_short)
    if isinstance(first, list) and all(isinstance(one, str) for one in first):
        return Grid(path, first, is_short=is_short)
    raise UnreadableArchiveError(
        "its rows have no names of columns: name the columns with --columns id,title,..."
    )


def _inner_grid(opened: Opened, found: Found, names: Sequence[str]) -> Grid | None:
    """Return rows deeper inside, or with objects as values, if their names name questions."""
    for path in sorted(found.arrays, key=len):
        if path[-1:] and path[-1] in _ROWS and _is_once(found, path):
            first = next(filter(None, _elements(opened, path)), None)
            if not isinstance(first, list) and not _is_packed(first):
                continue
            row = _values_of(first)
            if _has_objects(row):
                continue
            columns = list(names) or _names_for(opened, found, path, len(row))
            if not columns and all(isinstance(one, str) for one in row):
                columns = list(map(str, row))
            if names_questions(columns):
                return Grid(path, columns, is_short=True)
    return None


def _is_once(found: Found, path: Path) -> bool:
    """Return whether only one object has the array at *path*."""
    return all(found.counts.get(path[:length]) == 1 for length in range(1, len(path)))


def _names_for(opened: Opened, found: Found, path: Path, width: int) -> list[str]:
    """Return the names of *width* columns of the rows at *path*, those beside them first."""
    beside = [(*path[:-1], key) for key in found.columns.get(path[:-1], ()) if key in _NAMES]
    others = [
        one for one in found.arrays if one[-1:] and one[-1] in _NAMES and _is_once(found, one)
    ]
    for one in dict.fromkeys([*beside, *sorted(others)]):
        names = list(map(_name_of, islice(_elements(opened, one), _MOST)))
        if names and (one in beside or len(names) == width) and any(names):
            return names
    return []


def _is_second_list(opened: Opened) -> bool:
    """Return whether the second of several documents is a list, as the first one is."""
    return isinstance(next(islice(_elements(opened, None), 1, None), None), list)


def _has_objects(value: object) -> bool:
    """Return whether a value is an object, or a list of objects, such as a page of an API."""
    return isinstance(value, dict) or (isinstance(value, list) and all(map(_has_objects, value)))


def _are_cells(values: object) -> bool:
    """Return whether each of *values* is an object with one value of a row, or nothing."""
    if not isinstance(values, list) or not any(values):
        return False
    return all(one is None or (isinstance(one, dict) and one.keys() <= _CELLS) for one in values)


def _is_packed(row: object) -> bool:
    """Return whether a row is an object with a list of cells under one of its keys."""
    return isinstance(row, dict) and sum(map(_are_cells, row.values())) == 1


def _values_of(row: object) -> list[Any]:
    if _is_packed(row) and isinstance(row, dict):
        row = next(filter(_are_cells, row.values()))
    if _are_cells(row) and isinstance(row, list):
        return [_cell(one) for one in row]
    return row if isinstance(row, list) else [row]


def _cell(cell: Any) -> Any:
    """Return the value of a cell, which may be a list of cells."""
    if isinstance(cell, list):
        return [_cell(one) for one in cell]
    if not isinstance(cell, dict):
        return cell
    return next((_cell(cell[key]) for key in _VALUES if key in cell), None)


def _name_of(column: object) -> str:
    """Return the name of a column, which may be an object that describes it."""
    if isinstance(column, dict):
        if column.get("label") and _LETTERS.fullmatch(str(column.get("id"))):
            return str(column["label"])
        column = next((column[key] for key in _KEYS_OF_NAMES if column.get(key)), "")
    return str(column)


def _elements(opened: Opened, path: Path | None) -> Iterator[Any]:
    with opened() as file:
        values = in_a_row(file) if path is None else array_at(file, path)
        yield from (value for _, value in values)
