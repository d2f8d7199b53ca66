"""The review queue of flagged pairs, and one pair with everything that is known about it.

Pages are cut by key, not by offset, so that they do not shift while others decide. Counts stop at a
limit, so that a queue of any length costs the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db.errors import PairNotFoundError
from db.rows import PairKind, PairStatus, StoredQuestion
from db.tables.pairs import Pair
from db.tables.questions import Model, Question
from db.tables.review import Claim, GroupMember, Skip

COUNT_LIMIT = 100_000
SKIP_LASTS = timedelta(hours=8)
_TITLE_LENGTH = 200
_WORD = re.compile(r"\w+")


class Sort(StrEnum):
    """The order in which pairs are reviewed."""

    CERTAIN = "certain"
    """The highest score first: this gives most decisions an hour."""
    USEFUL = "useful"
    """The most useful decisions first: probable or uncertain pairs about many questions."""
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which pairs to return; None means any."""

    status: PairStatus = PairStatus.FLAGGED
    category: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    since: datetime | None = None
    reranker_id: int | None = None
    claimed_by: str | None = None
    words: str | None = None
    """Pairs with all of these in their titles; the beginning of a word is enough."""
    group_id: int | None = None
    awake_for: str | None = None
    """Leave out what this person has skipped."""
    free_for: str | None = None
    """Leave out what other people have claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A pair in the list."""

    pair_id: int
    title: str
    score: float
    kind: PairKind
    status: PairStatus
    version: int
    """Grows with each change; a decision on an older version is refused."""
    flagged_at: datetime
    entry: int | None
    """Flagged pairs with the same number belong together: see `db.review.entries`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(StoredQuestion):
    """One of the two questions of the shown pair."""

    group_id: int | None
    reach: int
    """Other pairs, flagged or confirmed, that this question is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A pair with everything that is known about it; *older* is the question asked first."""

    pair_id: int
    version: int
    kind: PairKind
    status: PairStatus
    score: float
    threshold: float
    cosine: float | None
    logits: tuple[float | None, float | None]
    """With the older question first, and with the newer question first."""
    bi_encoder: str | None
    reranker: str | None
    flagged_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    canonical_id: int | None
    note: str | None
    older: Side
    newer: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """An earlier decision on a pair with one of the same questions."""

    pair_id: int
    title: str
    status: PairStatus
    decided_by: str
    decided_at: datetime


def conditions(forum_id: int, where: QueueFilter) -> list[ColumnElement[bool]]:
    """Return the SQL conditions of the filter."""
    clauses: list[ColumnElement[bool]] = [Pair.forum_id == forum_id, Pair.status == where.status]
    if where.min_score is not None:
        clauses.append(Pair.score >= cast(where.min_score, REAL))
    if where.max_score is not None:
        clauses.append(Pair.score <= cast(where.max_score, REAL))
    if where.since is not None:
        clauses.append(Pair.flagged_at >= where.since)
    if where.reranker_id is not None:
        clauses.append(Pair.reranker_id == where.reranker_id)
    return clauses + _question_clauses(where) + _people_clauses(where)


def _question_clauses(where: QueueFilter) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if where.category is not None:
        # Both questions must be in the category: this makes bulk decisions safer.
        clauses.append(Pair.category == where.category)
    if where.words is not None:
        clauses.append(_has_words(where.words))
    if where.group_id is not None:
        wanted = select(GroupMember.question_id).where(GroupMember.group_id == where.group_id)
        clauses.append(or_(Pair.low_id.in_(wanted), Pair.high_id.in_(wanted)))
    return clauses


def _people_clauses(where: QueueFilter) -> list[ColumnElement[bool]]:
    active = and_(Claim.pair_id == Pair.id, Claim.expires_at > func.clock_timestamp())
    clauses: list[ColumnElement[bool]] = []
    if where.claimed_by is not None:
        clauses.append(exists().where(active, Claim.holder == where.claimed_by))
    if where.awake_for is not None:
        put_aside = and_(
            Skip.pair_id == Pair.id,
            Skip.holder == where.awake_for,
            Skip.skipped_at > func.now() - SKIP_LASTS,
        )
        clauses.append(~exists().where(put_aside))
    if where.free_for is not None:
        clauses.append(~exists().where(active, Claim.holder != where.free_for))
    return clauses


def _has_words(words: str) -> ColumnElement[bool]:
    wanted = _WORD.findall(words)
    if not wanted:
        return false()
    query = func.to_tsquery("simple", " & ".join(f"'{word}':*" for word in wanted))
    return Pair.words.op("@@")(query)


def count_pairs(session: Session, forum_id: int, where: QueueFilter) -> int:
    """Return how many pairs match, counted up to `COUNT_LIMIT` + 1."""
    some = select(literal(1)).where(*conditions(forum_id, where)).limit(COUNT_LIMIT + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def count_skipped(session: Session, forum_id: int, holder: str) -> int:
    """Return how many pairs of the queue this person has skipped."""
    return session.execute(
        select(func.count())
        .select_from(Skip)
        .join(Pair, Pair.id == Skip.pair_id)
        .where(
            Pair.forum_id == forum_id,
            Pair.status == PairStatus.FLAGGED,
            Skip.holder == holder,
            Skip.skipped_at > func.now() - SKIP_LASTS,
        )
    ).scalar_one()


def list_queue(
    session: Session,
    forum_id: int,
    where: QueueFilter,
    *,
    sort: Sort,
    after: int | None = None,
    limit: int = 50,
) -> list[QueueItem]:
    """Return the next pairs in this order, those after the pair *after*."""
    matching = select(Pair.id).where(*conditions(forum_id, where))
    page = _ordered(matching, sort, by_index=where.words is None).limit(limit)
    if after is not None:
        found = select(Pair.score, Pair.useful, Pair.flagged_at, Pair.id)
        of_forum = found.where(Pair.id == after, Pair.forum_id == forum_id)
        place = session.execute(of_forum).one_or_none()
        if place is not None:
            page = page.where(_behind(place, sort))
    ids = list(session.execute(page).scalars())
    return _items(session, ids)


def _ordered(statement: Select[int], sort: Sort, *, by_index: bool = True) -> Select[int]:
    match sort:
        case Sort.CERTAIN | Sort.USEFUL:
            column = Pair.score if sort is Sort.CERTAIN else Pair.useful
            return statement.order_by(_in_order(column, by_index=by_index).desc(), Pair.id.desc())
        case Sort.OLDEST:
            return statement.order_by(_in_order(Pair.flagged_at, by_index=by_index), Pair.id)


def _in_order(column: InstrumentedAttribute[Any], *, by_index: bool) -> ColumnElement[Any]:
    # The planner assumes that every word is common, and would read the whole queue to find a rare
    # one. If no index has the wanted order, it uses the index of words.
    return column.expression if by_index else func.greatest(column, column)


def _behind(place: Row[float, float, datetime, int], sort: Sort) -> ColumnElement[bool]:
    match sort:
        case Sort.CERTAIN:
            here = tuple_(cast(place.score, REAL), literal(place.id))
            return tuple_(Pair.score, Pair.id) < here
        case Sort.USEFUL:
            here = tuple_(cast(place.useful, REAL), literal(place.id))
            return tuple_(Pair.useful, Pair.id) < here
        case Sort.OLDEST:
            here = tuple_(literal(place.flagged_at), literal(place.id))
            return tuple_(Pair.flagged_at, Pair.id) > here


def _items(session: Session, ids: Sequence[int]) -> list[QueueItem]:
    low, high = aliased(Question), aliased(Question)
    asked_low = func.coalesce(low.asked_at, low.created_at)
    asked_high = func.coalesce(high.asked_at, high.created_at)
    newer = case((asked_low > asked_high, low.title), else_=high.title)
    found = session.execute(
        select(
            Pair.id.label("pair_id"),
            func.left(newer, _TITLE_LENGTH).label("title"),
            Pair.score,
            Pair.kind,
            Pair.status,
            Pair.version,
            Pair.flagged_at,
            Pair.entry,
        )
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(Pair.id.in_(ids))
    ).mappings()
    rows = {
        row["pair_id"]: QueueItem(
            **{**row, "kind": PairKind(row["kind"]), "status": PairStatus(row["status"])}
        )
        for row in found
    }
    return [rows[pair_id] for pair_id in ids if pair_id in rows]


def get_stage(session: Session, forum_id: int, pair_id: int) -> Stage:
    """Return a pair with everything that is known about it; raises `PairNotFoundError`."""
    bi_encoder, reranker = aliased(Model), aliased(Model)
    found = session.execute(
        select(Pair, bi_encoder.name.label("bi"), reranker.name.label("cross"))
        .outerjoin(bi_encoder, bi_encoder.id == Pair.bi_encoder_id)
        .outerjoin(reranker, reranker.id == Pair.reranker_id)
        .where(Pair.id == pair_id, Pair.forum_id == forum_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise PairNotFoundError(pair_id)
    pair = found.Pair
    sides = _sides(session, (pair.low_id, pair.high_id))
    older, newer = sorted(sides, key=lambda side: (side.asked_at or side.created_at, side.id))
    logits = (pair.logit_low_high, pair.logit_high_low)
    return Stage(
        pair_id=pair.id,
        version=pair.version,
        kind=PairKind(pair.kind),
        status=PairStatus(pair.status),
        score=pair.score,
        threshold=pair.threshold,
        cosine=pair.cosine,
        logits=logits if older.id == pair.low_id else (logits[1], logits[0]),
        bi_encoder=found.bi,
        reranker=found.cross,
        flagged_at=pair.flagged_at,
        decided_at=pair.decided_at,
        decided_by=pair.decided_by,
        canonical_id=pair.canonical_id,
        note=pair.note,
        older=older,
        newer=newer,
    )


def _sides(session: Session, ids: tuple[int, int]) -> list[Side]:
    reach = (
        select(func.count())
        .where(
            or_(Pair.low_id == Question.id, Pair.high_id == Question.id),
            Pair.status.in_((PairStatus.FLAGGED, PairStatus.DUPLICATE)),
        )
        .scalar_subquery()
    )
    names = [n for n in Side.__dataclass_fields__ if n not in {"group_id", "reach"}]
    found = session.execute(
        select(
            *(getattr(Question, name) for name in names),
            GroupMember.group_id,
            (reach - 1).label("reach"),
        )
        .outerjoin(GroupMember, GroupMember.question_id == Question.id)
        .where(Question.id.in_(ids))
    )
    return [Side(**{**row, "reach": max(0, row["reach"])}) for row in found.mappings()]


def precedents(session: Session, stage: Stage, *, limit: int = 4) -> list[Precedent]:
    """Return the latest decisions on other pairs of the two questions."""
    ids = (stage.older.id, stage.newer.id)
    other = aliased(Question)
    found = session.execute(
        select(
            Pair.id.label("pair_id"),
            other.title,
            Pair.status,
            Pair.decided_by,
            Pair.decided_at,
        )
        .join(
            other,
            and_(or_(other.id == Pair.low_id, other.id == Pair.high_id), other.id.not_in(ids)),
        )
        .where(
            or_(Pair.low_id.in_(ids), Pair.high_id.in_(ids)),
            Pair.id != stage.pair_id,
            Pair.decided_by.is_not(None),
        )
        .order_by(Pair.decided_at.desc())
        .limit(limit)
    )
    return [Precedent(**{**row, "status": PairStatus(row["status"])}) for row in found.mappings()]


_CATEGORIES = text("""
    WITH RECURSIVE names AS (
        (SELECT category FROM questions WHERE forum_id = :forum AND category IS NOT NULL
         ORDER BY category LIMIT 1)
        UNION ALL
        SELECT (SELECT category FROM questions WHERE forum_id = :forum
                AND category > names.category ORDER BY category LIMIT 1)
        FROM names WHERE names.category IS NOT NULL
    ) SELECT category FROM names WHERE category IS NOT NULL LIMIT :limit
""")


def categories(session: Session, forum_id: int, *, limit: int = 60) -> list[str]:
    """Return the forum's categories by name, with one index probe for each, however many rows."""
    return list(session.execute(_CATEGORIES, {"forum": forum_id, "limit": limit}).scalars())
