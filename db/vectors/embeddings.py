"""Vectors: a partition and an HNSW index for each model, searched within one forum.

An approximate index with a filter on top returns too few rows without an error (pgvector's README,
"Filtering"). So small forums are searched exactly, which is faster and complete, and large ones by
iterative scans. Both settings are set for each transaction; a test reads them back.
"""

import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, bindparam, func, select, text
from sqlalchemy.orm import Session, aliased

from db.engine import copy, run_alone
from db.rows import WHOLE_FORUM, QuestionText, SearchScope, Within
from db.tables.questions import Embedding, Question
from db.vectors import partitions
from db.vectors.rows import Candidate, ModelRow, NewEmbedding

EXACT_LIMIT = 10_000
"""Up to so many vectors in a forum an exact scan is quicker than the index; see bench/search.py."""
EF_SEARCH = 200
_MAX_SCAN_TUPLES = 40_000


_INCOMING = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_vectors (
        question_id bigint, forum_id bigint, text_digest bytea, vector halfvec
    ) ON COMMIT DELETE ROWS
"""
# By the primary key, without a join, which the planner could turn into a scan of the whole table.
_STORE = """
    INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)
    SELECT :model, q.id, q.forum_id, q.visible, i.text_digest, i.vector
    FROM incoming_vectors AS i CROSS JOIN LATERAL (
        SELECT id, forum_id, visible FROM questions
        WHERE id = i.question_id AND forum_id + 0 = i.forum_id OFFSET 0
    ) AS q
    ORDER BY q.id
    ON CONFLICT (model_id, question_id) DO UPDATE SET
        visible = excluded.visible, text_digest = excluded.text_digest, vector = excluded.vector
"""
# The row is locked as it stands now: if somebody is changing it, this waits, and looks again.
_STORE_UNCHANGED = """
    INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)
    SELECT %(model)s, q.id, q.forum_id, q.visible, given.text_digest, given.vector::halfvec
    FROM unnest(
        %(ids)s::bigint[], %(forums)s::bigint[], %(digests)s::bytea[], %(vectors)s::text[],
        %(versions)s::integer[]
    ) AS given (question_id, forum_id, text_digest, vector, text_version)
    CROSS JOIN LATERAL (
        SELECT id, forum_id, visible FROM questions
        WHERE id = given.question_id AND forum_id + 0 = given.forum_id
            AND text_version = given.text_version
        FOR SHARE
    ) AS q
    ON CONFLICT (model_id, question_id) DO UPDATE SET
        visible = excluded.visible, text_digest = excluded.text_digest, vector = excluded.vector
    RETURNING question_id
"""
FEW = 8
"""Up to so many vectors `save_unchanged` is quicker than `save`, which needs a temporary table."""
_COPY_HEAD, _COPY_TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def save(session: Session, model_id: int, rows: Sequence[NewEmbedding]) -> None:
    """Write the vectors, replacing older ones of the same questions.

    Whether a question is in the search is read from the question itself, as it stands now: lock it
    first (`questions.lock_unchanged`), or hiding it may come in between. Many are written by binary
    COPY: as text, writing them took as long as computing them.
    """
    if not rows:
        return
    session.execute(text(_INCOMING))
    packed = io.BytesIO(b"".join((_COPY_HEAD, *map(_packed, rows), _COPY_TAIL)))
    copy(session.connection(), "COPY incoming_vectors FROM STDIN WITH (FORMAT binary)", packed)
    session.execute(text(_STORE), {"model": model_id})
    session.execute(text("DELETE FROM incoming_vectors"))


def save_unchanged(
    session: Session, model_id: int, rows: Sequence[NewEmbedding], versions: Mapping[int, int]
) -> set[int]:
    """Write the vectors of a few questions whose text is unchanged, and return their ids.

    It is one statement: these questions are locked until its transaction ends, so they can neither
    be edited nor hidden meanwhile. *versions* has the version of each text that was embedded.
    """
    ordered = sorted(rows, key=lambda row: row.question_id)  # locked in one order everywhere
    given = {
        "model": model_id,
        "ids": [row.question_id for row in ordered],
        "forums": [row.forum_id for row in ordered],
        "digests": [row.text_digest for row in ordered],
        "vectors": [_literal(row.vector) for row in ordered],
        "versions": [versions[row.question_id] for row in ordered],
    }
    return {question_id for (question_id,) in run_alone(session, _STORE_UNCHANGED, given)}


def _literal(vector: NDArray[np.float32]) -> str:
    halves = np.asarray(vector).astype(np.float16).tolist()
    return f"[{','.join(map(repr, halves))}]"


def _packed(row: NewEmbedding) -> bytes:
    """Return a row for binary COPY: the number of fields, then each with its length, big-endian."""
    vector = np.asarray(row.vector).astype(">f2")
    fields = (
        struct.pack(">q", row.question_id),
        struct.pack(">q", row.forum_id),
        row.text_digest,
        struct.pack(">hh", len(vector), 0) + vector.tobytes(),
    )
    sized = (struct.pack(">i", len(field)) + field for field in fields)
    return struct.pack(">h", len(fields)) + b"".join(sized)


def count_vectors(session: Session, model_id: int, forum_id: int, *, cap: int) -> int:
    """Return how many vectors of a model a forum has, counted up to *cap*."""
    some = (
        select(Embedding.question_id)
        .where(Embedding.model_id == model_id, Embedding.forum_id == forum_id)
        .limit(cap)
        .subquery()
    )
    return session.execute(select(func.count()).select_from(some)).scalar_one()


_ASKED = """
    asked AS MATERIALIZED (
        SELECT question_id, vector::halfvec({dimension}) AS vector FROM embeddings
        WHERE model_id = {model} AND question_id IN :ids
    )"""
_ASKED_ONE = (
    "asked AS (SELECT 0::bigint AS question_id, CAST(:vector AS halfvec({dimension})) AS vector)"
)
_POOL = """
    pool AS MATERIALIZED (
        SELECT question_id, vector::halfvec({dimension}) AS vector FROM embeddings
        WHERE model_id = {model} AND forum_id = :forum AND visible
    ),"""
_EXACT = """
    SELECT asked.question_id, near.id, near.distance FROM asked CROSS JOIN LATERAL (
        SELECT pool.question_id AS id, pool.vector <=> asked.vector AS distance
        FROM pool WHERE pool.question_id <> asked.question_id
        ORDER BY distance LIMIT :limit
    ) near"""
_INDEXED = """
    SELECT asked.question_id, near.id, near.distance FROM asked CROSS JOIN LATERAL (
        SELECT e.question_id AS id, e.vector::halfvec({dimension}) <=> asked.vector AS distance
        FROM embeddings e
        WHERE e.model_id = {model} AND e.forum_id = :forum AND e.visible
          AND e.question_id <> asked.question_id
        ORDER BY e.vector::halfvec({dimension}) <=> asked.vector LIMIT :limit
    ) near"""


# Within a scope the questions are joined to their vectors: the filter is part of the scan, which
# continues until enough are found.
_SCOPED_POOL = """
    pool AS MATERIALIZED (
        SELECT e.question_id, e.vector::halfvec({dimension}) AS vector, q.category, q.author
        FROM embeddings e JOIN questions q ON q.id = e.question_id
        WHERE e.model_id = {model} AND e.forum_id = :forum AND e.visible AND {recent}
    ),"""
_SCOPED_EXACT = """
    SELECT asked.question_id, near.id, near.distance
    FROM asked LEFT JOIN questions own ON own.id = asked.question_id CROSS JOIN LATERAL (
        SELECT pool.question_id AS id, pool.vector <=> asked.vector AS distance
        FROM pool WHERE pool.question_id <> asked.question_id AND {alike}
        ORDER BY distance LIMIT :limit
    ) near"""
_SCOPED_INDEXED = """
    SELECT asked.question_id, near.id, near.distance
    FROM asked LEFT JOIN questions own ON own.id = asked.question_id CROSS JOIN LATERAL (
        SELECT e.question_id AS id, e.vector::halfvec({dimension}) <=> asked.vector AS distance
        FROM embeddings e JOIN questions q ON q.id = e.question_id
        WHERE e.model_id = {model} AND e.forum_id = :forum AND e.visible
          AND e.question_id <> asked.question_id AND {recent} AND {alike}
        ORDER BY e.vector::halfvec({dimension}) <=> asked.vector LIMIT :limit
    ) near"""
_RECENT = "coalesce(q.asked_at, q.created_at) > now() - make_interval(days => {days:d})"
_ALIKE = {
    Within.FORUM: "true",
    Within.CATEGORY: "(own.category IS NULL OR {of}.category = own.category)",
    Within.AUTHOR: "(own.author IS NULL OR {of}.author = own.author)",
}


def _template(scope: SearchScope, *, asked: str, exact: bool) -> str:
    if scope.is_whole:
        return f"WITH {_POOL if exact else ''} {asked} {_EXACT if exact else _INDEXED}"
    search = _SCOPED_EXACT if exact else _SCOPED_INDEXED
    recent = "true" if scope.days is None else _RECENT.format(days=scope.days)
    alike = _ALIKE[scope.within].format(of="pool" if exact else "q")
    found = f"WITH {_SCOPED_POOL if exact else ''} {asked} {search}"
    return found.replace("{recent}", recent).replace("{alike}", alike)


def tune(session: Session) -> None:
    """Set how thoroughly the index is searched in this transaction."""
    _set(
        session,
        {
            "hnsw.ef_search": str(EF_SEARCH),
            "hnsw.iterative_scan": "strict_order",
            "hnsw.max_scan_tuples": str(_MAX_SCAN_TUPLES),
        },
    )


def _steer(session: Session, *, by_index: bool) -> None:
    # Before the first ANALYZE the planner thinks that sorting a forum is cheaper than the index.
    other = "off" if by_index else "on"
    _set(session, dict.fromkeys(("enable_sort", "enable_seqscan", "enable_bitmapscan"), other))


def _set(session: Session, settings: Mapping[str, str]) -> None:
    session.execute(select(*(func.set_config(*one, True) for one in settings.items())))


def nearest(
    session: Session,
    model: ModelRow,
    forum_id: int,
    ids: Sequence[int],
    *,
    limit: int,
    scope: SearchScope = WHOLE_FORUM,
) -> dict[int, list[Candidate]]:
    """Return for each stored question the nearest visible questions of its forum, nearest first.

    Only vectors of the same model are compared. Filter by cosine outside: inside the index scan a
    floor would make the scan read the whole index.
    """
    found = _search(
        session,
        model,
        forum_id,
        asked=_ASKED,
        parameters={"ids": tuple(ids)},
        limit=limit,
        scope=scope,
    )
    return {question_id: found.get(question_id, []) for question_id in ids}


def nearest_to_vector(
    session: Session,
    model: ModelRow,
    forum_id: int,
    vector: NDArray[np.float32],
    *,
    limit: int,
    scope: SearchScope = WHOLE_FORUM,
) -> list[Candidate]:
    """Return the visible questions of a forum nearest to a vector, (dimension,) float32."""
    literal = "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"
    found = _search(
        session,
        model,
        forum_id,
        asked=_ASKED_ONE,
        parameters={"vector": literal},
        limit=limit,
        scope=scope,
    )
    return found.get(0, [])


def _search(
    session: Session,
    model: ModelRow,
    forum_id: int,
    *,
    asked: str,
    parameters: Mapping[str, object],
    limit: int,
    exact: bool | None = None,
    scope: SearchScope = WHOLE_FORUM,
) -> dict[int, list[Candidate]]:
    if exact is None:
        few = count_vectors(session, model.id, forum_id, cap=EXACT_LIMIT + 1) <= EXACT_LIMIT
        exact = few or not partitions.is_valid(session, model.id)
    tune(session)
    _steer(session, by_index=not exact)
    template = _template(scope, asked=asked, exact=exact)
    statement = text(template.format(dimension=int(model.dimension or 0), model=int(model.id)))
    if "ids" in parameters:
        statement = statement.bindparams(bindparam("ids", expanding=True))
    rows = session.execute(statement, {**parameters, "forum": forum_id, "limit": limit}).all()
    _steer(session, by_index=False)
    found: dict[int, list[Candidate]] = {}
    for question_id, candidate_id, distance in rows:
        found.setdefault(question_id, []).append(Candidate(id=candidate_id, cosine=1.0 - distance))
    return found


def cosines(
    session: Session, model_id: int, question_id: int, others: Iterable[int]
) -> list[Candidate]:
    """Return the cosines between one question and the given ones that have vectors."""
    own, other = aliased(Embedding), aliased(Embedding)
    found = session.execute(
        select(other.question_id, own.vector.cosine_distance(other.vector))
        .join(other, other.model_id == own.model_id)
        .where(
            own.model_id == model_id,
            own.question_id == question_id,
            other.question_id.in_(set(others)),
        )
    )
    return [Candidate(id=row[0], cosine=1.0 - row[1]) for row in found]


def measure_recall(session: Session, model: ModelRow, *, sample: int, top: int) -> float | None:
    """Return the share, 0 to 1, of the exact *top* nearest questions that the index also finds.

    Measured on *sample* questions of the largest forum; None if no forum is searched by index.
    """
    if not partitions.is_valid(session, model.id):
        return None
    forum_id = session.execute(
        select(Embedding.forum_id)
        .where(Embedding.model_id == model.id)
        .group_by(Embedding.forum_id)
        .having(func.count() > EXACT_LIMIT)
        .order_by(func.count().desc())
        .limit(1)
    ).scalar_one_or_none()
    if forum_id is None:
        return None
    chosen = session.execute(
        select(Embedding.question_id)
        .where(Embedding.model_id == model.id, Embedding.forum_id == forum_id)
        .order_by(func.random())
        .limit(sample)
    )
    ids = list(chosen.scalars())
    exact, indexed = (
        _search(
            session,
            model,
            forum_id,
            asked=_ASKED,
            parameters={"ids": tuple(ids)},
            limit=top,
            exact=is_exact,
        )
        for is_exact in (True, False)
    )
    hits = sum(
        len({c.id for c in exact.get(one, [])} & {c.id for c in indexed.get(one, [])})
        for one in ids
    )
    return hits / max(sum(len(found) for found in exact.values()), 1)


def unembedded(session: Session, model_id: int, *, after: int, limit: int) -> list[QuestionText]:
    """Return questions above id *after* without a vector of this model for their present text."""
    columns = [getattr(Question, name) for name in QuestionText.__dataclass_fields__]
    found = session.execute(
        _unembedded(select(*columns), model_id)
        .where(Question.id > after)
        .order_by(Question.id)
        .limit(limit)
    )
    return [QuestionText(**row) for row in found.mappings()]


def count_unembedded(session: Session, model_id: int) -> int:
    """Return how many questions have no vector of this model for their present text."""
    statement = select(func.count()).select_from(Question)
    return int(session.execute(_unembedded(statement, model_id)).scalar_one())


def _unembedded(statement: Select[Any], model_id: int) -> Select[Any]:
    of_model = and_(Embedding.question_id == Question.id, Embedding.model_id == model_id)
    return statement.outerjoin(Embedding, of_model).where(
        Embedding.text_digest.is_distinct_from(Question.text_digest)
    )
