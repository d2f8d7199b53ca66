"""Pauses: as long as the service asks for, bounded, and for as many tries as a caller wants."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from askedbefore_client import BusyError, InvalidError, NoAnswerError, Retry
from askedbefore_client.retry import NEVER, seconds
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GONE = NoAnswerError("away")


def busy(retry_after_s: float | None) -> BusyError:
    return BusyError({}, status=503, retry_after_s=retry_after_s)


@given(st.integers(1, 100_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_without_a_request_is_bounded_however_often_it_was_tried(
    tried: int, draw: float
) -> None:
    retry = Retry(tries=10**6, first_pause_s=0.5, longest_pause_s=30)

    pause = retry.pause_s(GONE, tried=tried, draw=lambda: draw)

    assert pause is not None
    assert min(0.25 * 2 ** min(tried - 1, 10), 15) <= pause < 30


@given(st.floats(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_what_the_service_asks_for_is_waited_for_whole_or_not_at_all(
    asked: float, draw: float
) -> None:
    pause = Retry(longest_pause_s=60).pause_s(busy(asked), tried=1, draw=lambda: draw)

    if asked > 60:
        assert pause is None
    else:
        assert pause is not None
        assert asked <= pause <= asked * 1.25


@pytest.mark.parametrize(
    ("tries", "tried", "goes_on"), [(4, 3, True), (4, 4, False), (1, 1, False), (4, 9, False)]
)
def test_it_is_tried_as_often_as_it_was_said(tries: int, tried: int, goes_on: bool) -> None:
    assert (Retry(tries=tries).pause_s(GONE, tried=tried) is not None) == goes_on
    assert NEVER.pause_s(GONE, tried=tried) is None


def test_what_fails_the_same_way_again_is_not_tried_again() -> None:
    assert Retry().pause_s(InvalidError({}, status=422), tried=1) is None


@given(st.text(max_size=40))
def test_a_header_of_any_kind_is_a_pause_or_none(header: str) -> None:
    found = seconds(header, now=NOW)

    assert found is None or found >= 0


@given(st.integers(-(10**6), 10**6))
def test_a_date_is_the_time_that_is_left_until_it(left_s: int) -> None:
    header = format_datetime(datetime.fromtimestamp(NOW.timestamp() + left_s, UTC), usegmt=True)

    assert seconds(header, now=NOW) == max(0, left_s)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-1", None),
        ("1.5", None),
        ("\u0667", None),
        ("9" * 30, 999_999_999),
    ],
)
def test_seconds_are_whole_and_written_in_digits(header: str, wanted: float | None) -> None:
    assert seconds(header, now=NOW) == wanted
