"""A column of moments that is read at once gives what its values give one by one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.values.dates import Dates, NoDateError
from worker.archives.readers.values.moments import moments_of
from worker.text.intake import instant_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1989, 12, 30), datetime(2026, 1, 4))  # noqa: DTZ001  # as texts
ENDS = ("", "Z", " UTC", "+00:00")
FORMS = {
    "T": "{:%Y-%m-%dT%H:%M:%S}",
    "space": "{:%Y-%m-%d %H:%M:%S}",
    "milliseconds": "{:%Y-%m-%dT%H:%M:%S}.123",
    "microseconds": "{:%Y-%m-%d %H:%M:%S.%f}",
}


def one_by_one(values: list[Any]) -> list[str | None] | None:
    """Return what `Dates` reads of each value; None if it refuses one, or it is out of range."""
    try:
        read = [instant_of(Dates().read(one), now=NOW) if one else None for one in values]
    except (NoDateError, ValueError):
        return None
    return [None if moment is None else moment.isoformat() for moment in read]


@given(
    st.lists(MOMENTS | st.none(), max_size=6),
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(ENDS),
)
def test_a_column_in_one_form_gives_what_its_values_give(
    moments: list[datetime | None], form: str, end: str
) -> None:
    values = ["" if one is None else FORMS[form].format(one) + end for one in moments]

    found = moments_of(values, now=NOW)

    assert found is None or found == one_by_one(values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ENDS)
def test_the_common_forms_are_read_at_once(form: str, end: str) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59)  # noqa: DTZ001  # as text
    values = [
        FORMS[form].format(moment) + end,
        FORMS[form].format(moment - timedelta(days=9)) + end,
    ]

    found = moments_of(values, now=NOW)

    assert found is not None
    assert found == one_by_one(values)


@given(st.lists(st.integers(0, 2_000_000_000) | st.none(), max_size=6), st.booleans())
def test_seconds_since_1970_are_read_as_numbers_and_as_texts(
    seconds: list[int | None], as_text: bool
) -> None:
    values = [str(one) if as_text and one is not None else one for one in seconds]

    found = moments_of(values, now=NOW)

    assert found is None or found == one_by_one(values)


TRICKY = st.lists(
    st.sampled_from([
        "2024-05-01T12:00:00",
        "2024-05-01 12:00:00Z",
        "2024-05-01T12:00:00\n",
        "2024-05-01T12:00:00\n2024-05-02T12:00:00",
        "2024-05-01T12:00:60",
        "2024-05-01T24:00:00",
        "2024-02-30T12:00:00",
        "0000-00-00 00:00:00",
        "2024-05-01T12:00:00.5",
        "2024-05-01T12:00:00.123",
        "2024-05-01",
        "1700000000",
        "1700000000\n1700000001",
        "17000000000",
        "\u0661700000000",
        1_700_000_000,
        1_700_000_000_000,
        0,
        True,
        None,
        "",
        " ",
        b"2024-05-01T12:00:00",
    ]),
    max_size=4,
)  # fmt: skip


@given(TRICKY)
def test_whatever_stands_in_a_column_it_is_read_alike_or_left_to_be_read_singly(
    values: list[Any],
) -> None:
    found = moments_of(values, now=NOW)

    assert found is None or found == one_by_one(values)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([], []),
        ([None, ""], [None, None]),
        ([1_700_000_000, None], ["2023-11-14T22:13:20+00:00", None]),
        (["2024-05-01 12:00:00", "2024-05-01T12:00:00Z"], None),
        (["2026-01-02T00:00:01Z"], None),
        (["1989-12-31T23:59:59Z"], None),
        ([599_999_999], None),
        (["yesterday"], None),
        ([1.5], None),
    ],
)
def test_what_is_not_plain_is_left_to_be_read_singly(
    values: list[Any], read: list[str | None] | None
) -> None:
    assert moments_of(values, now=NOW) == read
