"""Some of a forum's questions, drawn by a hash of their ids: the same ones each time."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, cast, func, select, text
from sqlalchemy.orm import Session

from db.tables.questions import Embedding

_COSINES = """
    SELECT 1 - (one.vector <=> other.vector)
    FROM unnest(CAST(:low AS bigint[]), CAST(:high AS bigint[])) WITH ORDINALITY
        AS pair (low, high, place)
    LEFT JOIN embeddings one ON one.model_id = :model AND one.question_id = pair.low
    LEFT JOIN embeddings other ON other.model_id = :model AND other.question_id = pair.high
    ORDER BY pair.place
"""


def sample(session: Session, model_id: int, forum_id: int, *, limit: int) -> list[int]:
    """Return visible questions of the forum that have a vector of this model, *limit* at most."""
    found = session.execute(
        select(Embedding.question_id)
        .where(
            Embedding.model_id == model_id,
            Embedding.forum_id == forum_id,
            Embedding.visible,
        )
        .order_by(func.hashint8(cast(Embedding.question_id, BigInteger)), Embedding.question_id)
        .limit(limit)
    )
    return list(found.scalars())


def count(session: Session, model_id: int, forum_id: int) -> int:
    """Return how many visible questions of the forum have a vector of this model."""
    return session.execute(
        select(func.count()).where(
            Embedding.model_id == model_id,
            Embedding.forum_id == forum_id,
            Embedding.visible,
        )
    ).scalar_one()


def cosines(
    session: Session, model_id: int, low: Sequence[int], high: Sequence[int]
) -> list[float | None]:
    """Return the cosine of each pair of questions, None if one has no vector of this model."""
    values = {"model": model_id, "low": list(low), "high": list(high)}
    return list(session.execute(text(_COSINES), values).scalars())
