"""Pairs that a person names, by ids or links."""

from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import by_hand, decisions
from db.errors import InvalidInputError, QuestionNotFoundError
from db.groups import groups
from db.groups.groups import WouldMergeError
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.review import Decision
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.review import seed_questions

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


def test_ids_and_links_that_two_forums_share_are_each_forums_own(session: Session) -> None:
    first = seed_questions(session, "one", "two", forum="bakers")
    second = seed_questions(session, "one", "two", "three", forum="brewers")

    for named in (" q-1 ", "https://forum.example/q/1"):
        assert by_hand.find(session, first.forum.id, named) == first.questions[0]
        assert by_hand.find(session, second.forum.id, named) == second.questions[0]
    with pytest.raises(QuestionNotFoundError):
        by_hand.find(session, first.forum.id, "https://forum.example/q/3")


def test_the_note_the_canonical_and_a_wanted_merge_are_kept(session: Session) -> None:
    seeded = seed_questions(session, "one", "two", "three", "four")
    forum = seeded.forum.id
    for named in (("q-1", "q-2"), ("q-3", "q-4")):
        by_hand.decide(session, forum, named, _SAME, actor="ana")

    with pytest.raises(WouldMergeError):
        by_hand.decide(session, forum, ("q-2", "q-3"), _SAME, actor="ana")
    made = by_hand.decide(
        session, forum, ("q-2", "q-3"), _SAME, actor="ana", canonical="q-3", note="n", merge=True
    )

    written = session.get_one(Decision, made.id)
    assert (written.canonical_id, written.note, written.actor) == (seeded.questions[2], "n", "ana")
    assert [row.canonical_id for row in groups.list_groups(session, forum)] == [seeded.questions[2]]


def test_what_is_no_pair_is_refused(session: Session) -> None:
    forum = seed_questions(session, "one", "two").forum.id

    with pytest.raises(InvalidInputError):
        by_hand.decide(session, forum, ("q-1", "https://forum.example/q/1"), _SAME, actor="ana")
    with pytest.raises(QuestionNotFoundError):
        by_hand.decide(session, forum, ("q-1", "q-9"), _SAME, actor="ana")
