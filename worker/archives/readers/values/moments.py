"""Reads a whole column of moments at once if all have one common form.

For each value the result is that of `Dates`, which reads all other columns value by value.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from worker.text.intake import CLOCK_SKEW, EARLIEST

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3}(?:[0-9]{3})?)?"
_ENDS = ("Z", " UTC", "+00:00", "")
_COLUMNS = {end: re.compile(rf"(?:{_ISO}{re.escape(end)}(?:\n|\Z))++") for end in _ENDS}
_WHOLE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_SECONDS = {end: re.compile(rf"(?:{_WHOLE}{re.escape(end)}(?:\n|\Z))++") for end in _ENDS}
"""Columns of whole seconds in one form: only the days can be wrong."""
_DAY = 10
"""Characters of a day."""
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
    if whole.count("\n") >= len(values):  # one has several lines
        return None
    if _EPOCHS.fullmatch(whole):
        return _epochs(list(map(int, values)), now)
    end = next(one for one in _ENDS if whole.endswith(one))
    if _SECONDS[end].fullmatch(whole):
        return _whole_seconds(whole, end, now)
    return _fractions(values, end, now) if _COLUMNS[end].fullmatch(whole) else None


def _fractions(values: Sequence[str], end: str, now: datetime) -> list[str | None] | None:
    bare = [value[: len(value) - len(end)] for value in values]
    moments = list(map(datetime.fromisoformat, bare))
    earliest, latest = (one.replace(tzinfo=None) for one in (EARLIEST, now + CLOCK_SKEW))
    if not earliest <= min(moments) or not max(moments) <= latest:
        return None
    return [moment.isoformat() + _ZONE for moment in moments]


def _whole_seconds(whole: str, end: str, now: datetime) -> list[str | None] | None:
    """Return moments of whole seconds; each day is checked once.

    Their texts sort like the moments, so the limits are compared as texts.
    """
    bare = f"{whole}\n".replace(f"{end}\n", f"{_ZONE}\n").replace(" ", "T").split("\n")[:-1]
    for day in {value[:_DAY] for value in bare}:
        date.fromisoformat(day)
    earliest, latest = (one.isoformat() for one in (EARLIEST, now + CLOCK_SKEW))
    is_within = earliest <= min(bare) and max(bare) <= latest
    return list(bare) if is_within else None


def _epochs(seconds: Sequence[int], now: datetime) -> list[str | None] | None:
    latest = (now + CLOCK_SKEW).timestamp()
    if not EARLIEST.timestamp() <= min(seconds) or not max(seconds) <= latest:
        return None
    return [datetime.fromtimestamp(one, UTC).isoformat() for one in seconds]
