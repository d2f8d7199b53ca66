"""Tables of nested records: JSON, a document or one object a line, and YAML."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import BinaryIO

from worker.archives.readers.documents import json_lists, json_rows, yaml_rows
from worker.archives.readers.records import Row, UnreadableArchiveError
from worker.archives.readers.sources import Entry
from worker.archives.readers.table import Hints, Make, Opened, Table

_LOOK = 8 << 20
"""Characters of a document that are looked at to find its tables."""
_LINES, _SEVERAL = 2_000, 2


def json_document(entry: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    """Yield the tables of JSON documents."""
    with opened() as file:
        found = json_rows.look(file, _LOOK)
    if json_lists.is_by_columns(found):
        yield make(
            name=entry.stem,
            columns=list(found.columns[()]),
            parts=[partial(_opened_rows, opened, json_lists.rows_by_columns)],
        )
    elif listed := json_lists.list_table(opened, found, hints.columns):
        rows = partial(json_lists.list_rows, path=listed[0], columns=listed[1])
        parts = [partial(_opened_rows, opened, rows)]
        yield make(name=".".join(listed[0]) or entry.stem, columns=listed[1], parts=parts)
    else:
        yield from _json_tables(entry, opened, found, make)


def _opened_rows(
    opened: Opened, read: Callable[[BinaryIO], Iterator[Row]], _: Collection[str]
) -> Iterator[Row]:
    with opened() as file:
        yield from read(file)


def _json_tables(
    entry: Entry, opened: Opened, found: json_rows.Found, make: Make
) -> Iterator[Table]:
    tables = list(_at_paths(entry, opened, found, make, json_rows.objects))
    if not tables:
        raise UnreadableArchiveError("no JSON object was found")
    yield from tables


def _at_paths(
    entry: Entry,
    opened: Opened,
    found: json_rows.Found,
    make: Make,
    objects: Callable[[BinaryIO, json_rows.Path], Iterator[Row]],
) -> Iterator[Table]:
    """Yield a table for each path at which objects were *found*, which *objects* reads."""

    def rows(path: json_rows.Path, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from objects(file, path)

    tables = found.tables()
    for path, columns in tables.items():
        is_hit = _is_hit(tables.get(path[:-1], ()), path)
        yield make(
            name=".".join(path) or entry.stem,
            columns=[*columns, "_id"] if is_hit else columns,  # what was found beside
            parts=[partial(_hits, rows, path) if is_hit else partial(rows, path)],
            path=path,
            is_single=found.counts.get(path, 0) < _SEVERAL and found.is_single(path),
        )


def _is_hit(around: Collection[str], path: json_rows.Path) -> bool:
    """Return whether at *path* lies the document of a hit, as Elasticsearch writes its own."""
    return path[-1:] == ("_source",) and "_id" in around


def _hits(
    rows: Callable[[json_rows.Path, Collection[str]], Iterator[Row]],
    path: json_rows.Path,
    columns: Collection[str],
) -> Iterator[Row]:
    for row in rows(path[:-1], columns):
        if isinstance(row.values, str) or not isinstance(row.values.get("_source"), dict):
            yield Row(row.line, row.values if isinstance(row.values, str) else "it has no _source")
        else:
            yield Row(row.line, {"_id": row.values.get("_id"), **row.values["_source"]})


def json_rows_of_lines(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    """Yield the tables of JSON that has an object on each line."""
    found, fault = json_rows.Found(), None
    with opened() as file:
        chars = 0
        for count, (number, value, length) in enumerate(json_rows.json_lines(file)):
            chars += length
            if isinstance(value, str):
                fault = fault or f": line {number}, {value}"
            else:
                found.see(value)
            if count >= _LINES or chars > _LOOK:
                break
    if not found.columns:
        raise UnreadableArchiveError(f"no JSON object was found{fault or ''}")

    def lines(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from (Row(row.number, row.value) for row in json_rows.json_lines(file))

    for table in _json_tables(entry, opened, found, make):
        if not table.path:
            table.parts = [lines]
        yield table


def yaml(entry: Entry, opened: Opened, make: Make) -> list[Table]:
    """Return the tables of YAML."""
    with opened() as file:
        found = yaml_rows.look(file, _LOOK)
    return list(_at_paths(entry, opened, found, make, yaml_rows.rows))
