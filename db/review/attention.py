"""Claims and skips: who looks at which pair, and who has skipped it.

A claim informs others and locks nothing. The pair's version keeps two people from overwriting each
other: see `db.deciding.decisions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from db.errors import PairNotFoundError
from db.tables.pairs import Pair
from db.tables.review import Claim, Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """Who has claimed a pair, and until when."""

    pair_id: int
    holder: str
    expires_at: datetime


def claim(
    session: Session, forum_id: int, pair_ids: Sequence[int], *, holder: str, lifetime: timedelta
) -> ClaimRow:
    """Claim pairs for a while and return who has the claim: *holder*, or somebody who was first.

    Raises `PairNotFoundError`.
    """
    ids = _lock_pairs(session, forum_id, pair_ids)
    now = func.clock_timestamp()
    session.execute(delete(Claim).where(Claim.forum_id == forum_id, Claim.expires_at < now))
    statement = postgresql.insert(Claim).values(
        [
            {
                "pair_id": pair_id,
                "forum_id": forum_id,
                "holder": holder,
                "claimed_at": now,
                "expires_at": now + lifetime,
            }
            for pair_id in ids
        ]
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["pair_id"],
            set_={"expires_at": statement.excluded.expires_at},
            where=Claim.holder == holder,
        )
    )
    found = session.execute(
        select(Claim.pair_id, Claim.holder, Claim.expires_at)
        .where(Claim.pair_id.in_(ids))
        .order_by(Claim.holder == holder, Claim.pair_id)
        .limit(1)
    ).one()
    return ClaimRow(pair_id=found.pair_id, holder=found.holder, expires_at=found.expires_at)


def release(session: Session, forum_id: int, *, holder: str, keep: Sequence[int] = ()) -> None:
    """End the holder's claims in a forum, except those on the pairs *keep*."""
    session.execute(
        delete(Claim).where(
            Claim.forum_id == forum_id, Claim.holder == holder, Claim.pair_id.not_in(keep)
        )
    )


def active_claims(session: Session, forum_id: int) -> dict[int, str]:
    """Return who has claimed which pair of a forum now."""
    found = session.execute(
        select(Claim.pair_id, Claim.holder).where(
            Claim.forum_id == forum_id, Claim.expires_at > func.clock_timestamp()
        )
    )
    return {row.pair_id: row.holder for row in found}


def colleague(claims: Mapping[int, str], pair_ids: Iterable[int], *, me: str) -> str | None:
    """Return who else than *me* has claimed one of these pairs, by `active_claims`."""
    return next((claims[pair] for pair in pair_ids if claims.get(pair, me) != me), None)


def skip(session: Session, forum_id: int, pair_ids: Sequence[int], *, holder: str) -> None:
    """Hide pairs from this person for a while; raises `PairNotFoundError`."""
    ids = _lock_pairs(session, forum_id, pair_ids)
    values = [{"holder": holder, "pair_id": pair_id} for pair_id in ids]
    session.execute(postgresql.insert(Skip).values(values).on_conflict_do_nothing())
    session.execute(delete(Claim).where(Claim.pair_id.in_(ids), Claim.holder == holder))


def unskip(
    session: Session, forum_id: int, *, holder: str, pair_ids: Sequence[int] | None = None
) -> None:
    """Put pairs that this person has skipped in a forum, some or all, back into their queue."""
    of_forum = select(Pair.id).where(Pair.id == Skip.pair_id, Pair.forum_id == forum_id)
    statement = delete(Skip).where(Skip.holder == holder, of_forum.exists())
    if pair_ids is not None:
        statement = statement.where(Skip.pair_id.in_(pair_ids))
    session.execute(statement)


def _lock_pairs(session: Session, forum_id: int, pair_ids: Sequence[int]) -> list[int]:
    # In one order, so that two people with the same pairs cannot deadlock.
    found = session.execute(
        select(Pair.id)
        .where(Pair.id.in_(pair_ids), Pair.forum_id == forum_id)
        .order_by(Pair.id)
        .with_for_update(key_share=True)
    )
    ids = list(found.scalars())
    if missing := set(pair_ids) - set(ids):
        raise PairNotFoundError(min(missing))
    return ids
