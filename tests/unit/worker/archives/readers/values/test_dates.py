"""A moment comes back from every way of writing it, and what is none is refused in a sentence."""

import calendar
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.values.dates import DateOrder, Dates, NoDateError

MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # the zone is beside
    lambda moment: moment.replace(microsecond=0)
)
_GERMAN = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


WRITTEN: dict[str, Callable[[datetime], object]] = {
    "seconds": _epoch,
    "seconds as text": lambda moment: str(_epoch(moment)),
    "milliseconds": lambda moment: _epoch(moment) * 1_000,
    "microseconds as text": lambda moment: f"{_epoch(moment)}000000",
    "nanoseconds": lambda moment: _epoch(moment) * 10**9,
    "float": lambda moment: float(_epoch(moment)),
    "ISO": lambda moment: moment.isoformat(),
    "ISO with Z": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z",
    "ISO without a zone": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}",
    "ISO with UTC behind": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} UTC",
    "ISO and a space before the zone": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} +0000",
    "in another zone": lambda moment: moment.astimezone(
        timezone(timedelta(hours=5, minutes=30))
    ).isoformat(),
    "Java's zone behind its hours": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z[Etc/UTC]",
    "digits alone": lambda moment: f"{moment:%Y%m%d%H%M%S}",
    "mail": format_datetime,
    "/Date()/": lambda moment: f"/Date({_epoch(moment)}000)/",
    "dots": lambda moment: f"{moment:%d.%m.%Y %H:%M:%S}",
    "slashes, the year first": lambda moment: f"{moment:%Y/%m/%d %H:%M:%S}",
    "Chinese": lambda moment: (
        f"{moment.year}\u5e74{moment.month}\u6708{moment.day}\u65e5 {moment:%H:%M:%S}"
    ),
    "month by its name": lambda moment: f"{moment:%d %B %Y, %H:%M:%S}",
    "month first, half a day": lambda moment: f"{moment:%b %d, %Y %I:%M:%S %p}",
    "German": lambda moment: (
        f"{moment.day}. {_GERMAN.split()[moment.month - 1]} {moment.year} {moment:%H:%M:%S}"
    ),
    "MongoDB": lambda moment: {"$date": moment.isoformat()},
    "MongoDB, nested": lambda moment: {"$date": {"$numberLong": f"{_epoch(moment)}000"}},
    "Firestore": lambda moment: {"_seconds": _epoch(moment), "_nanoseconds": 0},
    "Java": lambda moment: {"epochSecond": _epoch(moment), "nano": 0},
    "PHP": lambda moment: {
        "date": f"{moment:%Y-%m-%d %H:%M:%S}.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    },
    "parts": lambda moment: [*moment.timetuple()[:6]],
    "a list of one": lambda moment: [moment.isoformat()],
    "what it is already": lambda moment: moment,
}


@pytest.mark.parametrize("way", WRITTEN)
@given(moment=MOMENTS)
@settings(max_examples=15)
def test_a_moment_comes_back_from_every_way_of_writing_it(way: str, moment: datetime) -> None:
    assert Dates().read(WRITTEN[way](moment)) == moment


@given(MOMENTS)
@settings(max_examples=30)
def test_an_order_that_is_said_is_kept(moment: datetime) -> None:
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)

    assert Dates(DateOrder.DAY_FIRST).read(f"{day:%d/%m/%Y}") == day
    assert Dates(DateOrder.MONTH_FIRST).read(f"{day:%m/%d/%Y}") == day
    assert Dates(DateOrder.DAY_FIRST).read(f"{day:%d-%m-%y}") in {
        day,
        _century_earlier(day),
    }


def _century_earlier(day: datetime) -> datetime | None:
    """From 70 on, two digits are of the century before."""
    is_leap = calendar.isleap(day.year - 100) or (day.month, day.day) != (2, 29)
    return day.replace(year=day.year - 100) if is_leap else None


@given(st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=30)
def test_a_day_and_a_month_that_may_be_each_other_are_never_guessed(one: int, two: int) -> None:
    text = f"{one:02}/{two:02}/2014"

    if one == two:
        assert Dates().read(text) == datetime(2014, one, one, tzinfo=UTC)
    else:
        with pytest.raises(NoDateError, match="say --dates dmy or mdy"):
            Dates().read(text)


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (["03/04/2014", "25/04/2014"], DateOrder.DAY_FIRST),
        (["03/04/2014", "04/25/2014"], DateOrder.MONTH_FIRST),
        (["03/04/2014", None, 7, "04/05/2014"], DateOrder.AUTO),
        (["25.04.2014"], DateOrder.AUTO),  # dots always have the day first
        (["25/04/14"], DateOrder.AUTO),  # which one is the year?
        ([], DateOrder.AUTO),
    ],
)
def test_other_rows_of_a_column_say_what_comes_first(
    column: list[object], order: DateOrder
) -> None:
    assert Dates.of(column) == Dates(order)
    assert Dates.of(column, DateOrder.EXCEL) == Dates(DateOrder.EXCEL)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1, datetime(1899, 12, 31, tzinfo=UTC)),
        (41_640.5, datetime(2014, 1, 1, 12, tzinfo=UTC)),
        ("41640", datetime(2014, 1, 1, tzinfo=UTC)),
        (1_400_000_000, datetime(2014, 5, 13, 16, 53, 20, tzinfo=UTC)),  # no day of Excel's
    ],
)
def test_days_of_a_spreadsheet_are_counted_where_it_is_said(
    value: object, moment: datetime
) -> None:
    assert Dates(DateOrder.EXCEL).read(value) == moment


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "",
        "  ",
        "NULL",
        "\\N",
        "n/a",
        "-",
        "0",
        0,
        0.0,
        "0000-00-00",
        "0000-00-00 00:00:00",
        {},
    ],
)
def test_where_there_is_nothing_there_is_no_moment(nothing: object) -> None:
    assert Dates().read(nothing) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "soon",
        "12",
        "2014-02-30",
        "31.02.2014",
        "May I ask 20 questions?",
        "2014",
        "13/13/2014",
        "x" * 101,
        True,
        [2014],
        [2014, 1],
        [2014, None, 1],
        [2014, 13, 1],
        ["a", "b", "c"],
        float("nan"),
        float("inf"),
        -float("inf"),
        "1e999",
        10**400,
        "-1e300",
        "2 May 2014, 10:00 IST",  # three countries use it
        "/Date(99)/",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_moment_is_refused(wrong: object) -> None:
    with pytest.raises(NoDateError, match=r"it is|be told apart"):
        Dates().read(wrong)


def test_a_day_alone_begins_at_midnight() -> None:
    assert Dates().read(date(2014, 5, 3)) == datetime(2014, 5, 3, tzinfo=UTC)
    assert Dates().read("2014-05-03") == datetime(2014, 5, 3, tzinfo=UTC)
    assert Dates().read("3 May 2014") == datetime(2014, 5, 3, tzinfo=UTC)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( \d\d?:\d\d?( [A-Z]{2,4})?)?", fullmatch=True)
    | st.from_regex(r"-?\d{1,20}(\.\d{1,3})?([eE]\+?\d{1,4})?", fullmatch=True),
    lambda inner: (
        st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(DateOrder))
@settings(max_examples=300)
def test_whatever_is_given_is_a_moment_with_a_zone_or_none_or_refused(
    value: object, order: DateOrder
) -> None:
    found = None
    with suppress(NoDateError):
        found = Dates(order).read(value)

    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Date(2020,0,5)", datetime(2020, 1, 5, tzinfo=UTC)),
        ("Date(2020,11,31,10,20,30)", datetime(2020, 12, 31, 10, 20, 30, tzinfo=UTC)),
        ({"value": "2020-01-05T00:00:00", "format": "Y"}, datetime(2020, 1, 5, tzinfo=UTC)),
    ],
)
def test_dates_of_google_sheets_and_of_drupal_are_read(value: object, moment: datetime) -> None:
    assert Dates().read(value) == moment
