"""Attempts to sign in: each is counted before it is tried, in all buckets that it belongs to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.errors import TooManyError
from db.tables.review import SignInAttempt

WITHIN = timedelta(minutes=10)


class TooManyAttemptsError(TooManyError):
    """Too many attempts failed: wait ten minutes, then try again."""

    def __init__(self) -> None:
        super().__init__(retry_after_s=int(WITHIN.total_seconds()))


def count_attempt(session: Session, limits: Mapping[str, int]) -> list[int]:
    """Count an attempt in each bucket of *limits* and return its ids, for `forgive`.

    Attempts at the same time are counted one after the other. Raises `TooManyAttemptsError`, and
    counts nothing, when a bucket is full.
    """
    for bucket in sorted(limits):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(bucket, 0))))
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < func.now() - WITHIN))
    taken = session.execute(
        select(SignInAttempt.bucket, func.count().label("times"))
        .where(SignInAttempt.bucket.in_(limits))
        .group_by(SignInAttempt.bucket)
    )
    if any(row.times >= limits[row.bucket] for row in taken):
        raise TooManyAttemptsError
    counted = insert(SignInAttempt).returning(SignInAttempt.id)
    return list(session.execute(counted, [{"bucket": bucket} for bucket in limits]).scalars())


def forgive(session: Session, attempt_ids: Sequence[int]) -> None:
    """Delete these counts, because the attempt succeeded."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(attempt_ids)))
