"""A forum's pairs in pages: by their ids, by score, or as they change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, DateTime, cast, func, literal, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from db.pairs.rows import PairRow
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question

_LAST_CHANGED = func.coalesce(Pair.changed_at, Pair.decided_at, Pair.flagged_at)
"""As the index has it."""


class Order(StrEnum):
    """In which order pairs are listed."""

    OLDEST = "oldest"
    NEWEST = "newest"
    SCORE = "score"
    """The highest first."""
    CHANGED = "changed"
    """The last changed at the end, for callers that follow changes: none is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFilter:
    """Which pairs to return; None means any."""

    statuses: Iterable[PairStatus] | None = None
    min_score: float | None = None
    max_score: float | None = None
    flagged_since: datetime | None = None
    flagged_before: datetime | None = None
    changed_since: datetime | None = None
    category: str | None = None
    """Of both questions."""

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions for WHERE."""
        wanted = [
            (Pair.status.in_(list(self.statuses)) if self.statuses is not None else None),
            (Pair.score >= _stored(self.min_score) if self.min_score is not None else None),
            (Pair.score <= _stored(self.max_score) if self.max_score is not None else None),
            (Pair.flagged_at >= self.flagged_since if self.flagged_since is not None else None),
            (Pair.flagged_at < self.flagged_before if self.flagged_before is not None else None),
            (self.changed_since <= _LAST_CHANGED if self.changed_since is not None else None),
            (Pair.category == self.category if self.category is not None else None),
        ]
        return [clause for clause in wanted if clause is not None]


def _stored(score: float | None) -> ColumnElement[float]:
    """Return a score in the precision of the column: a stored 0.9 is at least 0.9."""
    return cast(literal(score), Pair.score.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A pair's place in an order: its sort key, then its id."""

    pair_id: int
    score: float | None = None
    changed_at: datetime | None = None


_KEYS: dict[Order, tuple[Any, ...]] = {
    Order.OLDEST: (Pair.id,),
    Order.NEWEST: (Pair.id,),
    Order.SCORE: (Pair.score, Pair.id),
    Order.CHANGED: (_LAST_CHANGED, Pair.id),
}
_DOWN = (Order.NEWEST, Order.SCORE)
# A transaction that has not committed yet may later add a pair with a time before now. So nothing
# newer than the oldest open transaction is listed. If the role may not see the transactions of
# others, it waits longer than any of them can last.
_SETTLED = text("""
    SELECT coalesce(min(xact_start) FILTER (WHERE backend_xid IS NOT NULL), clock_timestamp())
        - CASE WHEN bool_or(query = '<insufficient privilege>') THEN interval '10 minutes'
               ELSE interval '0' END
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
""")


def list_pairs(
    session: Session,
    forum_id: int,
    *,
    where: PairFilter,
    order: Order = Order.OLDEST,
    after: Place | None = None,
    limit: int = 100,
) -> list[PairRow]:
    """Return the forum's pairs that come after a place, so that pages do not shift."""
    low, high = aliased(Question), aliased(Question)
    keys = _KEYS[order]
    is_down = order in _DOWN
    statement = (
        select(
            *(getattr(Pair, name) for name in _OWN),
            _LAST_CHANGED.label("changed_at"),
            low.external_id.label("low_external_id"),
            high.external_id.label("high_external_id"),
            low.title.label("low_title"),
            high.title.label("high_title"),
        )
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(Pair.forum_id == forum_id, *where.clauses())
        .order_by(*(key.desc() if is_down else key for key in keys))
        .limit(limit)
    )
    if after is not None:
        place = tuple_(*_values(order, after))
        statement = statement.where(tuple_(*keys) < place if is_down else tuple_(*keys) > place)
    if order is Order.CHANGED:
        settled = session.execute(_SETTLED).scalar_one()
        statement = statement.where(settled > _LAST_CHANGED)
    return [
        PairRow(**{**row, "kind": PairKind(row["kind"]), "status": PairStatus(row["status"])})
        for row in session.execute(statement).mappings()
    ]


_OWN = tuple(
    name
    for name in PairRow.__dataclass_fields__
    if not name.endswith(("external_id", "_title", "changed_at"))
)


def _values(order: Order, after: Place) -> tuple[object, ...]:
    if order is Order.SCORE:
        return (_stored(after.score), after.pair_id)
    if order is Order.CHANGED:
        return (cast(literal(after.changed_at), DateTime(timezone=True)), after.pair_id)
    return (after.pair_id,)
