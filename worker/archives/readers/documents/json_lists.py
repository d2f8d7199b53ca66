"""Reads JSON whose rows are no objects: column after column, or rows as lists of values.

pandas writes both (``orient`` "columns", "split" and "values"), and so do query services.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from db.wording import counted
from worker.archives.readers.documents.json_rows import Found, Path, array_at
from worker.archives.readers.records import Row, UnreadableArchiveError

_WHOLE = 64 << 20
"""Largest document in bytes with column after column, because all of it must be in memory."""
_KEYS_OF_NAMES = ("name", "field", "key", "fieldName", "id", "title", "label")
_NAMES = ("columns", "header", "headers", "fields", "cols")
_ROWS = ("data", "rows", "values")
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


def list_table(
    opened: Callable[[], BinaryIO], found: Found, names: Sequence[str]
) -> tuple[Path, list[str]] | None:
    """Return the path of rows that are lists of values, and their columns; None if there are none.

    *names* are the columns that the user gave. Raises `UnreadableArchiveError` if no names are
    known.
    """
    keys = list(found.columns.get((), {}))
    path: Path = next(((key,) for key in _ROWS if key in keys), ())
    first = None if keys and not path else next(filter(None, _elements(opened, path)), None)
    if first is None or _has_objects(first):
        return None
    if names:
        return path, list(names)
    if path and (named := next((key for key in keys if key in _NAMES), None)):
        return path, list(map(_name_of, islice(_elements(opened, (named,)), _MOST)))
    if isinstance(first, list) and all(isinstance(one, str) for one in first):
        return path, first
    raise UnreadableArchiveError(
        "its rows have no names of columns: name the columns with --columns id,title,..."
    )


def _has_objects(value: object) -> bool:
    """Return whether a value is an object, or a list of objects, such as a page of an API."""
    return isinstance(value, dict) or (isinstance(value, list) and all(map(_has_objects, value)))


def _name_of(column: object) -> str:
    """Return the name of a column, which may be an object that describes it."""
    if isinstance(column, dict):
        column = next((column[key] for key in _KEYS_OF_NAMES if column.get(key)), "")
    return str(column)


def _elements(opened: Callable[[], BinaryIO], path: Path) -> Iterator[object]:
    with opened() as file:
        yield from (value for _, value in array_at(file, path))


def list_rows(file: BinaryIO, path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the lists, or single texts, at *path* as rows, without a list of the column names."""
    for number, value in array_at(file, path):
        values = value if isinstance(value, list) else [value]
        if values == list(columns):
            continue
        if len(values) != len(columns):
            wanted = counted(len(columns), "column")
            yield Row(number, f"it has {counted(len(values), 'value')} for {wanted}")
        else:
            yield Row(number, dict(zip(columns, values, strict=True)))
