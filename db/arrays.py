"""Columns of values as single values for Postgres, which casts each to an array.

Sent one by one, each value of an array takes as long to adapt and to parse as to store.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


_WRITTEN: Mapping[type, Callable[[Any], str]] = {
    str: _quoted,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    datetime: lambda value: f'"{value.isoformat()}"',
}
"""A kind comes before the kinds that it is a part of: a `bool` is an `int` as well."""


def array_of(values: Sequence[object]) -> str:
    """Return *values*, all of one kind or null, as the text of an array."""
    first = next((value for value in values if value is not None), None)
    write = next((write for kind, write in _WRITTEN.items() if isinstance(first, kind)), str)
    return f"{{{','.join(['NULL' if one is None else write(one) for one in values])}}}"
