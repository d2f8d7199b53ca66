"""Deletes what a forum does not want to keep any longer, some rows at a time."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from db.engine import Sessions
from db.questions import questions
from db.rows import NOBODY
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from db.tables.review import Decision
from db.tenants import forums
from db.tenants.rows import ForumRow

_BATCH = 500
_MOST = 20
"""Batches of one kind in one round; the next round continues."""
ACTOR = "retention"
SOMEBODY = "moderator"
"""Replaces a name that is no longer kept: a person decided."""
_NAMELESS = (*NOBODY, SOMEBODY)


def prune(sessions: Sessions) -> dict[str, int]:
    """Delete rows that are older than their forum keeps them; return the number of each kind.

    Each batch is a transaction: it can be interrupted and run again.
    """
    with sessions.begin() as session:
        rows = forums.list_forums(session)
    done = {"questions": 0, "authors": 0, "events": 0, "decisions": 0, "deciders": 0}
    for forum in rows:
        for kind, days, step in (
            ("questions", forum.keep_questions_days, _questions),
            ("authors", forum.keep_authors_days, _authors),
            ("events", forum.keep_events_days, partial(_delete, Event)),
            ("decisions", forum.keep_decisions_days, partial(_delete, Decision)),
            ("deciders", forum.keep_decisions_days, _deciders),
        ):
            if days is not None:
                done[kind] += _in_batches(sessions, forum, days, step)
    return done


_Step = Callable[[Session, ForumRow, int], int]


def _in_batches(sessions: Sessions, forum: ForumRow, days: int, step: _Step) -> int:
    total = 0
    for _ in range(_MOST):
        with sessions.begin() as session:
            count = step(session, forum, days)
        total += count
        if count < _BATCH:
            break
    return total


def _first(statement: Select[Any]) -> Select[Any]:
    return statement.limit(_BATCH).with_for_update(skip_locked=True)


def _questions(session: Session, forum: ForumRow, days: int) -> int:
    old = Question.updated_at < func.now() - timedelta(days=days)
    found = select(Question.external_id).where(Question.forum_id == forum.id, old).limit(_BATCH)
    external_ids = list(session.execute(found).scalars())
    for external_id in external_ids:
        questions.erase(session, forum.id, external_id, actor=ACTOR)
    return len(external_ids)


def _authors(session: Session, forum: ForumRow, days: int) -> int:
    found = select(Question.id).where(
        Question.forum_id == forum.id,
        Question.author.is_not(None),
        Question.updated_at < func.now() - timedelta(days=days),
    )
    ids = list(session.execute(_first(found)).scalars())
    session.execute(update(Question).where(Question.id.in_(ids)).values(author=None))
    return len(ids)


def _delete(of: type[Event | Decision], session: Session, forum: ForumRow, days: int) -> int:
    found = select(of.id).where(
        of.forum_id == forum.id, of.created_at < func.now() - timedelta(days=days)
    )
    ids = list(session.execute(_first(found)).scalars())
    session.execute(delete(of).where(of.id.in_(ids)))
    return len(ids)


def _deciders(session: Session, forum: ForumRow, days: int) -> int:
    """Remove name and note from pairs that were decided so long ago; the decision stays."""
    found = select(Pair.id).where(
        Pair.forum_id == forum.id,
        Pair.decided_at < func.now() - timedelta(days=days),
        or_(Pair.note.is_not(None), Pair.decided_by.not_in(_NAMELESS)),
    )
    ids = list(session.execute(_first(found)).scalars())
    who = case((Pair.decided_by.in_(_NAMELESS), Pair.decided_by), else_=SOMEBODY)
    session.execute(update(Pair).where(Pair.id.in_(ids)).values(decided_by=who, note=None))
    return len(ids)
