"""Columns of moments in one common form, read at once; `Dates` reads all others, one by one.

For each value the result is that of `Dates`.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from worker.text.intake import CLOCK_SKEW, EARLIEST

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3}(?:[0-9]{3})?)?"
_ENDS = ("Z", " UTC", "+00:00", "")
_COLUMNS = {end: re.compile(rf"(?:{_ISO}{re.escape(end)}(?:\n|\Z))++") for end in _ENDS}
_EPOCHS = re.compile(r"(?:[0-9]{10}(?:\n|\Z))++")
_ZONE = "+00:00"


def moments_of(values: Sequence[Any], *, now: datetime) -> list[str | None] | None:
    """Return the moments in ISO 8601, in UTC; None if the column must be read value by value."""
    present = [value for value in values if value is not None and value != ""]
    try:
        read = _read(present, now)
    except (ValueError, OverflowError):
        return None
    if read is None or len(present) == len(values):
        return read
    left = iter(read)
    return [None if value is None or value == "" else next(left) for value in values]


def _read(values: Sequence[Any], now: datetime) -> list[str | None] | None:
    kinds = set(map(type, values))
    if kinds == {int}:
        return _epochs(values, now)
    if kinds != {str}:
        return None if values else []
    whole = "\n".join(values)
    if _EPOCHS.fullmatch(whole):
        return _epochs(list(map(int, values)), now)
    end = next(one for one in _ENDS if whole.endswith(one))
    if not _COLUMNS[end].fullmatch(whole):
        return None
    bare = [value[: len(value) - len(end)] for value in values]
    moments = list(map(datetime.fromisoformat, bare))
    earliest, latest = (one.replace(tzinfo=None) for one in (EARLIEST, now + CLOCK_SKEW))
    if not earliest <= min(moments) or not max(moments) <= latest:
        return None
    return [moment.isoformat() + _ZONE for moment in moments]


def _epochs(seconds: Sequence[int], now: datetime) -> list[str | None] | None:
    latest = (now + CLOCK_SKEW).timestamp()
    if not EARLIEST.timestamp() <= min(seconds) or not max(seconds) <= latest:
        return None
    return [datetime.fromtimestamp(one, UTC).isoformat() for one in seconds]
