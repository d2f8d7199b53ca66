"""Undoes an import: the questions that came with an archive are erased."""

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.engine import Sessions
from db.errors import QuestionNotFoundError
from db.questions import questions
from db.tables.questions import Question

_BATCH = 200


def count_brought(session: Session, archive_id: int) -> int:
    """Return how many questions are here only because of this archive."""
    counted = select(func.count()).select_from(Question).where(Question.archive_id == archive_id)
    return session.execute(counted).scalar_one()


def undo(
    sessions: Sessions, archive_id: int, *, actor: str, on_done: Callable[[int], object]
) -> int:
    """Erase those questions, some at a time, and return how many; it can be run again.

    *on_done* is called with the number erased so far.
    """
    done = 0
    while True:
        with sessions.begin() as session:
            rows = session.execute(
                select(Question.forum_id, Question.external_id)
                .where(Question.archive_id == archive_id)
                .order_by(Question.id)
                .limit(_BATCH)
            ).all()
            for forum_id, external_id in rows:
                try:
                    questions.erase(session, forum_id, external_id, actor=actor)
                except QuestionNotFoundError:  # the forum has just erased it
                    continue
        if not rows:
            return done
        done += len(rows)
        on_done(done)
