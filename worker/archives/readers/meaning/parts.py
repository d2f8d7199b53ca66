"""Divides rows into parts of some thousands, which are recognised in the next archive."""

import hashlib
import marshal
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any
from zlib import crc32

from worker.archives.readers.records import Row

ROWS, _FEWEST, _EACH = 8_192, 1_024, 1_024
"""Rows of a part: the most, the fewest if more rows follow, and the mean number beyond the fewest.
"""
_CHARS = 4 << 20
_STEP = 16
"""Rows that are held before their length is looked at: each may be as long as a record may."""


def parts_of(rows: Iterator[Row], key: str | None) -> Iterator[list[Row]]:
    """Yield *rows* in lists, shorter where their values are long.

    Where one ends the values of the column *key* say: the same rows make the same parts, whatever
    was put in or taken out before them.
    """
    part: list[Row] = []
    chars = 0
    while some := list(islice(rows, _STEP)):
        end = _end(some, key) if key is not None and len(part) >= _FEWEST else None
        part += some[:end]
        chars += _chars(some)
        if end is not None or len(part) >= ROWS or chars >= _CHARS:
            yield part
            part, chars = some[len(some) if end is None else end :], 0
    if part:
        yield part


def _end(rows: Sequence[Row], key: str) -> int | None:
    """Return how many of *rows* belong to the part before; None for all, and more."""
    for count, row in enumerate(rows, start=1):
        value = None if isinstance(row.values, str) else row.values.get(key)
        if crc32(str(value).encode("utf-8", "backslashreplace")) % _EACH == 0:
            return count
    return None


def _chars(rows: Sequence[Row]) -> int:
    """Return about how many characters *rows* have, of texts alone."""
    some = [row.values.values() for row in rows if not isinstance(row.values, str)]
    try:
        return sum(map(len, chain.from_iterable(some)))  # most rows have texts alone
    except TypeError:
        return sum(len(one) for one in chain.from_iterable(some) if one.__class__ is str)


def digest_of(part: Sequence[Row], used: Sequence[str], how: str) -> bytes:
    """Return a digest of the columns *used* of *part*, and of *how* they are read."""
    digest = hashlib.sha256(how.encode("utf-8", "backslashreplace"))
    rejects = [(at, row.values) for at, row in enumerate(part) if isinstance(row.values, str)]
    good = [row.values for row in part if not isinstance(row.values, str)]
    columns: Iterator[Any] = chain([rejects], ([row.get(name) for row in good] for name in used))
    for values in columns:
        try:
            # In version 2 of marshal's format equal values give equal bytes.
            digest.update(marshal.dumps(values, 2))
        except ValueError:
            digest.update(repr(values).encode("utf-8", "backslashreplace"))
    return digest.digest()
