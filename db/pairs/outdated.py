"""Pairs that an undo brings back although a text has changed since."""

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from db.tables.pairs import Pair
from db.tables.questions import Question
from db.work import jobs
from db.work.rows import Lane

_TOKEN_LENGTH = 4
"""Characters in a token, about."""


def owe_where_edited(session: Session, forum_id: int, pair_id: int) -> None:
    """Store a job for each question of the pair whose text has changed since it was scored.

    The check of the edit left out the pair, because it was decided, so no other job would score it.
    Both questions are locked until the end, and before the pair, as in all code: an edit waits
    meanwhile.
    """
    found = session.execute(
        select(
            Question.id,
            (func.char_length(Question.title) + func.char_length(Question.body)).label("length"),
            case(
                (Question.id == Pair.low_id, Question.text_version != Pair.low_text_version),
                else_=Question.text_version != Pair.high_text_version,
            ).label("is_edited"),
        )
        .join(Pair, or_(Pair.low_id == Question.id, Pair.high_id == Question.id))
        .where(Pair.id == pair_id, Pair.forum_id == forum_id)
        .order_by(Question.id)
        .with_for_update(of=Question, key_share=True)
    )
    owed = [(row.id, row.length // _TOKEN_LENGTH + 1) for row in found if row.is_edited]
    jobs.put(session, owed, forum_id=forum_id, lane=Lane.LIVE)
