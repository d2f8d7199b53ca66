"""Reads tables that are rows of cells; one of the first rows has the names of the columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row
from worker.archives.readers.tabular.headers import header_place

HEAD = 30
"""The names of the columns are in one of so many first rows."""


def header_of(lines: Iterable[Sequence[Any]]) -> list[str]:
    """Return the names of the columns; empty for a table without rows."""
    head = [_texts(row) for row in islice(lines, HEAD)]
    return head[header_place(head)] if head else []


def rows_of(lines: Iterable[Sequence[Any]], header: Sequence[str]) -> Iterator[Row]:
    """Yield the rows below the *header*, which is one of *lines*."""
    is_below = False
    for number, values in enumerate(lines, start=1):
        if not is_below:
            is_below = _texts(values) == list(header)
        elif sum(len(value) for value in values if isinstance(value, str)) > RECORD_LIMIT:
            yield Row(number, RECORD_TOO_LONG)
        elif any(value != "" for value in values):
            named = zip(header, values, strict=False)
            yield Row(number, {key: value for key, value in named if key})


def _texts(row: Sequence[Any]) -> list[str]:
    return [str(value).strip() for value in row]
