"""What is taken over from another reading of a file, and what is left."""

from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.archives import archives
from db.archives.archives import ArchiveState, Stage
from db.imports import adopting, sightings
from db.tables.questions import Question
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, save_questions


class TestTwoForums(TwoForums):
    module = adopting
    calls: ClassVar[Calls] = {
        "unsearched": lambda session, own: adopting.unsearched(session, own.archive),
        "adopt": lambda session, own: adopting.adopt(session, own.archive, own.questions),
    }


@pytest.mark.parametrize(
    ("state", "stage", "is_taken"),
    [
        (ArchiveState.FAILED, Stage.LOAD, True),
        (ArchiveState.RUNNING, Stage.LOAD, True),
        (ArchiveState.DONE, Stage.DONE, True),
        (ArchiveState.RUNNING, Stage.LINK, False),
    ],
)
def test_only_what_nobody_searches_is_taken_over(
    session: Session, state: ArchiveState, stage: Stage, *, is_taken: bool
) -> None:
    forum = make_forum(session)
    first, second = (
        archives.create(session, forum.id, name="a", form="csv", top_k=100).id for _ in range(2)
    )
    save_questions(session, forum, "How do I boil an egg?")
    question = session.execute(select(Question)).scalar_one()
    question.archive_id = first
    session.flush()
    archives.change(session, first, state=state, stage=stage)
    sightings.note(session, second, 1, [question.id])

    found = adopting.unsearched(session, second)
    adopting.adopt(session, second, [question.id])

    assert found == ([question.id] if is_taken else [])
    session.refresh(question)
    assert question.archive_id == (second if is_taken else first)
