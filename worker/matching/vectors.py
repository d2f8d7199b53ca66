"""Stored questions and their vectors: the text that models read, and saving the vectors."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from db.engine import Sessions, of_single_statements
from db.questions import questions
from db.rows import CandidateText, QuestionText
from db.vectors import embeddings
from db.vectors.rows import NewEmbedding
from worker.inference.encoder import Encoder
from worker.text.normal import Seen, TextFields, seen


def seen_of(row: QuestionText | CandidateText) -> Seen:
    """Return the texts of a stored question that the models read."""
    title = row.title if row.read_title is None else row.read_title
    body = row.body if row.read_body is None else row.read_body
    return seen(title, body, fields=TextFields(row.text_fields))


def embed(
    sessions: Sessions, encoder: Encoder, model_id: int, rows: Sequence[QuestionText]
) -> dict[int, NDArray[np.float16]]:
    """Compute and save the vectors of *rows*; return them in float16 by question id.

    Questions that were erased or edited meanwhile are left out.
    """
    if not rows:
        return {}
    vectors = encoder.encode([seen_of(row).whole for row in rows])
    new = [
        NewEmbedding(
            question_id=row.id, forum_id=row.forum_id, text_digest=row.text_digest, vector=vector
        )
        for row, vector in zip(rows, vectors, strict=True)
    ]
    versions = {row.id: row.text_version for row in rows}
    save = _save_few if len(new) <= embeddings.FEW else _save_many
    alive = save(sessions, model_id, new, versions)
    return {
        row.question_id: row.vector.astype(np.float16) for row in new if row.question_id in alive
    }


def _save_few(
    sessions: Sessions, model_id: int, rows: Sequence[NewEmbedding], versions: Mapping[int, int]
) -> set[int]:
    with of_single_statements(sessions).begin() as session:
        return embeddings.save_unchanged(session, model_id, rows, versions)


def _save_many(
    sessions: Sessions, model_id: int, rows: Sequence[NewEmbedding], versions: Mapping[int, int]
) -> set[int]:
    with sessions.begin() as session:
        alive = questions.lock_unchanged(session, versions)
        embeddings.save(session, model_id, [row for row in rows if row.question_id in alive])
    return alive
