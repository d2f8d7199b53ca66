"""Filters in an address of the queue: what cannot be meant is ignored, and never an error."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.entering.access import Reviewer, Visitor
from api.console.view import View, read_view
from db.review.queue import Sort
from db.rows import PairStatus
from db.tenants.people import Role
from tests.rows.records import forum_row, person_row

VISITOR = Visitor(person=person_row("Ana"), token="t", csrf="c")  # noqa: S106  # no secret
ANA = Reviewer(visitor=VISITOR, forum=forum_row(), role=Role.MODERATOR)
NAMES = ["status", "category", "min", "max", "since", "model", "claimed", "q", "group", "sort", "x"]


def view(**params: str) -> View:
    return read_view(params, ANA)


def test_without_filters_it_is_the_queue_of_this_person() -> None:
    found = view()

    assert (found.sort, found.query, found.is_filtered) == (Sort.CERTAIN, "", False)
    assert found.where.status is PairStatus.FLAGGED
    assert found.where.awake_for == "Ana"
    assert found.where.free_for is None


@pytest.mark.parametrize(
    ("params", "name", "value"),
    [
        ({"status": "related"}, "status", PairStatus.RELATED),
        ({"status": "gone"}, "status", PairStatus.FLAGGED),
        ({"category": " eggs "}, "category", "eggs"),
        ({"category": "  "}, "category", None),
        ({"min": "0.5"}, "min_score", 0.5),
        ({"min": "2"}, "min_score", 1.0),
        ({"min": "-1"}, "min_score", 0.0),
        ({"min": "nan"}, "min_score", None),
        ({"max": "inf"}, "max_score", 1.0),
        ({"max": "half"}, "max_score", None),
        ({"since": "2026-02-03"}, "since", datetime(2026, 2, 3, tzinfo=UTC)),
        ({"since": "03.02.2026"}, "since", None),
        ({"since": "2026-02-30"}, "since", None),
        ({"model": "7"}, "reranker_id", 7),
        ({"model": "seven"}, "reranker_id", None),
        ({"model": "\u00b2"}, "reranker_id", None),
        ({"group": "9" * 18}, "group_id", None),
        ({"claimed": "me"}, "claimed_by", "Ana"),
        ({"claimed": "Ben Okri"}, "claimed_by", "Ben Okri"),
        ({"q": "x" * 300}, "words", "x" * 200),
    ],
)
def test_each_filter_is_read_as_it_is_meant(
    params: dict[str, str], name: str, value: object
) -> None:
    assert getattr(read_view(params, ANA).where, name) == value


@pytest.mark.parametrize(
    ("sort", "wanted"), [("useful", Sort.USEFUL), ("", Sort.CERTAIN), ("best", Sort.CERTAIN)]
)
def test_an_order_that_there_is_not_is_the_usual_one(sort: str, wanted: Sort) -> None:
    found = view(sort=sort)

    assert found.sort is wanted
    assert not found.is_filtered
    assert ("sort" in found.values) == (wanted is not Sort.CERTAIN)


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30)))
def test_the_next_page_has_the_same_filters_as_this_one(params: dict[str, str]) -> None:
    first = read_view(params, ANA)
    again = read_view(dict(parse_qsl(first.query)), ANA)

    assert (again.where, again.sort, again.query) == (first.where, first.sort, first.query)
