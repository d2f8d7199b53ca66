"""Which question of a group is proposed as canonical, by what its forum knows about each."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from db.tables.questions import Forum, Question


class CanonicalBy(StrEnum):
    """What decides first which question is proposed; among equals the oldest one is."""

    ANSWERS = "answers"
    """With an accepted answer, then with any answer, then with most votes."""
    VOTES = "votes"
    OLDEST = "oldest"


def order_of(rule: str) -> list[ColumnElement[Any]]:
    """Return the order of a group's questions, the proposed one first."""
    answers = func.coalesce(Question.facts["answers"].as_integer(), 0)
    is_answered = case(
        (Question.facts["accepted"].as_boolean(), 2), (answers > 0, 1), else_=0
    ).desc()
    votes = func.coalesce(Question.facts["votes"].as_integer(), 0).desc()
    asked: list[ColumnElement[Any]] = [
        func.coalesce(Question.asked_at, Question.created_at),
        Question.id.expression,
    ]
    if rule == CanonicalBy.OLDEST:
        return asked
    return [votes, *asked] if rule == CanonicalBy.VOTES else [is_answered, votes, *asked]


def key_of(
    facts: Mapping[str, Any] | None, asked_at: datetime | None, *, rule: str
) -> tuple[int, int, datetime]:
    """Return a sort key with the order of `order_of`, the proposed one first."""
    age = asked_at or datetime.max.replace(tzinfo=UTC)
    if rule == CanonicalBy.OLDEST:
        return 0, 0, age
    known = facts or {}
    is_answered = 2 if known.get("accepted") else int(known.get("answers", 0) > 0)
    is_first = 0 if rule == CanonicalBy.VOTES else -is_answered
    return is_first, -int(known.get("votes", 0)), age


def ranked(session: Session, ids: Iterable[int]) -> list[int]:
    """Return these questions of one forum, the one to be proposed first."""
    wanted = list(ids)
    rule = session.execute(
        select(Forum.canonical_by)
        .join(Question, Question.forum_id == Forum.id)
        .where(Question.id.in_(wanted[:1]))
    ).scalar_one_or_none()
    found = session.execute(
        select(Question.id)
        .where(Question.id.in_(wanted))
        .order_by(*order_of(rule or CanonicalBy.ANSWERS))
    )
    return list(found.scalars())


def proposed(session: Session, ids: Iterable[int]) -> int:
    """Return the question that is proposed as canonical; *ids* must hold one that is stored."""
    return ranked(session, ids)[0]
