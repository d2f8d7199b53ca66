"""Reads moments as exporters write them: epochs, ISO 8601, mail dates, day and month in any order.

A moment without a zone is taken as UTC. A date such as 03/04/2014 is read only if other rows of its
column, or the user, show what comes first.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from unicodedata import decimal

from dateutil import parser as dateutil

from worker.archives.readers.values.conditions import NULLS
from worker.archives.readers.values.months import full_year, named_month, with_time

_LENGTH = 100
_LAST_S = 4_000_000_000
"""Later than any question, in epoch seconds; a larger number is in milliseconds or smaller units.
"""
_FIRST_S = 600_000_000
_EXCEL_DAY_0 = datetime(1899, 12, 30, tzinfo=UTC)
_EXCEL_DAYS = 100_000
_EXCEL_FIRST = 32_000
_SYSTEMS = (
    (6.24e17, 6.6e17, 1e7, 62_135_596_800),
    (1.24e17, 1.4e17, 1e7, 11_644_473_600),
    (1.24e16, 1.4e16, 1e6, 11_644_473_600),
)
"""Moments from 1994 on: ticks of .NET since the year 1, of Windows and of Chrome since 1601. Each
has its first and last number, its units in a second, and the seconds before 1970.
"""
_EPOCH = re.compile(r"-?\d+(?:\.\d+)?(?:[eE]\+?\d+)?")
_STAMP = re.compile(r"(?:19|20)\d{6}(?:\d{6})?")
_ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$|\s+(?=[+-]\d\d:?\d\d$)|\s+(?=[+-]\d\d$)", re.IGNORECASE)
_NUMERIC = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2((?:19|20)?\d\d)(?P<time>,?[T ]+\d{1,2}:\d\d.*)?"
)
_YEAR_FIRST = re.compile(
    r"((?:19|20)\d\d)\s*[./\u5e74-]\s*(\d{1,2})\s*[./\u6708-]\s*(\d{1,2})(?:\s*\u65e5|\.)?"
    r"(?P<time>,?[T ]+\d{1,2}:\d\d.*)?"
)
_SINCE_1970 = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_OF_SHEETS = re.compile(r"Date\((\d{4}),(\d{1,2}),(\d{1,2})((?:,\d{1,3}){0,4})\)")
"""Google's query of a spreadsheet writes JavaScript's date, whose months begin with 0."""
_ZONE_TWICE = re.compile(r"(?<=[\dZ])\[[\w/+-]+\]$")
"""Java writes the name of a zone after its hours."""
_DOTTED = re.compile(r"^(\d{4}-\d\d-\d\d)[- ](\d\d)\.(\d\d)\.(\d\d)")
_AT_HOUR = re.compile(r",? (?:\u00e0 )?(\d{1,2}) ?[hH] ?(\d\d)\b")
_HOURS = re.compile(r"(?<=\d)()\s*[\u65f6\u6642\uc2dc]\s*")
_MINUTES = re.compile(r"(\d)\s*[\u5206\ubd84]\s*(?=\d)")
_AFTER_MINUTES = re.compile(r"(\d)\s*[\u79d2\ucd08\u5206\ubd84]$")
_SECONDS = ("seconds", "_seconds", "epochSecond", "sec")
_PARTS = range(3, 8)
"""Lengths of a list of year, month, day and perhaps more."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)
_NOON = 12
_YEAR_DIGITS = 4


class DateOrder(StrEnum):
    """The order of day, month and year in dates that do not show it."""

    AUTO = "auto"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    EXCEL = "excel"
    """Numbers are days since 1900, as in spreadsheets."""


class NoDateError(ValueError):
    """The value is not a date that can be read."""


@dataclass(frozen=True, slots=True)
class Dates:
    """Reads the dates of one column."""

    order: DateOrder = DateOrder.AUTO

    @classmethod
    def of(cls, values: Iterable[object], order: DateOrder = DateOrder.AUTO) -> "Dates":
        """Return the reader of a column whose first values are *values*."""
        if order is not DateOrder.AUTO:
            return cls(order)
        is_sheet = False
        for value in values:
            is_sheet = is_sheet or isinstance(value, date)
            found = _NUMERIC.fullmatch(str(value).strip()) if isinstance(value, str) else None
            if found is None or found[2] == "." or len(found[4]) < _YEAR_DIGITS:
                continue
            if int(found[1]) > _NOON:
                return cls(DateOrder.DAY_FIRST)
            if int(found[3]) > _NOON:
                return cls(DateOrder.MONTH_FIRST)
        # A cell without the form of a date has the number of the day.
        return cls(DateOrder.EXCEL if is_sheet else DateOrder.AUTO)

    def read(self, value: object) -> datetime | None:
        """Return the moment in *value*, or None if *value* means that there is none.

        Raises `NoDateError`, with a sentence for people.
        """
        try:
            found = self._read(value)
        except (ValueError, TypeError, OverflowError, OSError) as error:
            if isinstance(error, NoDateError):
                raise
            raise NoDateError("it is not a date in a known form") from None
        if found is not None and found.tzinfo is None:
            return found.replace(tzinfo=UTC)
        return found

    def _read(self, value: object) -> datetime | None:
        if isinstance(value, str):
            is_iso = value[4:5] == "-" and value[-1].isdigit()
            return self._iso(value) if is_iso else self._written(value)
        return self._other(value)

    def _other(self, value: object) -> datetime | None:
        if isinstance(value, date):
            day = datetime(value.year, value.month, value.day, tzinfo=UTC)
            return value if isinstance(value, datetime) else day
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._number(float(value))
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return self._list(value)
        return self._written(str(value))

    def _list(self, value: list[Any]) -> datetime | None:
        if len(value) == 1:
            return self._read(value[0])
        if len(value) not in _PARTS:
            raise NoDateError("it is not a date in a known form")
        year, month, day, hour, minute, second = (*map(int, value[:6]), 0, 0, 0)[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    def _object(self, value: dict[str, Any]) -> datetime | None:
        """Return the moment in an object of MongoDB, Firestore, Java, PHP or Drupal."""
        if len(value) == 1:
            return self._read(next(iter(value.values())))
        named = next((value[name] for name in _SECONDS if name in value), None)
        return self._read(value.get("date", value.get("value")) if named is None else named)

    def _written(self, text: str) -> datetime | None:
        text = text.strip()
        if len(text) > _LENGTH:
            raise NoDateError("it is not a date in a known form")
        if text.lower() in NULLS or text.startswith("0000-00-00"):
            return None
        return self._text(text)

    def _iso(self, text: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            text = text.strip()
            return None if text.startswith("0000-00-00") else self._text(text)

    def _number(self, number: float) -> datetime | None:
        if not number:
            return None
        if not math.isfinite(number):
            raise NoDateError("it is not a date in a known form")
        if self.order is DateOrder.EXCEL and 0 < number < _EXCEL_DAYS:
            return _EXCEL_DAY_0 + timedelta(days=number)
        if not math.isfinite(number):
            raise NoDateError("it is not a date in a known form")
        if _EXCEL_FIRST <= number < _EXCEL_DAYS:
            raise NoDateError("it may be the number of a day in a spreadsheet: say --dates excel")
        number = _in_seconds(number)
        if number < _FIRST_S:
            raise NoDateError("as seconds since 1970 it is too early for a forum")
        return datetime.fromtimestamp(number, UTC)

    def _text(self, text: str) -> datetime | None:
        text = _in_one_form(text)
        if _STAMP.fullmatch(text):
            return datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if _EPOCH.fullmatch(text):
            return self._number(float(text))
        if found := _SINCE_1970.fullmatch(text):
            return self._number(float(found[1]))
        if found := _OF_SHEETS.fullmatch(text):
            hour, minute, second = (*map(int, found[4].split(",")[1:4]), 0, 0, 0)[:3]
            day = datetime(int(found[1]), int(found[2]) + 1, int(found[3]), tzinfo=UTC)
            return day.replace(hour=hour, minute=minute, second=second)
        if found := _NUMERIC.fullmatch(text):
            return self._numeric(found)
        return _year_first(text)

    def _numeric(self, found: re.Match[str]) -> datetime:
        one, two = int(found[1]), int(found[3])
        is_short = len(found[4]) < _YEAR_DIGITS and found[2] != "."
        if is_short and two <= _NOON and self.order is DateOrder.AUTO:
            raise NoDateError("it is not certain which number is the year: say --dates dmy or mdy")
        if found[2] == "." or one > _NOON or self.order is DateOrder.DAY_FIRST:
            day, month = one, two
        elif two > _NOON or self.order is DateOrder.MONTH_FIRST:
            day, month = two, one
        elif one == two:
            day = month = one
        else:
            raise NoDateError("it is not certain which number is the month: say --dates dmy or mdy")
        moment = datetime(full_year(int(found[4])), month, day, tzinfo=UTC)
        return with_time(moment, found["time"] or "")


def _in_seconds(number: float) -> float:
    """Return seconds since 1970 of a number in them, or in a smaller unit of another system."""
    for first, last, units, since in _SYSTEMS:
        if first <= number < last:
            return number / units - since
    while abs(number) > _LAST_S:
        number /= 1000
    return number


def _in_one_form(text: str) -> str:
    """Return *text* with digits and times as most programs write them.

    DB2 writes ``2019-03-02-11.22.33``, French forums ``11h22``, and others digits of their script.
    """
    if not text.isascii():
        text = "".join(str(decimal(one, one)) for one in text)
        text = _HOURS.sub(r"\1:", _MINUTES.sub(r"\1:", _AFTER_MINUTES.sub(r"\1", text)))
    text = _AT_HOUR.sub(r" \1:\2", text)
    return _DOTTED.sub(r"\1 \2:\3:\4", text)


def _year_first(text: str) -> datetime:
    """Return a moment that begins with the year, or has the month by name."""
    bare = _ZONE.sub("", _ZONE_TWICE.sub("", text))
    try:
        return datetime.fromisoformat(bare)
    except ValueError:
        found = _YEAR_FIRST.fullmatch(bare)
    if found is None:
        return _spelled(text)
    day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    return with_time(day, found["time"] or "")


def _spelled(text: str) -> datetime:
    """Return a moment with the month by name; *text* must have a year and a month."""
    if (moment := named_month(text)) is not None:
        return moment
    if not (_YEAR.search(text) and _MONTH.search(text)):
        raise NoDateError("it is not a date in a known form")
    readers: tuple[Callable[[str], datetime], ...] = (parsedate_to_datetime, _any_order)
    for read in readers:
        try:
            return read(text)
        except (ValueError, TypeError, IndexError):
            continue
    raise NoDateError("it is not a date in a known form")


def _any_order(text: str) -> datetime:
    return dateutil.parse(text, default=datetime(1990, 1, 1, tzinfo=UTC))
