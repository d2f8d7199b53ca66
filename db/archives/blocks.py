"""The data that the units of an archive read: ids, blocks of vectors, equal texts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, case, func, select, text
from sqlalchemy.orm import Session

from db.engine import copy
from db.rows import QuestionText
from db.tables.questions import Embedding, Question

_HEADER, _TRAILER = 19, 2
"""Bytes around the rows of a binary COPY."""


@dataclass(frozen=True, slots=True)
class BlockRows:
    """The vectors of one block, by ascending id, and which of them belong to the archive."""

    ids: NDArray[np.int64]
    ours: NDArray[np.bool_]
    vectors: NDArray[np.float16]  # (n, dimension)


_RANGES = """
    SELECT min(id), max(id), count(*) FROM (
        SELECT id, (row_number() OVER (ORDER BY id) - 1) / :step AS part
        FROM questions WHERE archive_id = :archive
    ) numbered GROUP BY part ORDER BY part
"""
# Of questions with one text only the oldest is compared; the others are paired with it already.
_COMPARED = """
    FROM embeddings e JOIN questions q ON q.id = e.question_id
    WHERE e.model_id = :model AND e.forum_id = :forum AND e.visible
      AND q.foreign_share <= :foreign
      AND NOT EXISTS (
          SELECT FROM questions o WHERE o.forum_id = q.forum_id AND o.text_digest = q.text_digest
          AND o.id < q.id AND o.visible
      )
"""
_BLOCKS = f"""
    SELECT min(id), max(id), count(*), count(*) FILTER (WHERE ours) FROM (
        SELECT q.id, q.archive_id IS NOT DISTINCT FROM :archive AS ours,
               (row_number() OVER (ORDER BY q.id) - 1) / :step AS part
        {_COMPARED}
    ) numbered GROUP BY part ORDER BY part
"""  # noqa: S608  # parts of our own


def id_ranges(session: Session, archive_id: int, *, step: int) -> list[tuple[int, int, int]]:
    """Return ``(lowest id, highest id, count)`` of the archive's questions, *step* at a time."""
    rows = session.execute(text(_RANGES), {"archive": archive_id, "step": step})
    return [(row[0], row[1], row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class Block:
    """A range of a forum's questions that is compared as one block."""

    low_id: int
    high_id: int
    count: int
    ours: int
    """How many of them are the archive's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The questions to compare: a forum's visible ones, by the vectors of one model."""

    archive: int
    """The id of the archive whose questions are told apart from the forum's others."""
    forum: int
    model: int
    foreign: float
    """Questions with a larger share of an unknown language are left out."""


def blocks(session: Session, compared: Compared, *, step: int) -> list[Block]:
    """Return the blocks of the questions to compare, *step* questions at a time."""
    parameters = asdict(compared) | {"step": step}
    return [Block(*row) for row in session.execute(text(_BLOCKS), parameters)]


def read_block(
    session: Session, compared: Compared, *, low_id: int, high_id: int, dimension: int
) -> BlockRows:
    """Return the vectors of a block in half precision, read by binary COPY."""
    return _copied(
        session,
        "AND e.question_id BETWEEN :low AND :high ORDER BY q.id",
        asdict(compared) | {"low": low_id, "high": high_id},
        dimension,
    )


def read_sample(session: Session, compared: Compared, *, count: int, dimension: int) -> BlockRows:
    """Return the vectors of *count* of the forum's questions, nearly the same ones each time."""
    return _copied(
        session,
        "ORDER BY hashint8(q.id), q.id LIMIT :count",
        asdict(compared) | {"count": count},
        dimension,
    )


def _copied(session: Session, which: str, values: Mapping[str, float], dimension: int) -> BlockRows:
    statement = f"""
        COPY (
            SELECT q.id, q.archive_id IS NOT DISTINCT FROM :archive, e.vector
            {_COMPARED} {which}
        ) TO STDOUT WITH (FORMAT binary)
    """  # noqa: S608  # parts of our own
    for name, value in values.items():
        statement = statement.replace(f":{name}", repr(value))  # numbers; COPY takes no parameters
    spool = _Spool()
    copy(session.connection(), statement, spool)
    # A row is a count of fields, then each field with its length; a halfvec begins with two
    # numbers of two bytes. Everything is big-endian.
    row = np.dtype(
        [
            ("head", ">i2"),
            ("id_length", ">i4"),
            ("id", ">i8"),
            ("ours_length", ">i4"),
            ("ours", "?"),
            ("vector_length", ">i4"),
            ("vector_head", ">i4"),
            ("vector", ">f2", (dimension,)),
        ]
    )
    rows = np.frombuffer(spool.data[_HEADER:-_TRAILER], dtype=row)
    return BlockRows(
        rows["id"].astype(np.int64), rows["ours"].copy(), rows["vector"].astype(np.float16)
    )


class _Spool:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)


_TWINS = """
    SELECT q.id, o.id FROM questions q CROSS JOIN LATERAL (
        SELECT min(o.id) AS id FROM questions o
        WHERE o.forum_id = q.forum_id AND o.text_digest = q.text_digest AND o.visible
    ) o
    WHERE q.archive_id = :archive AND q.id BETWEEN :low AND :high AND q.visible AND o.id < q.id
"""


def twins(session: Session, archive_id: int, low_id: int, high_id: int) -> list[tuple[int, int]]:
    """Return ``(question, oldest of the same text)`` of the archive's questions in a range."""
    parameters = {"archive": archive_id, "low": low_id, "high": high_id}
    return [(row[0], row[1]) for row in session.execute(text(_TWINS), parameters)]


def unembedded(
    session: Session, archive_id: int, model_id: int, low_id: int, high_id: int
) -> list[QuestionText]:
    """Return the archive's questions in a range without a vector of their present text."""
    columns = [getattr(Question, name) for name in QuestionText.__dataclass_fields__]
    of_model = and_(Embedding.question_id == Question.id, Embedding.model_id == model_id)
    found = session.execute(
        select(*columns)
        .outerjoin(Embedding, of_model)
        .where(
            Question.archive_id == archive_id,
            Question.id.between(low_id, high_id),
            Embedding.text_digest.is_distinct_from(Question.text_digest),
        )
    )
    return [QuestionText(**row) for row in found.mappings()]


def lengths(session: Session, ids: NDArray[np.int64], *, longest: int) -> NDArray[np.int64]:
    """Return how many characters the models read of each question, (n,), *longest* at most.

    0 for an erased question.
    """
    seen = func.char_length(Question.title) + case(
        (Question.text_fields == "title_body", func.char_length(Question.body)), else_=0
    )
    rows = session.execute(
        select(Question.id, func.least(seen, longest)).where(
            Question.id.in_(np.unique(ids).tolist())
        )
    )
    known = {row[0]: row[1] for row in rows}
    return np.array([known.get(one, 0) for one in ids.tolist()], dtype=np.int64)


def unchecked(
    session: Session, archive_id: int, model_id: int, low_id: int, high_id: int
) -> list[int]:
    """Return the archive's questions in a range that have a vector and were not checked before."""
    of_model = and_(Embedding.question_id == Question.id, Embedding.model_id == model_id)
    found = session.execute(
        select(Question.id)
        .join(Embedding, of_model)
        .where(
            Question.archive_id == archive_id,
            Question.id.between(low_id, high_id),
            Question.checked_at.is_(None),
            Embedding.text_digest == Question.text_digest,
        )
    )
    return list(found.scalars())


def count_vectors(session: Session, archive_id: int, model_id: int) -> tuple[int, int]:
    """Return how many vectors of a model there are, and how many questions the archive has."""
    stored = select(func.count()).where(Embedding.model_id == model_id)
    new = select(func.count()).where(Question.archive_id == archive_id)
    return session.execute(stored).scalar_one(), session.execute(new).scalar_one()
