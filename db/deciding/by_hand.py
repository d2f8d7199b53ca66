"""A decision about two questions that a person names, by their ids or links."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.deciding import bulk, decisions
from db.deciding.decisions import Decided, Verdict
from db.errors import InvalidInputError, QuestionNotFoundError
from db.groups import groups
from db.rows import PairStatus
from db.tables.questions import Question


def find(session: Session, forum_id: int, named: str) -> int:
    """Return the question with this id in its forum, or with this link.

    Raises `QuestionNotFoundError`.
    """
    named = named.strip()
    by_link = (func.md5(Question.url) == func.md5(named)) & (Question.url == named)
    for condition in (Question.external_id == named, by_link):
        found = session.execute(
            select(Question.id)
            .where(Question.forum_id == forum_id, condition)
            .order_by(Question.id)
            .limit(1)
        ).scalar_one_or_none()
        if found is not None:
            return found
    raise QuestionNotFoundError(named)


def decide(
    session: Session,
    forum_id: int,
    named: tuple[str, str],
    status: PairStatus,
    *,
    actor: str,
    canonical: str | None = None,
    note: str | None = None,
    merge: bool = False,
) -> Decided:
    """Decide on two questions as they are now; a pair is made if there is none.

    Raises `QuestionNotFoundError`, `InvalidInputError` and `groups.WouldMergeError`.
    """
    groups.lock(session, forum_id)
    one, other = (find(session, forum_id, name) for name in named)
    if one == other:
        raise InvalidInputError("both name the same question: a pair needs two")
    pair_id, version = bulk.ensure_pair(session, forum_id, one, other)
    verdict = Verdict(
        status=status,
        version=version,
        canonical_id=find(session, forum_id, canonical) if canonical else None,
        note=note,
        merge=merge,
    )
    return decisions.decide(session, forum_id, pair_id, verdict, actor=actor)
