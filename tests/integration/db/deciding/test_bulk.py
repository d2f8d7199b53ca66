"""Decisions on many pairs at once."""

from operator import attrgetter
from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import bulk
from db.deciding.decisions import NotYoursError, Verdict, decide
from db.errors import InvalidInputError, NotFoundError
from db.groups import groups
from db.review import insight
from db.review.queue import QueueFilter
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.review import Decision
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.rows.review import Seeded, flag, say, seed_questions, version_of

ALL = 10**9


@pytest.fixture
def seeded(session: Session) -> Seeded:
    return seed_questions(session, *(f"How do I boil egg {n}" for n in range(10)))


def statuses(session: Session) -> list[str]:
    return list(session.execute(select(Pair.status).order_by(Pair.id)).scalars())


def _found_group(session: Session, own: Side) -> int:
    verdict = Verdict(status=PairStatus.DUPLICATE, version=version_of(session, own.alone))
    group_id = decide(session, own.id, own.alone, verdict, actor="Ana").group_id
    assert group_id is not None
    return group_id


class TestTwoForums(TwoForums):
    module = bulk
    calls: ClassVar[Calls] = {
        "newest_pair": lambda session, own: bulk.newest_pair(session, own.id),
        "sample": lambda session, own: bulk.sample(session, own.id, QueueFilter(), size=99),
        "decide_all": lambda session, own: bulk.decide_all(
            session, own.id, QueueFilter(), PairStatus.DUPLICATE, actor="Ana", up_to=8_000_000_000
        ),
        "decide_all: not the same": lambda session, own: bulk.decide_all(
            session,
            own.id,
            QueueFilter(status=PairStatus.DUPLICATE),
            PairStatus.NOT_DUPLICATE,
            actor="Ana",
            up_to=8_000_000_000,
        ),
        "undo_all": lambda session, own: bulk.undo_all(
            session, own.id, own.bulk, actor="Ana", is_admin=True
        ),
        "take_out": lambda session, own: bulk.take_out(
            session, own.id, own.group, own.question, actor="Ana"
        ),
        "join": lambda session, own: bulk.join(
            session, own.id, [own.group, _found_group(session, own)], actor="Ana"
        ),
        "ensure_pair": lambda session, own: bulk.ensure_pair(
            session, own.id, own.question, own.questions[5]
        ),
    }
    crossed: ClassVar[Crossed] = {
        "undo_all": (
            attrgetter("bulk"),
            lambda session, own, thing: bulk.undo_all(
                session, own.id, thing, actor="Ana", is_admin=True
            ),
        ),
        "take_out: group": (
            attrgetter("group"),
            lambda session, own, thing: bulk.take_out(
                session, own.id, thing, own.question, actor="Ana"
            ),
        ),
        "take_out: question": (
            attrgetter("question"),
            lambda session, own, thing: bulk.take_out(
                session, own.id, own.group, thing, actor="Ana"
            ),
        ),
        "join: the first": (
            attrgetter("group"),
            lambda session, own, thing: bulk.join(session, own.id, [thing, own.group], actor="Ana"),
        ),
        "join: the second": (
            attrgetter("group"),
            lambda session, own, thing: bulk.join(session, own.id, [own.group, thing], actor="Ana"),
        ),
        "ensure_pair": (
            attrgetter("question"),
            lambda session, own, thing: bulk.ensure_pair(session, own.id, own.question, thing),
        ),
        "sample: of a group": (
            attrgetter("group"),
            lambda session, own, thing: bulk.sample(
                session, own.id, QueueFilter(group_id=thing), size=9
            ),
        ),
        "decide_all: of a group": (
            attrgetter("group"),
            lambda session, own, thing: (
                bulk.decide_all(
                    session,
                    own.id,
                    QueueFilter(group_id=thing),
                    PairStatus.DUPLICATE,
                    actor="Ana",
                    up_to=8_000_000_000,
                ).done
            ),
        ),
    }


def test_a_bulk_decision_takes_what_matches_and_is_undone_at_once(
    session: Session, seeded: Seeded
) -> None:
    for n in range(1, 5):
        flag(session, seeded, 0, n, score=0.9 + n / 50)
    forum, where = seeded.forum.id, QueueFilter(min_score=0.95)

    done = bulk.decide_all(session, forum, where, PairStatus.NOT_DUPLICATE, actor="ana", up_to=ALL)

    assert (done.done, done.left) == (2, 0)
    assert statuses(session) == ["flagged", "flagged", "not_duplicate", "not_duplicate"]
    with pytest.raises(NotYoursError):
        bulk.undo_all(session, forum, done.bulk, actor="ben")
    undone = bulk.undo_all(session, forum, done.bulk, actor="ana")
    assert (undone.done, undone.left) == (2, 0)
    assert statuses(session) == ["flagged"] * 4
    with pytest.raises(NotFoundError):
        bulk.undo_all(session, forum, done.bulk, actor="ana")


def test_a_bulk_decision_leaves_bridges_and_newer_pairs_alone(
    session: Session, seeded: Seeded
) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    bridge = flag(session, seeded, 1, 2, score=0.99)
    plain = flag(session, seeded, 4, 5, score=0.98)
    newer = flag(session, seeded, 6, 7, score=0.97)

    done = bulk.decide_all(
        session,
        seeded.forum.id,
        QueueFilter(min_score=0.9),
        PairStatus.DUPLICATE,
        actor="ana",
        up_to=plain,
    )

    assert (done.done, done.left) == (1, 1)
    found = session.execute(select(Pair.id, Pair.status)).all()
    assert {row.id: row.status for row in found if row.id in {bridge, plain, newer}} == {
        bridge: "flagged",
        plain: "duplicate",
        newer: "flagged",
    }


def test_undoing_a_bulk_keeps_what_was_decided_anew(session: Session, seeded: Seeded) -> None:
    first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    where = QueueFilter(min_score=0.1)
    forum = seeded.forum.id
    done = bulk.decide_all(session, forum, where, PairStatus.RELATED, actor="ana", up_to=ALL)
    say(session, seeded, first, PairStatus.DUPLICATE, actor="ben")

    undone = bulk.undo_all(session, forum, done.bulk, actor="ana")

    assert (undone.done, undone.left) == (1, 1)
    found = session.execute(select(Pair.status).order_by(Pair.id)).scalars().all()
    assert found == ["duplicate", "flagged"]
    assert second


def test_a_member_taken_out_leaves_its_group(session: Session, seeded: Seeded) -> None:
    for one, other in ((0, 1), (1, 2), (0, 2), (2, 3)):
        say(session, seeded, flag(session, seeded, one, other))
    forum = seeded.forum.id
    group = groups.list_groups(session, forum)[0]

    done = bulk.take_out(session, forum, group.id, seeded.questions[3], actor="ana")

    assert groups.list_groups(session, forum)[0].size == 3
    with pytest.raises(InvalidInputError):
        bulk.take_out(session, forum, group.id, seeded.questions[9], actor="ana")
    bulk.undo_all(session, forum, done.bulk, actor="ana")
    assert groups.list_groups(session, forum)[0].size == 4


def test_groups_joined_by_hand_keep_the_first_ones_canonical_question(
    session: Session, seeded: Seeded
) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    forum = seeded.forum.id
    found = groups.list_groups(session, forum)
    second, first = found[0], found[1]

    done = bulk.join(session, forum, (second.id, first.id), actor="ana")

    joined = groups.list_groups(session, forum)
    assert [(row.size, row.canonical_id) for row in joined] == [(4, second.canonical_id)]
    assert insight.judged(session, forum, limit=9) == insight.judged(session, forum)
    bulk.undo_all(session, forum, done.bulk, actor="ana")
    assert sorted(row.size for row in groups.list_groups(session, forum)) == [2, 2]


def test_a_bulk_decision_covers_no_pair_that_came_later(session: Session, seeded: Seeded) -> None:
    forum = seeded.forum.id
    assert bulk.newest_pair(session, forum) == 0
    flag(session, seeded, 0, 1)
    newest = flag(session, seeded, 0, 2)

    assert bulk.newest_pair(session, forum) == newest


def test_a_sample_has_the_wanted_size_and_only_matching_pairs(
    session: Session, seeded: Seeded
) -> None:
    low = flag(session, seeded, 0, 1, score=0.6)
    high = {flag(session, seeded, 0, n, score=0.9) for n in range(2, 8)}
    forum, where = seeded.forum.id, QueueFilter(min_score=0.8)

    some = bulk.sample(session, forum, where, size=4)
    every = bulk.sample(session, forum, QueueFilter(), size=99)

    assert len(some) == len(set(some)) == 4
    assert set(some) <= high
    assert set(every) == high | {low}


def test_pairs_of_one_bulk_grow_one_group_but_join_no_two(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    ends = {(4, 5): 0.95, (5, 6): 0.94, (4, 6): 0.93, (6, 1): 0.92, (0, 7): 0.91}
    pairs = [flag(session, seeded, *end, score=score) for end, score in ends.items()]
    where = QueueFilter(min_score=0.9)

    done = bulk.decide_all(
        session, seeded.forum.id, where, PairStatus.DUPLICATE, actor="ana", up_to=ALL
    )

    assert (done.done, done.left) == (4, 1)
    left = session.execute(select(Pair.id).where(Pair.status == PairStatus.FLAGGED)).scalars()
    assert list(left) == [pairs[3]]
    assert sorted(row.size for row in groups.list_groups(session, seeded.forum.id)) == [2, 3, 3]


def test_an_admin_undoes_the_bulk_of_somebody_else(session: Session, seeded: Seeded) -> None:
    flag(session, seeded, 0, 1)
    forum, where = seeded.forum.id, QueueFilter()
    done = bulk.decide_all(session, forum, where, PairStatus.RELATED, actor="ana", up_to=ALL)

    undone = bulk.undo_all(session, forum, done.bulk, actor="ben", is_admin=True)

    assert (undone.bulk, undone.done) == (done.bulk, 1)
    assert statuses(session) == ["flagged"]


def test_taking_out_and_joining_are_bulks_of_their_own(session: Session, seeded: Seeded) -> None:
    for one, other in ((0, 1), (1, 2), (0, 2), (2, 3)):
        say(session, seeded, flag(session, seeded, one, other))
    say(session, seeded, flag(session, seeded, 4, 5))
    forum = seeded.forum.id
    large, small = sorted(groups.list_groups(session, forum), key=lambda row: -row.size)

    out = bulk.take_out(session, forum, large.id, seeded.questions[1], actor="ana")
    joined = bulk.join(session, forum, (small.id, large.id), actor="ben")

    assert (out.done, out.left, joined.done, joined.left) == (2, 0, 1, 0)
    found = session.execute(
        select(Decision.bulk, Decision.status, Decision.actor, Pair.kind)
        .join(Pair, Pair.id == Decision.pair_id)
        .where(Decision.bulk.is_not(None))
        .order_by(Decision.id)
    ).all()
    assert [tuple(row) for row in found] == [
        (out.bulk, "not_duplicate", "ana", PairKind.MODEL),
        (out.bulk, "not_duplicate", "ana", PairKind.MODEL),
        (joined.bulk, "duplicate", "ben", PairKind.JOINED),
    ]


def test_what_cannot_be_joined_or_taken_out_says_why(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    forum = seeded.forum.id
    group = groups.list_groups(session, forum)[0].id
    stranger = seeded.questions[9]

    with pytest.raises(InvalidInputError, match="a group cannot be joined with itself"):
        bulk.join(session, forum, (group, group), actor="ana")
    with pytest.raises(InvalidInputError, match=f"question {stranger} is not in group {group}"):
        bulk.take_out(session, forum, group, stranger, actor="ana")


def test_a_pair_by_hand_is_made_once(session: Session, seeded: Seeded) -> None:
    known = flag(session, seeded, 0, 1)
    first, second = seeded.questions[0], seeded.questions[2]

    made = bulk.ensure_pair(session, seeded.forum.id, second, first)

    assert bulk.ensure_pair(session, seeded.forum.id, first, second) == made
    assert bulk.ensure_pair(session, seeded.forum.id, first, seeded.questions[1])[0] == known
    row = session.get_one(Pair, made[0])
    assert (row.low_id, row.high_id, row.kind, row.status) == (
        first,
        second,
        PairKind.JOINED,
        PairStatus.WITHDRAWN,
    )
    assert (row.score, row.threshold, row.low_text_version, row.high_text_version) == (1, 1, 1, 1)
