"""Pairs in pages, and as a feed that passes none over."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

from db.pairs import listing
from db.pairs.listing import Order, PairFilter, Place
from db.pairs.rows import PairRow
from db.rows import PairStatus
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.review import flag, say, seed_questions

Factory = sessionmaker[Session]


class TestTwoForums(TwoForums):
    module = listing
    calls: ClassVar[Calls] = {
        "list_pairs": lambda session, own: listing.list_pairs(session, own.id, where=PairFilter()),
        "list_pairs: a page": lambda session, own: listing.list_pairs(
            session, own.id, where=PairFilter(), after=Place(pair_id=own.confirmed)
        ),
    }
    crossed: ClassVar[Crossed] = {
        "list_pairs": (
            lambda side: side.flagged,
            lambda session, own, thing: listing.list_pairs(
                session, own.id, where=PairFilter(), after=Place(pair_id=thing)
            ),
        ),
    }


def _place(row: PairRow) -> Place:
    return Place(pair_id=row.id, score=row.score, changed_at=row.changed_at)


def _walk(session: Session, forum_id: int, order: Order, *, limit: int) -> list[int]:
    seen: list[int] = []
    after = None
    while page := listing.list_pairs(
        session, forum_id, where=PairFilter(), order=order, after=after, limit=limit
    ):
        seen += [row.id for row in page]
        after = _place(page[-1])
    return seen


@pytest.mark.parametrize("order", [Order.OLDEST, Order.NEWEST, Order.SCORE])
def test_pages_of_any_size_are_one_walk(session: Session, order: Order) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(8)))
    ids = {
        flag(session, seeded, n, n + 1, score=score): score
        for n, score in enumerate((0.9, 0.7, 0.9, 0.5, 0.9, 0.7, 0.6))
    }
    wanted = {
        Order.OLDEST: sorted(ids),
        Order.NEWEST: sorted(ids, reverse=True),
        Order.SCORE: sorted(ids, key=lambda one: (ids[one], one), reverse=True),
    }[order]

    for limit in (1, 2, 3, 99):
        assert _walk(session, seeded.forum.id, order, limit=limit) == wanted


def test_a_change_that_is_committed_late_is_not_passed_over(committed: Factory) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, *(f"q {n}" for n in range(4)))
        early, late = (flag(session, seeded, 2 * n, 2 * n + 1) for n in (0, 1))

    def changed(after: Place | None) -> list[PairRow]:
        with committed.begin() as session:
            return listing.list_pairs(
                session, seeded.forum.id, where=PairFilter(), order=Order.CHANGED, after=after
            )

    place = _place(changed(None)[-1])
    with committed() as slow:
        slow.execute(text("UPDATE pairs SET version = version + 1 WHERE id = :id"), {"id": late})
        with committed.begin() as session:
            session.execute(
                text("UPDATE pairs SET version = version + 1 WHERE id = :id"), {"id": early}
            )
        meanwhile = changed(place)
        slow.commit()

    assert meanwhile == []
    assert [row.id for row in changed(place)] == [late, early]


def test_a_pair_that_has_no_time_of_change_counts_from_its_decision_or_its_flag(
    session: Session,
) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(4)))
    decided, flagged = (flag(session, seeded, 2 * n, 2 * n + 1) for n in (0, 1))
    session.execute(text("UPDATE pairs SET changed_at = NULL, flagged_at = now() - interval '3 d'"))
    session.execute(
        text("UPDATE pairs SET decided_at = now() - interval '1 d' WHERE id = :id"), {"id": decided}
    )
    yesterday = datetime.now(UTC) - timedelta(days=2)

    rows = listing.list_pairs(session, seeded.forum.id, where=PairFilter(), order=Order.CHANGED)
    since = listing.list_pairs(session, seeded.forum.id, where=PairFilter(changed_since=yesterday))

    assert [row.id for row in rows] == [flagged, decided]
    assert [row.changed_at for row in rows] == [rows[0].flagged_at, rows[1].decided_at]
    assert [row.id for row in since] == [decided]


def test_the_feed_of_pairs_is_read_from_its_index(session: Session) -> None:
    seeded = seed_questions(session, "q 0", "q 1")
    flag(session, seeded, 0, 1)
    asked: list[str] = []

    def explained(_c: object, cursor: Any, statement: str, given: Any, *_: object) -> None:
        if "FROM pairs" in statement:
            cursor.execute(f"EXPLAIN {statement}", given)
            asked.extend(line for (line,) in cursor.fetchall())

    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_sort = off"))
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", explained)
    listing.list_pairs(session, seeded.forum.id, where=PairFilter(), order=Order.CHANGED)
    event.remove(connection, "before_cursor_execute", explained)

    assert any("ix_pairs_last_changed" in line for line in asked)


def test_filters_hold_by_category_and_time(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(4)))
    same = flag(session, seeded, 0, 2)
    other = flag(session, seeded, 0, 1)
    say(session, seeded, other, PairStatus.RELATED)
    future = datetime(2100, 1, 1, tzinfo=UTC)

    def found(where: PairFilter) -> list[int]:
        return [row.id for row in listing.list_pairs(session, seeded.forum.id, where=where)]

    assert found(PairFilter(category="eggs")) == [same]
    assert found(PairFilter(category="bread")) == []
    assert found(PairFilter(flagged_since=future)) == []
    assert found(PairFilter(flagged_before=future)) == [same, other]
    assert found(PairFilter(changed_since=future)) == []


@pytest.mark.parametrize("score", [0.1, 0.29, 0.7, 0.9, 0.95, 1.0])
def test_a_pair_has_at_least_and_at_most_its_own_score(session: Session, score: float) -> None:
    seeded = seed_questions(session, "q 0", "q 1")
    pair = flag(session, seeded, 0, 1, score=score)

    for where in (PairFilter(min_score=score), PairFilter(max_score=score)):
        found = listing.list_pairs(session, seeded.forum.id, where=where)
        assert [row.id for row in found] == [pair]
        assert found[0].score == score
