"""Months by their names, times of the day and zones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.values.months import full_year, named_month, with_time

DAY = datetime(2024, 1, 2, tzinfo=UTC)
NAMES = {
    "English": "January February March April May June July August September October November "
    "December",
    "short": "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
    "German": "Januar Februar M\u00e4rz April Mai Juni Juli August September Oktober November "
    "Dezember",
    "Austrian": "J\u00e4nner Februar M\u00e4rz April Mai Juni Juli August September Oktober "
    "November Dezember",
    "French": "janvier f\u00e9vrier mars avril mai juin juillet ao\u00fbt septembre octobre "
    "novembre d\u00e9cembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "Portuguese": "janeiro fevereiro mar\u00e7o abril maio junho julho agosto setembro outubro "
    "novembro dezembro",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre "
    "novembre dicembre",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november "
    "december",
    "Russian": "\u044f\u043d\u0432\u0430\u0440\u044f \u0444\u0435\u0432\u0440\u0430\u043b\u044f "
    "\u043c\u0430\u0440\u0442\u0430 \u0430\u043f\u0440\u0435\u043b\u044f \u043c\u0430\u044f "
    "\u0438\u044e\u043d\u044f \u0438\u044e\u043b\u044f \u0430\u0432\u0433\u0443\u0441\u0442\u0430 "
    "\u0441\u0435\u043d\u0442\u044f\u0431\u0440\u044f \u043e\u043a\u0442\u044f\u0431\u0440\u044f "
    "\u043d\u043e\u044f\u0431\u0440\u044f \u0434\u0435\u043a\u0430\u0431\u0440\u044f",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrze\u015bnia "
    "pa\u017adziernika listopada grudnia",
}


@pytest.mark.parametrize("language", NAMES)
def test_each_month_is_known_by_its_name(language: str) -> None:
    found = [named_month(f"2 {name} 2024") for name in NAMES[language].split()]

    assert found == [datetime(2024, month, 2) for month in range(1, 13)]  # noqa: DTZ001  # no zone was said


@pytest.mark.parametrize(
    "text",
    ["2 January 2024", "2nd of January, 2024", "January 2, 2024", "Jan 2nd, 2024", "Tue, 02-Jan-24",
     "2. Januar 2024", "2 de enero de 2024", "1er"],
)  # fmt: skip
def test_ways_in_which_a_day_is_written(text: str) -> None:
    expected = None if text == "1er" else datetime(2024, 1, 2)  # noqa: DTZ001  # no zone was said

    assert named_month(text) == expected


@pytest.mark.parametrize(
    ("rest", "hours"),
    [
        ("", 0.0),
        (" 15:04", 15 + 4 / 60),
        (" at 3:04 pm", 15 + 4 / 60),
        (" 12:00 a.m.", 0.0),
        (" 12:30 PM", 12.5),
        (" 15h30", 15.5),
        (" 15:30:00.123", 15.5),
        (" 24:00", 24.0),
        (" 10:00 +02:00", 8.0),
        (" 10:00 -0330", 13.5),
        (" 10:00 GMT+1", 9.0),
        (" 10:00 GMT+0100 (Central European Standard Time)", 9.0),
        (" 10:00 CEST", 8.0),
        (" 10:00 EST", 15.0),
        (" 10:00 Europe/Berlin", 9.0),
    ],
)
def test_a_time_and_its_zone(rest: str, hours: float) -> None:
    found = with_time(DAY, rest)
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)

    assert moment - DAY == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ["IST", "XYZ", "Atlantis/Poseidonis", "+1x2"])
def test_a_zone_that_is_not_known_is_refused(zone: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        with_time(DAY, f" 10:00 {zone}")


@given(st.integers(0, 99))
def test_two_digits_are_a_year_of_forums(digits: int) -> None:
    year = full_year(digits)

    assert 1970 <= year < 2070
    assert year % 100 == digits
    assert full_year(year) == year
