"""One decision for many pairs, groups changed by hand, and one undo for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import decisions, groups
from db.decisions import NotYoursError, StaleVersionError, Verdict
from db.errors import InvalidInputError, NotFoundError
from db.groups import WouldMergeError
from db.review import QueueFilter, conditions
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Decision

LIMIT = 500
"""Pairs of one bulk decision at most: a person has to be able to answer for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDone:
    """What became of a bulk decision or of its undo."""

    bulk: UUID
    done: int
    left: int
    """Pairs that changed meanwhile, or that would have joined two groups."""


def newest_pair(session: Session, forum_id: int) -> int:
    """Return the id of the forum's newest pair, or 0: a bulk decision goes no further."""
    newest = select(func.max(Pair.id)).where(Pair.forum_id == forum_id)
    return session.execute(newest).scalar_one() or 0


def sample(session: Session, forum_id: int, where: QueueFilter, *, size: int) -> list[int]:
    """Return some of the matching pairs, at random among the first few thousand."""
    some = select(Pair.id).where(*conditions(forum_id, where)).limit(5_000).subquery()
    statement = select(some.c.id).order_by(func.random()).limit(size)
    return list(session.execute(statement).scalars())


def decide_all(
    session: Session,
    forum_id: int,
    where: QueueFilter,
    status: PairStatus,
    *,
    actor: str,
    up_to: int,
) -> BulkDone:
    """Decide the same on the matching pairs with ids up to *up_to*, surest first, up to `LIMIT`.

    A pair that would join two groups is left for a person to look at.
    """
    groups.lock(session, forum_id)
    found = session.execute(
        select(Pair.id, Pair.version)
        .where(*conditions(forum_id, where), Pair.id <= up_to)
        .order_by(Pair.score.desc(), Pair.id.desc())
        .limit(LIMIT)
    ).all()
    bulk, done = uuid4(), 0
    for row in found:
        verdict = Verdict(status=status, version=row.version)
        try:
            decisions.decide(session, forum_id, row.id, verdict, actor=actor, bulk=bulk)
        except (StaleVersionError, WouldMergeError):
            continue
        done += 1
    return BulkDone(bulk=bulk, done=done, left=len(found) - done)


def undo_all(
    session: Session, forum_id: int, bulk: UUID, *, actor: str, is_admin: bool = False
) -> BulkDone:
    """Take back every decision of a bulk that still stands, the last first.

    Raises `NotFoundError` and `NotYoursError`. Pairs decided anew since then keep that decision.
    """
    groups.lock(session, forum_id)
    found = session.execute(
        select(Decision.id, Decision.actor)
        .where(
            Decision.forum_id == forum_id,
            Decision.bulk == bulk,
            Decision.undoes.is_(None),
            Decision.undone.is_(False),
        )
        .order_by(Decision.id.desc())
    ).all()
    if not found:
        raise NotFoundError("there is nothing of this bulk decision left to take back")
    if any(row.actor != actor for row in found) and not is_admin:
        raise NotYoursError
    done = 0
    for row in found:
        try:
            decisions.undo(session, forum_id, row.id, actor=actor, is_admin=is_admin)
        except StaleVersionError:
            continue
        done += 1
    return BulkDone(bulk=bulk, done=done, left=len(found) - done)


def take_out(
    session: Session, forum_id: int, group_id: int, question_id: int, *, actor: str
) -> BulkDone:
    """Take a question out of its group: none of its confirmed pairs there is a duplicate.

    Raises `NotFoundError` and `InvalidInputError`.
    """
    groups.lock(session, forum_id)
    ids = [member.id for member in groups.get_group(session, forum_id, group_id).members]
    if question_id not in ids:
        raise InvalidInputError(f"question {question_id} is not in group {group_id}")
    found = session.execute(
        select(Pair.id, Pair.version).where(
            or_(Pair.low_id == question_id, Pair.high_id == question_id),
            Pair.low_id.in_(ids),
            Pair.high_id.in_(ids),
            Pair.status == PairStatus.DUPLICATE,
        )
    ).all()
    bulk = uuid4()
    for row in found:
        verdict = Verdict(status=PairStatus.NOT_DUPLICATE, version=row.version)
        decisions.decide(session, forum_id, row.id, verdict, actor=actor, bulk=bulk)
    return BulkDone(bulk=bulk, done=len(found), left=0)


def join(session: Session, forum_id: int, group_ids: Sequence[int], *, actor: str) -> BulkDone:
    """Join two groups by a confirmed pair of their canonical questions; the first one leads.

    Raises `NotFoundError` and `InvalidInputError`.
    """
    groups.lock(session, forum_id)
    first, second = (groups.get_group(session, forum_id, group_id) for group_id in group_ids)
    if first.id == second.id:
        raise InvalidInputError("a group cannot be joined with itself")
    pair_id, version = _ensure_pair(session, forum_id, first.canonical_id, second.canonical_id)
    verdict = Verdict(
        status=PairStatus.DUPLICATE,
        version=version,
        canonical_id=first.canonical_id,
        merge=True,
    )
    bulk = uuid4()
    decisions.decide(session, forum_id, pair_id, verdict, actor=actor, bulk=bulk)
    return BulkDone(bulk=bulk, done=1, left=0)


def _ensure_pair(session: Session, forum_id: int, one: int, other: int) -> tuple[int, int]:
    low, high = sorted((one, other))
    texts = session.execute(
        select(Question.id, Question.text_version).where(Question.id.in_((low, high)))
    )
    versions = {row.id: row.text_version for row in texts}
    new = insert(Pair).values(
        forum_id=forum_id,
        low_id=low,
        high_id=high,
        kind=PairKind.JOINED,
        score=1.0,
        threshold=1.0,
        low_text_version=versions[low],
        high_text_version=versions[high],
        status=PairStatus.WITHDRAWN,
    )
    session.execute(new.on_conflict_do_nothing(index_elements=["low_id", "high_id"]))
    row = session.execute(
        select(Pair.id, Pair.version).where(Pair.low_id == low, Pair.high_id == high)
    ).one()
    return row.id, row.version
