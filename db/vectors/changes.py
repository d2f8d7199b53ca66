"""A forum's vectors for processes that keep them in memory: all of them, and later changes.

Postgres stays the truth. Each change of a forum's vectors has a version, and versions become
visible in their order (`db.tables.questions.VectorHead`): a process that has read up to a version
has not missed an earlier one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.engine import copy, run_alone
from db.rows import CandidateText
from db.tables.questions import Embedding, VectorChange, VectorHead
from db.vectors.rows import ModelRow

Halves = NDArray[np.float16]
Ids = NDArray[np.int64]
OnRows = Callable[[Ids, Halves], object]
"""Called with some of the rows: ids, (n,), and vectors, (n, dimension)."""

_MANY = 20_000
"""With so many changes it is quicker to read everything again."""
_COPY_HEAD, _COPY_TAIL = 19, 2
_CHUNK_BYTES = 1 << 24

# Each vector is read by its primary key, and its forum is only compared. Otherwise the planner
# would read the whole forum for each question if there are no fresh statistics, as in a forum that
# was just filled.
_SINCE = """
    SELECT head.version, head.floor, c.question_id, halfvec_send(e.vector) AS vector
    FROM vector_heads AS head
    LEFT JOIN LATERAL (
        SELECT DISTINCT question_id FROM vector_changes AS c
        WHERE c.model_id = head.model_id AND c.forum_id = head.forum_id AND c.version > %(seen)s
          AND head.version > %(seen)s
        LIMIT %(limit)s
    ) AS c ON true
    LEFT JOIN LATERAL (
        SELECT vector FROM embeddings
        WHERE model_id = %(model)s AND question_id = c.question_id
            AND forum_id + 0 = head.forum_id AND visible OFFSET 0
    ) AS e ON true
    WHERE head.model_id = %(model)s AND head.forum_id = %(forum)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed in a forum's vectors up to a version."""

    version: int
    gone: Sequence[int]
    """Questions that are not in the search any more: hidden, erased, or without a vector."""
    ids: Ids
    vectors: Halves


class _Change(NamedTuple):
    version: int
    floor: int
    question_id: int | None
    vector: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Exact cosines of pairs, and what is known of their other questions."""

    pairs: Sequence[tuple[int, int, float]]
    """The asked question, the other question, and their cosine."""
    texts: Mapping[int, CandidateText]
    answered: Mapping[int, tuple[int | None, bool | None]]
    """How many answers a question has, and whether one is accepted, as far as known."""


def version(session: Session, model_id: int, forum_id: int) -> int:
    """Return the version of a forum's vectors; read it before the vectors themselves."""
    found = session.execute(
        select(VectorHead.version).where(
            VectorHead.model_id == model_id, VectorHead.forum_id == forum_id
        )
    )
    return found.scalar_one_or_none() or 0


def since(session: Session, model: ModelRow, forum_id: int, seen: int) -> Changes | None:
    """Return what changed after version *seen*; None if everything must be read again."""
    given = {"model": model.id, "forum": forum_id, "seen": seen, "limit": _MANY + 1}
    rows = [_Change(*row) for row in run_alone(session, _SINCE, given)]
    if not rows:  # no vector was ever changed
        return _changes(0, [], model) if seen == 0 else None
    newest, floor = rows[0].version, rows[0].floor
    if not floor <= seen <= newest or len(rows) > _MANY:
        return None
    return _changes(newest, [row for row in rows if row.question_id is not None], model)


def _changes(newest: int, rows: Iterable[Any], model: ModelRow) -> Changes:
    there = [(row.question_id, bytes(row.vector)[4:]) for row in rows if row.vector is not None]
    packed = np.frombuffer(b"".join(vector for _, vector in there), dtype=">f2")
    return Changes(
        version=newest,
        gone=[row.question_id for row in rows if row.vector is None],
        ids=np.array([one for one, _ in there], dtype=np.int64),
        vectors=packed.astype(np.float16).reshape(len(there), int(model.dimension or 0)),
    )


def visible_ids(session: Session, model: ModelRow, forum_id: int) -> Ids:
    """Return the questions of a forum that are in the search, (n,)."""
    statement = (
        "SELECT coalesce(array_agg(question_id), '{}') FROM embeddings"
        " WHERE model_id = %(model)s AND forum_id = %(forum)s AND visible"
    )
    given = {"model": model.id, "forum": forum_id}
    found = session.connection().exec_driver_sql(statement, given)
    return np.array(found.scalar_one(), dtype=np.int64)


def read_all(session: Session, model: ModelRow, forum_id: int, on_rows: OnRows) -> None:
    """Call *on_rows* with the visible vectors of a forum, some thousand at a time."""
    reading = _Reading(int(model.dimension or 0), on_rows)
    statement = (
        "COPY (SELECT question_id, vector FROM embeddings"  # noqa: S608  # numbers only
        f" WHERE model_id = {int(model.id)} AND forum_id = {int(forum_id)} AND visible)"
        " TO STDOUT WITH (FORMAT binary)"
    )
    copy(session.connection(), statement, reading)
    reading.end()


class _Reading:
    """Takes the bytes of a binary COPY of ids and vectors, all rows of one length."""

    def __init__(self, dimension: int, on_rows: OnRows) -> None:
        self._row = np.dtype(
            [
                ("fields", ">i2"),
                ("id_length", ">i4"),
                ("id", ">i8"),
                ("length", ">i4"),
                ("dimension", ">i2"),
                ("unused", ">i2"),
                ("vector", ">f2", (dimension,)),
            ]
        )
        self._on_rows = on_rows
        self._held = bytearray()
        self._skip = _COPY_HEAD

    def write(self, part: bytes) -> None:
        """Take a part of the bytes."""
        self._held += part
        if len(self._held) > _CHUNK_BYTES:
            self._give(keep=_COPY_TAIL)

    def end(self) -> None:
        """Take the end of the bytes."""
        self._give(keep=_COPY_TAIL)

    def _give(self, *, keep: int) -> None:
        count = (len(self._held) - self._skip - keep) // self._row.itemsize
        if count <= 0:
            return
        rows = np.frombuffer(bytes(self._held), self._row, count=count, offset=self._skip)
        del self._held[: self._skip + count * self._row.itemsize]
        self._skip = 0
        self._on_rows(rows["id"].astype(np.int64), rows["vector"].astype(np.float16))


def vectors(
    session: Session, model: ModelRow, forum_id: int, ids: Sequence[int]
) -> tuple[Ids, Halves]:
    """Return the stored vectors of these questions of a forum, visible or not, with their ids."""
    statement = (
        "SELECT question_id, halfvec_send(vector) AS vector FROM embeddings"
        " WHERE model_id = %(model)s AND question_id = ANY(%(ids)s) AND forum_id + 0 = %(forum)s"
    )
    given = {"model": model.id, "forum": forum_id, "ids": list(ids)}
    found = _changes(0, session.connection().exec_driver_sql(statement, given).all(), model)
    return found.ids, found.vectors


_VECTOR = """(
        SELECT vector::halfvec({{dimension}}) AS vector FROM embeddings
        WHERE model_id = {{model}} AND question_id = given.{of} AND forum_id + 0 = %(forum)s
            AND {also} OFFSET 0
    )"""
_SHOWN = tuple(CandidateText.__dataclass_fields__)
# In the same statement as whether it is in the search now: one round trip, and one moment.
_OF_OTHER = f"""CROSS JOIN LATERAL (
        SELECT (facts ->> 'answers')::integer AS answers,
            (facts ->> 'accepted')::boolean AS accepted, {", ".join(_SHOWN)}
        FROM questions WHERE id = given.other AND forum_id + 0 = %(forum)s OFFSET 0
    ) AS q"""  # noqa: S608  # names of columns
_EXACT = f"""
    SELECT given.asked, given.other, 1 - (own.vector <=> e.vector) AS cosine{{shown}}
    FROM unnest(%(asked)s::bigint[], %(others)s::bigint[]) AS given (asked, other)
    CROSS JOIN LATERAL {_VECTOR.format(of="asked", also="true")} AS own
    CROSS JOIN LATERAL {_VECTOR.format(of="other", also="visible")} AS e
    {{of_other}}
"""  # noqa: S608  # names of columns
_EXACT_TO_ONE = f"""
    SELECT 0 AS asked, given.other,
           1 - (CAST(%(vector)s AS halfvec({{dimension}})) <=> e.vector) AS cosine, q.*
    FROM unnest(%(others)s::bigint[]) AS given (other)
    CROSS JOIN LATERAL {_VECTOR.format(of="other", also="visible")} AS e
    {_OF_OTHER}
"""  # noqa: S608  # names of columns


def exact(
    session: Session,
    model: ModelRow,
    forum_id: int,
    *,
    asked: Sequence[int],
    others: Sequence[int],
    with_texts: bool = True,
) -> Compared:
    """Return the cosines of those pairs whose other question is in the search now.

    For many asked questions read the texts apart, without *with_texts*: many are near to several.
    """
    given = {"asked": list(asked), "others": list(others), "forum": forum_id}
    parts = (", q.*", _OF_OTHER) if with_texts else ("", "")
    template = _EXACT.replace("{shown}", parts[0]).replace("{of_other}", parts[1])
    return _cosines(session, template, model, given)


def exact_to_vector(
    session: Session,
    model: ModelRow,
    forum_id: int,
    vector: NDArray[np.float32],
    others: Sequence[int],
) -> Compared:
    """Return the cosines to a vector, (dimension,), of questions in the search now; it is 0."""
    literal = f"[{','.join(['%.6g'] * len(vector)) % tuple(vector.tolist())}]"
    given = {"vector": literal, "others": list(others), "forum": forum_id}
    return _cosines(session, _EXACT_TO_ONE, model, given)


def _cosines(
    session: Session, template: str, model: ModelRow, given: Mapping[str, object]
) -> Compared:
    if not given["others"]:
        return Compared(pairs=[], texts={}, answered={})
    statement = template.format(model=int(model.id), dimension=int(model.dimension or 0))
    rows = run_alone(session, statement, dict(given))
    firsts = {row[1]: row for row in rows if row[3:]}
    return Compared(
        pairs=[(row[0], row[1], row[2]) for row in rows],
        texts={
            one: CandidateText(**dict(zip(_SHOWN, row[5:], strict=True)))
            for one, row in firsts.items()
        },
        answered={one: (row[3], row[4]) for one, row in firsts.items()},
    )


def forums_by_size(session: Session, model_id: int) -> list[tuple[int, int]]:
    """Return each forum that has vectors of a model with their number, the largest first."""
    count = func.count().label("count")
    found = session.execute(
        select(Embedding.forum_id, count)
        .where(Embedding.model_id == model_id)
        .group_by(Embedding.forum_id)
        .order_by(count.desc())
    )
    return [(row[0], row[1]) for row in found]


def forget(session: Session) -> None:
    """Forget the changes that were old at the last call.

    A process that has not read them must read all vectors again.
    """
    session.execute(
        update(VectorHead)
        .where(VectorHead.floor != VectorHead.version)
        .values(floor=VectorHead.marked, marked=VectorHead.version)
    )
    old = select(VectorHead.floor).where(
        VectorHead.model_id == VectorChange.model_id, VectorHead.forum_id == VectorChange.forum_id
    )
    session.execute(
        delete(VectorChange).where(VectorChange.version <= func.coalesce(old.scalar_subquery(), 0))
    )
