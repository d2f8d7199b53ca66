"""What a page has seen: each event is told once, in whatever order events are committed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.reviewing.seen import LOOK_BACK, Seen, read_seen

RECENT = st.lists(st.integers(1, LOOK_BACK), unique=True)
HUGE = 10**18 - 1


@given(RECENT, st.integers(0, HUGE - LOOK_BACK))
def test_what_is_written_is_read_again(ids: list[int], start: int) -> None:
    seen = Seen(start).plus(start + one for one in ids)

    assert read_seen(str(seen)) == seen


@given(RECENT, st.data())
def test_every_event_is_told_exactly_once(ids: list[int], data: st.DataObject) -> None:
    looks = data.draw(st.lists(st.integers(0, len(ids)), max_size=5).map(sorted))
    seen, told = Seen(0), list[int]()

    for end in [*looks, len(ids)]:
        fresh = [one for one in ids[:end] if one > seen.since and one not in seen.ids]
        told += fresh
        seen = seen.plus(fresh)

    assert sorted(told) == sorted(ids)


@given(st.lists(st.integers(1, 10 * LOOK_BACK)), st.integers(0, 10 * LOOK_BACK))
def test_it_never_goes_back_and_keeps_no_more_than_it_writes(ids: list[int], last: int) -> None:
    seen = Seen(last).plus(ids)

    assert seen.last == max([last, *ids])
    assert all(seen.since < one <= seen.last for one in seen.ids)
    assert seen.ids == {one for one in ids if one > seen.since}
    assert len(str(seen)) <= len(str(seen.last)) + 1 + LOOK_BACK // 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "12.",
        ".f",
        "-1.f",
        "12.F",
        "12.-f",
        "12.f\n",
        " 12.f",
        "\u0661.f",
        "1" * 19 + ".0",
        "1." + "f" * (LOOK_BACK // 4 + 1),
        "1.0.0",
    ],
)
def test_what_no_page_writes_is_not_read(text: str) -> None:
    assert read_seen(text) is None


def test_one_bit_stands_for_one_event_back() -> None:
    assert str(Seen(10).plus([10, 8])) == "10.5"
    assert str(Seen(10)) == "10.0"
    assert read_seen("10.5") == Seen(10, frozenset({10, 8}))
