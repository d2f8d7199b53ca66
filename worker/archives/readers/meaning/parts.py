"""Divides rows into parts of some thousands, which are recognised in the next archive."""

import hashlib
import marshal
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any
from zlib import crc32

from worker.archives.readers.records import ManyRows, Row, Rows

ROWS, _FEWEST, _EACH = 8_192, 3_072, 1_024
"""Rows of a part: the most, the fewest if more rows follow, and the mean number beyond the fewest.
"""
_CHARS = 4 << 20
_STEP = 16
"""After so many rows their length is checked, because each may be as long as a record may be."""
_BETWEEN = "\x1f\n"
_Step = ManyRows | list[Row]


class Part:
    """Rows of a table that are read together; the readable ones can be read by column."""

    def __init__(self, held: Sequence[_Step]) -> None:
        self._columns = _by_column(held)
        self._rows = [] if self._columns is not None else list(chain.from_iterable(held))
        self.lines = list(chain.from_iterable(map(_lines, held)))
        """The lines of all rows."""
        self.rejects = _rejects(held)
        """By place: why a row cannot be read."""
        self.places = [at for at in range(len(self.lines)) if at not in self.rejects]
        """The places of the readable rows."""

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[Any]:
        """Return a column of the readable rows, with None for rows without this column."""
        if self._columns is None:
            return [row.get(name) for row in self.values]
        return self._columns.get(name) or [None] * len(self.places)

    def has_column(self, name: str) -> bool:
        """Return whether every readable row surely has the column *name*."""
        return self._columns is not None and name in self._columns

    @cached_property
    def values(self) -> list[Mapping[str, Any]]:
        """Return the readable rows by the names of their columns."""
        if self._columns is None:
            return _readable(self._rows)
        names = list(self._columns)
        columns = self._columns.values()
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def rows(self, *, without: frozenset[int] = frozenset()) -> Iterator[tuple[int, Row]]:
        """Yield the rows with their places, except the places in *without*."""
        if self._columns is None:
            yield from ((at, row) for at, row in enumerate(self._rows) if at not in without)
            return
        if len(without) == len(self):
            return
        readable = dict(zip(self.places, range(len(self.places)), strict=True))
        for at, line in enumerate(self.lines):
            if at not in without:
                why = self.rejects.get(at)
                yield at, Row(line, self.values[readable[at]] if why is None else why)


def _by_column(held: Sequence[_Step]) -> dict[str, list[Any]] | None:
    """Return the columns of all readable rows if all have the same ones, otherwise None."""
    first = next((one for one in held if isinstance(one, ManyRows)), None)
    if first is None:
        return None
    columns: dict[str, list[Any]] = {name: [] for name in first.columns}
    for step in held:
        for found in [step.columns] if isinstance(step, ManyRows) else _readable(step):
            if found.keys() != columns.keys():
                return None
            for name, column in columns.items():
                column.extend(found[name] if isinstance(step, ManyRows) else (found[name],))
    return columns


def _readable(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    return [row.values for row in rows if not isinstance(row.values, str)]


def _lines(step: _Step) -> Sequence[int]:
    return step.lines if isinstance(step, ManyRows) else [row.line for row in step]


def _rejects(held: Sequence[_Step]) -> dict[int, str]:
    found: dict[int, str] = {}
    place = 0
    for step in held:
        if not isinstance(step, ManyRows):
            whys = enumerate((row.values for row in step), start=place)
            found.update((at, why) for at, why in whys if isinstance(why, str))
        place += len(step)
    return found


def parts_of(found: Iterator[Rows], key: str | None) -> Iterator[Part]:
    """Yield the rows of *found* in parts, shorter ones if their values are long.

    The values of the column *key* decide where a part ends. So the same rows make the same parts,
    even if rows before them were added or removed.
    """
    held: list[_Step] = []
    rows = chars = 0
    for step in _steps(found):
        left = step
        while len(left):
            end = _end(left, key, _FEWEST - rows) if key is not None else None
            taken, left = _cut(left, min(len(left) if end is None else end, ROWS - rows))
            held.append(taken)
            rows, chars = rows + len(taken), chars + _chars(taken)
            if end is not None or rows >= ROWS or chars >= _CHARS:
                yield Part(held)
                held, rows, chars = [], 0, 0
    if held:
        yield Part(held)


def _steps(found: Iterator[Rows]) -> Iterator[_Step]:
    some: list[Row] = []
    for one in found:
        if isinstance(one, Row):
            some.append(one)
            if len(some) < _STEP:
                continue
        if some:
            yield some
            some = []
        if isinstance(one, ManyRows):
            yield one
    if some:
        yield some


def _cut(step: _Step, count: int) -> tuple[_Step, _Step]:
    """Return the first *count* rows, and the other rows."""
    if count == len(step):
        return step, []
    if isinstance(step, ManyRows):
        return step.part(0, count), step.part(count, len(step))
    return step[:count], step[count:]


def _end(step: _Step, key: str, first: int) -> int | None:
    """Return how many rows still belong to the present part; None if it does not end here.

    None of the *first* rows ends the part.
    """
    if first >= len(step):
        return None
    if isinstance(step, ManyRows):
        values: Sequence[Any] = step.columns.get(key, ())
    else:
        values = [None if isinstance(row.values, str) else row.values.get(key) for row in step]
    try:
        marks = list(map(crc32, map(str.encode, values)))
    except (TypeError, UnicodeEncodeError):
        marks = [crc32(str(value).encode("utf-8", "backslashreplace")) for value in values]
    ends = (at for at, mark in enumerate(marks, start=1) if mark % _EACH == 0 and at > first)
    return next(ends, None)


def _chars(step: _Step) -> int:
    """Return about how many characters the texts in the rows have."""
    if isinstance(step, ManyRows):
        return sum(map(_length, step.columns.values()))
    return _length(list(chain.from_iterable(row.values() for row in _readable(step))))


def _length(values: Sequence[Any]) -> int:
    try:
        return len("".join(values))  # most columns have only texts
    except TypeError:
        return sum(len(one) for one in values if one.__class__ is str)


def digest_of(part: Part, used: Sequence[str], how: str) -> bytes:
    """Return a digest of the columns *used* of *part*, and of *how* they are read."""
    digest = hashlib.sha256(how.encode("utf-8", "backslashreplace"))
    columns = chain([list(part.rejects.items())], map(part.column, used))
    for values in columns:
        packed = _packed(values)
        digest.update(b"%d " % len(packed))
        digest.update(packed)
    return digest.digest()


def _packed(values: list[Any]) -> bytes:
    """Return bytes of *values*; equal values have equal bytes."""
    try:
        whole = _BETWEEN.join(values)
        if whole.count(_BETWEEN) == len(values) - 1:
            return b"texts " + whole.encode("utf-8", "surrogatepass")
    except TypeError:  # not all are texts
        pass
    try:
        return marshal.dumps(values, 2)  # in version 2 equal values give equal bytes
    except ValueError:
        return repr(values).encode("utf-8", "backslashreplace")
