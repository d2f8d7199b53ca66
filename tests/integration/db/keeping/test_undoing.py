"""An import by mistake is undone: the questions that it brought are erased, and nothing else."""

from typing import ClassVar

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from db.keeping import undoing
from db.tables.questions import Question
from tests.integration.db.two_forums import Calls, Side, TwoForums, make_two


def _undo(session: Session, own: Side, said: list[int] | None = None) -> int:
    inside = sessionmaker(session.connection(), join_transaction_mode="create_savepoint")
    heard = [] if said is None else said
    return undoing.undo(inside, own.archive, actor="operator", on_done=heard.append)


def _stored(session: Session, own: Side) -> set[int]:
    found = select(Question.id).where(Question.forum_id == own.id)
    return set(session.execute(found).scalars())


class TestTwoForums(TwoForums):
    module = undoing
    calls: ClassVar[Calls] = {
        "count_brought": lambda session, own: undoing.count_brought(session, own.archive),
        "undo": _undo,
    }


def test_what_the_archive_brought_goes_and_the_rest_stays(session: Session) -> None:
    own = make_two(session).own
    brought = own.questions[5]

    assert undoing.count_brought(session, own.archive) == 1
    assert _undo(session, own) == 1
    assert _stored(session, own) == set(own.questions) - {brought}


def test_a_second_run_finds_nothing_left(session: Session) -> None:
    own = make_two(session).own
    _undo(session, own)
    said: list[int] = []

    assert (_undo(session, own, said), said) == (0, [])
    assert undoing.count_brought(session, own.archive) == 0


def test_it_is_told_how_far_it_is_batch_by_batch(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_two(session).own
    session.execute(
        text("UPDATE questions SET archive_id = :archive WHERE forum_id = :forum"),
        {"archive": own.archive, "forum": own.id},
    )
    monkeypatch.setattr(undoing, "_BATCH", 4)
    said: list[int] = []

    assert _undo(session, own, said) == len(own.questions) == 6
    assert said == [4, 6]
    assert _stored(session, own) == set()
