"""Reads dates with the month by name, in the most frequent languages of forums."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_MONTHS = (
    r"jan\w*|j\u00e4n\w*|ener\w*|gen\w*|\u044f\u043d\u0432\w*|stycz\w*|sty",
    r"feb\w*|f\u00e9v\w*|fev\w*|\u0444\u0435\u0432\w*|lut\w*",
    r"mar\w*|m\u00e4r\w*|maart|mrz|mrt|\u043c\u0430\u0440\w*",
    r"apr\w*|avr\w*|abr\w*|\u0430\u043f\u0440\w*|kwie\w*|kwi",
    r"may\w*|mai\w*|mei|mag\w*|\u043c\u0430[\u044f\u0439]|maj\w*",
    r"jun\w*|juin|giu\w*|\u0438\u044e\u043d\w*|czerw\w*|cze",
    r"jul\w*|juil\w*|lug\w*|\u0438\u044e\u043b\w*|lip\w*",
    r"aug\w*|ao\u00fbt|aout|ago\w*|\u0430\u0432\u0433\w*|sierp\w*|sie",
    r"sep\w*|set\w*|\u0441\u0435\u043d\w*|wrze\w*|wrz",
    r"oct\w*|okt\w*|out\w*|ott\w*|\u043e\u043a\u0442\w*|pa\u017a\w*",
    r"nov\w*|\u043d\u043e\u044f\w*|list\w*|lis",
    r"dec\w*|d\u00e9c\w*|dez\w*|dic\w*|\u0434\u0435\u043a\w*|grud\w*|gru",
)
_NAME = "|".join(f"(?P<m{place}>{one})" for place, one in enumerate(_MONTHS, start=1))
_DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|\u00ba)?[\s/-]*(?:de\s+|of\s+)?(?:{_NAME})\.?,?[\s/-]*"
    r"(?:de\s+|del\s+)?(?P<year>(?:19|20)\d\d|\d\d(?=$|\s))",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"\b(?:{_NAME})\.?[\s/-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s/-]+(?P<year>(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2})[:h.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"\s*(?:GMT|UTC)?([+-]\d\d?)(?::?(\d\d))?(?:\s*\([\w ]+\))?\s*"
    r"|\s*\(?([A-Z][A-Za-z]+/[\w/+-]+|[A-Z]{1,5})\)?\s*"
)
_HOURS: Mapping[str, float] = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "BST": 1, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "JST": 9, "KST": 9, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
"""Zones whose names are nearly always clear; IST is not, because three countries use it."""
_NOON, _LAST_HOUR, _CENTURY, _TURN = 12, 24, 100, 70


def named_month(text: str) -> datetime | None:
    """Return the moment of a date such as ``2 janvier 2024, 15:04``; None if it is none."""
    found = _DAY_FIRST.search(text) or _MONTH_FIRST.search(text)
    if found is None:
        return None
    month = next(place for place in range(1, _NOON + 1) if found[f"m{place}"])
    day = datetime(full_year(int(found["year"])), month, int(found["day"]))  # noqa: DTZ001  # below
    return with_time(day, text[found.end() :]) if text[found.end() :].strip() else day


def full_year(year: int) -> int:
    """Return *year* with four digits; it may have only the last two."""
    if year >= _CENTURY:
        return year
    return year + (1900 if year >= _TURN else 2000)


def with_time(day: datetime, rest: str) -> datetime:
    """Return *day* at the time in *rest*, with its zone if there is one."""
    found = _TIME.search(rest)
    if found is None:
        return day
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % _NOON + (_NOON if found["half"].lower() == "p" else 0)
    second = int(found["second"] or 0)
    midnight = timedelta(days=hour == _LAST_HOUR)  # 24:00 ends the day
    hour %= _LAST_HOUR
    moment = day.replace(hour=hour, minute=int(found["minute"]), second=second) + midnight
    return moment.replace(tzinfo=_zone(rest[found.end() :]))


def _zone(rest: str) -> tzinfo | None:
    """Return the zone at the end of a time; None if there is none.

    Raises `ValueError` for an unknown zone.
    """
    found = _ZONE.fullmatch(rest)
    if found is None and re.search(r"\d", rest):
        raise ValueError(f"{rest!r} is not a known time zone")
    if found is None:
        return None
    if found[1]:
        hours, minutes = int(found[1]), int(found[2] or 0)
        return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    if (hour := _HOURS.get(found[3])) is not None:
        return timezone(timedelta(hours=hour))
    if "/" in found[3]:
        return ZoneInfo(found[3])
    raise ValueError(f"{found[3]} is not a known time zone")
