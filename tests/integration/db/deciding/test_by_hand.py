"""Pairs that a person names, by ids or links."""

from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import by_hand, decisions
from db.errors import InvalidInputError, QuestionNotFoundError
from db.groups import groups
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.review import seed_questions

_SAME, _NOT = PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE


class TestTwoForums(TwoForums):
    module = by_hand
    calls: ClassVar[Calls] = {
        "find": lambda session, own: by_hand.find(session, own.id, "q1"),
        "decide": lambda session, own: by_hand.decide(
            session, own.id, ("q4", "q6"), _SAME, actor="ana"
        ),
    }
    crossed: ClassVar[Crossed] = {
        "find": (
            lambda side: side.forum.name,
            lambda session, own, thing: by_hand.find(session, own.id, thing),
        ),
    }


def test_two_questions_are_paired_by_link_and_id_and_parted_again(session: Session) -> None:
    seeded = seed_questions(session, "one", "two", "three")
    forum = seeded.forum.id

    made = by_hand.decide(session, forum, ("https://forum.example/q/1", "q-3"), _SAME, actor="ana")
    together = groups.groups_of(session, seeded.questions)
    broken = by_hand.decide(session, forum, ("q-3", "q-1"), _NOT, actor="ana")

    assert set(together) == {seeded.questions[0], seeded.questions[2]}
    assert broken.pair_id == made.pair_id
    assert groups.groups_of(session, seeded.questions) == {}
    assert session.execute(select(Pair.kind)).scalars().all() == [PairKind.JOINED]
    decisions.undo(session, forum, broken.id, actor="ana")
    assert set(groups.groups_of(session, seeded.questions)) == set(together)


def test_what_is_no_pair_is_refused(session: Session) -> None:
    forum = seed_questions(session, "one", "two").forum.id

    with pytest.raises(InvalidInputError):
        by_hand.decide(session, forum, ("q-1", "https://forum.example/q/1"), _SAME, actor="ana")
    with pytest.raises(QuestionNotFoundError):
        by_hand.decide(session, forum, ("q-1", "q-9"), _SAME, actor="ana")
