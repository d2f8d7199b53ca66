"""One decision for many pairs, and groups changed by hand. Each has one undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.deciding import decisions, opinions
from db.deciding.decisions import Choice, NotYoursError, StaleVersionError, Verdict
from db.errors import InvalidInputError, NotFoundError
from db.groups import groups
from db.review.queue import QueueFilter, conditions
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Decision

LIMIT = 500
"""Pairs of one bulk decision at most: one person is responsible for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDone:
    """The result of a bulk decision or of its undo."""

    bulk: UUID
    done: int
    left: int
    """Pairs that changed meanwhile, or that would have joined two groups."""


def newest_pair(session: Session, forum_id: int) -> int:
    """Return the id of the forum's newest pair, or 0; a bulk decision covers no newer pair."""
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
    """Decide the same on matching pairs with ids up to *up_to*, highest score first, up to `LIMIT`.

    A pair that would join two groups is not decided.
    """
    groups.lock(session, forum_id)
    matching = session.execute(
        select(Pair.id)
        .where(*conditions(forum_id, where), Pair.id <= up_to)
        .order_by(Pair.score.desc(), Pair.id.desc())
        .limit(LIMIT)
    )
    found = decisions.lock_pairs(session, forum_id, matching.scalars())
    number, joined = uuid4(), Joined(session, found)
    choices = [Choice(pair, status) for pair in _surest_first(found)]
    if status is PairStatus.DUPLICATE:
        choices = [choice for choice in choices if joined.add(choice.pair)]
    done = decisions.write(session, forum_id, choices, actor=actor, bulk=number)
    opinions.ask(session, forum_id, done, is_bulk=True)
    touched = {q for choice in choices for q in (choice.pair.low_id, choice.pair.high_id)}
    if status is PairStatus.DUPLICATE or where.status is PairStatus.DUPLICATE:
        groups.rebuild(session, forum_id, sorted(touched), actor=actor)
    return BulkDone(bulk=number, done=len(done), left=len(found) - len(done))


def _surest_first(pairs: Sequence[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.score, -pair.id))


class Joined:
    """The groups as they grow pair by pair, so that no two existing groups are joined."""

    def __init__(self, session: Session, pairs: Sequence[Pair]) -> None:
        ids = {q for pair in pairs for q in (pair.low_id, pair.high_id)}
        self._group: dict[int, int] = groups.groups_of(session, ids)

    def add(self, pair: Pair) -> bool:
        """Put a pair's questions together and return True; False if that would join two groups."""
        low, high = self._group.get(pair.low_id), self._group.get(pair.high_id)
        if low is not None and high is not None and low != high:
            return False
        # A group that this decision starts is named by its first pair, below any group's number.
        number = low if low is not None else high if high is not None else -pair.id
        self._group |= {pair.low_id: number, pair.high_id: number}
        return True


def undo_all(
    session: Session, forum_id: int, bulk: UUID, *, actor: str, is_admin: bool = False
) -> BulkDone:
    """Undo every decision of a bulk that was not undone yet, the last first.

    Raises `NotFoundError` and `NotYoursError`. Pairs decided again since keep that decision.
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
        raise NotFoundError("nothing of this bulk decision is left to undo")
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
        select(Pair.id).where(
            or_(Pair.low_id == question_id, Pair.high_id == question_id),
            Pair.low_id.in_(ids),
            Pair.high_id.in_(ids),
            Pair.status == PairStatus.DUPLICATE,
        )
    )
    pairs = decisions.lock_pairs(session, forum_id, found.scalars())
    choices = [Choice(pair, PairStatus.NOT_DUPLICATE) for pair in pairs]
    number = uuid4()
    decisions.write(session, forum_id, choices, actor=actor, bulk=number)
    groups.rebuild(session, forum_id, ids, actor=actor)
    return BulkDone(bulk=number, done=len(pairs), left=0)


def join(session: Session, forum_id: int, group_ids: Sequence[int], *, actor: str) -> BulkDone:
    """Join two groups by a confirmed pair of their canonical questions; the first stays canonical.

    Raises `NotFoundError` and `InvalidInputError`.
    """
    groups.lock(session, forum_id)
    first, second = (groups.get_group(session, forum_id, group_id) for group_id in group_ids)
    if first.id == second.id:
        raise InvalidInputError("a group cannot be joined with itself")
    pair_id, version = ensure_pair(session, forum_id, first.canonical_id, second.canonical_id)
    verdict = Verdict(
        status=PairStatus.DUPLICATE,
        version=version,
        canonical_id=first.canonical_id,
        merge=True,
    )
    bulk = uuid4()
    decisions.decide(session, forum_id, pair_id, verdict, actor=actor, bulk=bulk)
    return BulkDone(bulk=bulk, done=1, left=0)


def ensure_pair(session: Session, forum_id: int, one: int, other: int) -> tuple[int, int]:
    """Return the pair of two questions and its version; a new pair is stored as withdrawn.

    Raises `NotFoundError` if one of them is not in this forum.
    """
    low, high = sorted((one, other))
    texts = session.execute(
        select(Question.id, Question.text_version).where(
            Question.id.in_((low, high)), Question.forum_id == forum_id
        )
    )
    versions = {row.id: row.text_version for row in texts}
    for missing in {low, high} - set(versions):
        raise NotFoundError(f"there is no question {missing} in this forum")
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
