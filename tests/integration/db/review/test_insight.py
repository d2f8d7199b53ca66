"""What the decisions so far tell."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.deciding import decisions
from db.review import insight
from db.rows import SERVICE, PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.review import Decision
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.review import Seeded, flag, say, seed_questions, version_of


class TestTwoForums(TwoForums):
    module = insight
    calls: ClassVar[Calls] = {
        "count_done_today": lambda session, own: insight.count_done_today(
            session, own.id, "Ana stranger"
        ),
        "last_decision": lambda session, own: insight.last_decision(session, own.id),
        "last_event": lambda session, own: insight.last_event(session, own.id),
        "changes_since": lambda session, own: insight.changes_since(session, own.id, 0),
        "change_ids": lambda session, own: insight.change_ids(session, own.id, 0),
        "history": lambda session, own: insight.history(session, own.id),
        "history: of a person and a day": lambda session, own: insight.history(
            session, own.id, actor="Ana stranger", day=datetime.now(UTC).date()
        ),
        "judged": lambda session, own: insight.judged(session, own.id),
        "waiting_scores": lambda session, own: insight.waiting_scores(session, own.id),
        "summary": lambda session, own: insight.summary(session, own.id),
        "training_pairs": lambda session, own: insight.training_pairs(session, own.id, limit=10),
    }


def test_a_waiting_pair_is_in_the_range_that_begins_at_its_score(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(202)))
    for place in range(201):
        flag(session, seeded, place, place + 1, score=place / 200)

    counts = insight.waiting_scores(session, seeded.forum.id, bins=200)

    assert counts == [*[1] * 199, 2]


@pytest.fixture
def eggs(session: Session) -> tuple[Seeded, list[int]]:
    """Five flagged pairs of ten questions, the surest first."""
    seeded = seed_questions(session, *(f"How do I boil {n} eggs?" for n in range(10)))
    scores = (0.95, 0.9, 0.8, 0.7, 0.6)
    return seeded, [
        flag(session, seeded, 2 * place, 2 * place + 1, score=score)
        for place, score in enumerate(scores)
    ]


Eggs = tuple[Seeded, list[int]]


def test_what_was_done_today_counts_without_what_was_undone(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    for pair_id in pairs[:3]:
        say(session, seeded, pair_id)
    done = say(session, seeded, pairs[3], actor="ben")
    decisions.undo(session, seeded.forum.id, done.id, actor="ben")
    session.execute(
        update(Decision)
        .where(Decision.pair_id == pairs[0])
        .values(created_at=func.now() - timedelta(days=2))
    )

    assert insight.count_done_today(session, seeded.forum.id, "ana") == 2
    assert insight.count_done_today(session, seeded.forum.id, "ben") == 0


def test_changes_are_those_after_an_event_the_latest_first(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    assert insight.last_event(session, seeded.forum.id) == 0
    say(session, seeded, pairs[0])
    seen = insight.last_event(session, seeded.forum.id)
    say(session, seeded, pairs[1], PairStatus.NOT_DUPLICATE, actor="ben")
    say(session, seeded, pairs[2], PairStatus.RELATED)

    found = insight.changes_since(session, seeded.forum.id, seen)

    assert [(one.pair_id, one.status, one.actor) for one in found] == [
        (pairs[2], "related", "ana"),
        (pairs[1], "not_duplicate", "ben"),
    ]
    ids = insight.change_ids(session, seeded.forum.id, seen)
    assert sorted(ids) == sorted(one.event_id for one in found)
    left = insight.changes_since(session, seeded.forum.id, seen, without=ids[:1])
    assert [one.event_id for one in left] == ids[1:]


def test_history_is_cut_by_person_day_and_page(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    for place, pair_id in enumerate(pairs):
        say(session, seeded, pair_id, actor="ana" if place % 2 else "ben")
    today = datetime.now(UTC).date()
    forum_id = seeded.forum.id

    first = insight.history(session, forum_id, limit=2)
    rest = insight.history(session, forum_id, before=first[-1].id)

    assert [row.pair_id for row in (*first, *rest)] == pairs[::-1]
    assert first[0].titles == ("How do I boil 8 eggs?", "How do I boil 9 eggs?")
    assert (first[0].earlier, first[0].status) == (PairStatus.FLAGGED, PairStatus.DUPLICATE)
    assert {row.pair_id for row in insight.history(session, forum_id, actor="ana")} == {
        pairs[1],
        pairs[3],
    }
    assert len(insight.history(session, forum_id, day=today)) == 5
    assert insight.history(session, forum_id, day=today - timedelta(days=1)) == []
    assert insight.last_decision(session, forum_id) == first[0].id


def test_only_what_people_said_of_a_models_pairs_is_judged(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    said = (
        PairStatus.DUPLICATE,
        PairStatus.NOT_DUPLICATE,
        PairStatus.RELATED,
        PairStatus.DUPLICATE,
    )
    for pair_id, status in zip(pairs, said, strict=False):
        say(session, seeded, pair_id, status, actor=SERVICE if pair_id == pairs[3] else "ana")
    exact = flag(session, seeded, 0, 3, score=1.0)
    session.execute(update(Pair).where(Pair.id == exact).values(kind=PairKind.SAME_TEXT))
    say(session, seeded, exact, PairStatus.NOT_DUPLICATE)

    found = {one.pair_id: one for one in insight.judged(session, seeded.forum.id)}

    assert {one: found[one].is_duplicate for one in found} == dict(
        zip(pairs[:3], (True, False, False), strict=True)
    )
    assert found[pairs[0]].score == pytest.approx(0.95)
    assert len(insight.judged(session, seeded.forum.id, limit=2)) == 2


def test_labelled_pairs_come_in_pages_and_related_is_not_the_same(
    session: Session, eggs: Eggs
) -> None:
    seeded, pairs = eggs
    for pair_id, status in zip(pairs, (PairStatus.DUPLICATE, PairStatus.RELATED), strict=False):
        say(session, seeded, pair_id, status)

    (first,) = insight.training_pairs(session, seeded.forum.id, limit=1)
    (second,) = insight.training_pairs(session, seeded.forum.id, after=first.pair_id, limit=9)

    assert (first.question1, first.question2) == ("How do I boil 0 eggs?", "How do I boil 1 eggs?")
    assert (first.is_duplicate, second.is_duplicate) == (True, False)
    after = second.pair_id
    assert insight.training_pairs(session, seeded.forum.id, after=after, limit=9) == []


def test_a_summary_tells_of_days_people_and_categories(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    for pair_id, actor, status in (
        (pairs[0], "ana", PairStatus.DUPLICATE),
        (pairs[1], "ana", PairStatus.NOT_DUPLICATE),
        (pairs[2], "ben", PairStatus.DUPLICATE),
    ):
        say(session, seeded, pair_id, status, actor=actor)
    for pair_id, seconds in zip(pairs, (4, 10, 30), strict=False):
        session.execute(update(Decision).where(Decision.pair_id == pair_id).values(seconds=seconds))
    old = Decision.pair_id == pairs[2]
    session.execute(update(Decision).where(old).values(created_at=func.now() - timedelta(days=3)))

    found = insight.summary(session, seeded.forum.id, days=5)

    assert [count for _, count in found.per_day] == [0, 1, 0, 0, 2]
    assert found.per_day[-1][0] == datetime.now(UTC).date()
    assert list(found.by_person) == [("ana", 2), ("ben", 1)]
    assert found.median_s == 10
    assert (
        found.oldest
        == session.execute(
            select(func.min(Pair.flagged_at)).where(Pair.status == PairStatus.FLAGGED)
        ).scalar_one()
    )
    assert [(one.category, one.judged, one.right) for one in found.categories] == [("bread", 3, 2)]


def test_agreement_compares_each_persons_last_word_on_a_pair(session: Session, eggs: Eggs) -> None:
    seeded, pairs = eggs
    forum_id = seeded.forum.id
    say(session, seeded, pairs[0], actor="ana")
    say(session, seeded, pairs[0], actor="ben")
    say(session, seeded, pairs[1], actor="ana")
    say(session, seeded, pairs[1], PairStatus.NOT_DUPLICATE, actor="ben")
    say(session, seeded, pairs[2], actor="ana")

    found = insight.summary(session, forum_id)

    assert version_of(session, pairs[0]) > 1
    assert (found.agreed, found.compared) == (1, 2)
