"""A cursor leads back to its place, in its own order alone; whatever else is sent is refused."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.routes.pairs import CursorError, PairsQuery, read_cursor, write_cursor
from db.pairs.listing import Order, Place

IDS = st.integers(1, 10**18 - 1)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001  # made aware
    lambda moment: moment.replace(tzinfo=UTC)
)
PLACES = {
    Order.OLDEST: st.builds(Place, pair_id=IDS),
    Order.NEWEST: st.builds(Place, pair_id=IDS),
    Order.SCORE: st.builds(Place, pair_id=IDS, score=st.floats(0, 1)),
    Order.CHANGED: st.builds(Place, pair_id=IDS, changed_at=MOMENTS),
}


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


RAW = st.binary(max_size=30).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
NEARLY = st.from_regex(
    r"(pair|newest|score|changed):([-0-9.e]{0,12}:)?[0-9]{0,20}", fullmatch=True
).map(encoded)


@given(st.sampled_from(list(Order)), st.data())
def test_a_cursor_leads_back_to_its_place(order: Order, data: st.DataObject) -> None:
    place = data.draw(PLACES[order])

    assert read_cursor(write_cursor(place, order), order) == place


@given(st.permutations(list(Order)), st.data())
def test_a_cursor_of_another_order_is_refused(orders: list[Order], data: st.DataObject) -> None:
    place = data.draw(PLACES[orders[0]])

    with pytest.raises(CursorError):
        read_cursor(write_cursor(place, orders[0]), orders[1])


@given(st.sampled_from(list(Order)), st.text(max_size=40) | RAW | NEARLY)
def test_whatever_is_sent_as_a_cursor_is_a_place_or_refused(order: Order, cursor: str) -> None:
    try:
        place = read_cursor(cursor, order)
    except CursorError:
        return
    assert place.pair_id >= 1
    assert (place.score is not None) == (order is Order.SCORE)
    assert (place.changed_at is not None) == (order is Order.CHANGED)


@pytest.mark.parametrize(
    "text",
    [
        "pair:0",
        "pair:01",
        "pair:1:5",
        "score:5",
        "score:e:5",
        "score:1.2.3:5",
        "changed:5",
        "changed:1.5:5",
        "changed:1e5:5",
        "pair:" + "9" * 19,
        "other:5",
        "pair:5 ",
    ],
)
def test_a_cursor_that_was_made_by_hand_is_refused(text: str) -> None:
    for order in Order:
        with pytest.raises(CursorError):
            read_cursor(encoded(text), order)


def test_what_lies_further_than_any_date_is_the_last_that_there_is() -> None:
    place = read_cursor(encoded(f"changed:{'9' * 30}:7"), Order.CHANGED)

    assert place.changed_at is not None
    assert place.changed_at.year > 5_000


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, Order.OLDEST),
        ({"sort": "score"}, Order.SCORE),
        ({"updated_since": "2026-01-01T00:00:00Z"}, Order.CHANGED),
        ({"updated_since": "2026-01-01T00:00:00Z", "sort": "newest"}, Order.NEWEST),
    ],
)
def test_a_call_for_changes_is_a_feed_unless_it_says_otherwise(
    query: dict[str, str], order: Order
) -> None:
    assert PairsQuery.model_validate(query).order is order


@pytest.mark.parametrize(
    "query",
    [
        {"min_score": "nan"},
        {"max_score": "inf"},
        {"min_score": "-0.1"},
        {"limit": "0"},
        {"limit": "501"},
        {"flagged_since": "2026-01-01T00:00:00"},
        {"flagged_since": "0001-01-01T00:00:00+05:00"},
        {"flagged_before": "9999-12-31T23:00:00-05:00"},
        {"status": ["gone"]},
        {"category": "x" * 201},
    ],
)
def test_filters_that_mean_nothing_are_refused(query: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PairsQuery.model_validate(query)


def test_moments_of_any_zone_are_compared_in_utc() -> None:
    query = PairsQuery.model_validate({"flagged_since": "2026-01-01T00:00:00+23:59"})

    assert query.where().flagged_since == datetime(2025, 12, 31, 0, 1, tzinfo=UTC)
