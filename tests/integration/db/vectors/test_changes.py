"""What a search reads of a forum that was just filled, before Postgres knows how large it is."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from db.vectors import changes, embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from tests.rows.factories import make_forum

FILLED = 2_000
ASKED = 40
_QUESTIONS = """
    INSERT INTO questions (forum_id, external_id, title, text_fields, text_digest, content_digest)
    SELECT :forum, 'm-' || n, 'Question ' || n, 'title', decode(md5('' || n), 'hex'),
        decode(md5('' || n), 'hex')
    FROM generate_series(1, :count) n
"""
_VECTORS = """
    INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)
    SELECT :model, id, forum_id, true, text_digest, '[0.5,1,0.25]'::halfvec
    FROM questions WHERE forum_id = :forum
"""

Read = Callable[[Session, ModelRow, int, list[int]], object]


def _exact(session: Session, model: ModelRow, forum: int, ids: list[int]) -> object:
    return changes.exact(session, model, forum, asked=ids, others=ids[::-1])


def _to_vector(session: Session, model: ModelRow, forum: int, ids: list[int]) -> object:
    return changes.exact_to_vector(session, model, forum, np.ones(3, np.float32), ids)


def _since(session: Session, model: ModelRow, forum: int, ids: list[int]) -> object:
    seen = changes.version(session, model.id, forum)
    _save(session, model, forum, ids)
    return changes.since(session, model, forum, seen)


def _save(session: Session, model: ModelRow, forum: int, ids: list[int]) -> None:
    vector = np.ones(3, np.float32)
    rows = [
        NewEmbedding(question_id=one, forum_id=forum, text_digest=b"x", vector=vector)
        for one in ids
    ]
    embeddings.save(session, model.id, rows)


def _save_unchanged(session: Session, model: ModelRow, forum: int, ids: list[int]) -> None:
    vector = np.ones(3, np.float32)
    rows = [
        NewEmbedding(question_id=one, forum_id=forum, text_digest=b"x", vector=vector)
        for one in ids
    ]
    assert embeddings.save_unchanged(session, model.id, rows, dict.fromkeys(ids, 1)) == set(ids)


def _vectors(session: Session, model: ModelRow, forum: int, ids: list[int]) -> object:
    return changes.vectors(session, model, forum, ids)


@pytest.fixture
def filled(session: Session) -> tuple[ModelRow, int]:
    forum = make_forum(session).id
    model = models.ensure_model(
        session, kind=ModelKind.BI_ENCODER, name="tiny", digest="tiny-1", dimension=3
    )
    partitions.ensure_partition(session, model)
    session.execute(text(_QUESTIONS), {"forum": forum, "count": FILLED})
    session.execute(text(_VECTORS), {"forum": forum, "model": model.id})
    return model, forum


@pytest.mark.parametrize("read", [_exact, _to_vector, _since, _save, _save_unchanged, _vectors])
def test_no_step_of_a_plan_reads_the_whole_forum(
    session: Session, filled: tuple[ModelRow, int], read: Read
) -> None:
    model, forum = filled
    found = session.execute(
        text("SELECT id FROM questions WHERE forum_id = :forum ORDER BY id LIMIT :count"),
        {"forum": forum, "count": ASKED},
    )
    ids = list(found.scalars())
    seen: list[tuple[str, Any]] = []
    event.listen(
        session.connection(),
        "before_cursor_execute",
        lambda _c, _k, said, given, *_: seen.append((said, given)),
    )

    read(session, model, forum, ids)

    done = [
        one
        for one in seen
        if one[0].lstrip().startswith("SELECT") or "INSERT INTO embeddings" in one[0]
    ]
    plans = [_plan(session, *one) for one in done]
    assert plans
    assert max(rows for plan in plans for rows in _rows_of(plan)) <= ASKED


def _plan(session: Session, said: str, given: object) -> dict[str, Any]:
    found = session.connection().exec_driver_sql(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {said}",
        given,  # type: ignore[arg-type]
    )
    plan = found.scalar_one()
    return dict((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _rows_of(plan: dict[str, Any]) -> Iterator[float]:
    yield plan["Actual Rows"]
    for part in plan.get("Plans", ()):
        yield from _rows_of(part)
