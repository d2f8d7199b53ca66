"""A search in one forum finds nothing of another."""

from typing import ClassVar

import numpy as np

from db.vectors import embeddings
from db.vectors.rows import NewEmbedding
from tests.integration.db.two_forums import Calls, TwoForums

_VECTOR = np.array([1, 0, 0, 0], np.float32)


class TestTwoForums(TwoForums):
    module = embeddings
    calls: ClassVar[Calls] = {
        "save": lambda session, own: embeddings.save(
            session,
            own.bi_encoder.id,
            [
                NewEmbedding(
                    question_id=own.question,
                    forum_id=own.id,
                    text_digest=b"new",
                    vector=_VECTOR,
                )
            ],
        ),
        "save_unchanged": lambda session, own: embeddings.save_unchanged(
            session,
            own.bi_encoder.id,
            [
                NewEmbedding(
                    question_id=own.question, forum_id=own.id, text_digest=b"n", vector=_VECTOR
                )
            ],
            {own.question: 1},
        ),
        "count_vectors": lambda session, own: embeddings.count_vectors(
            session, own.bi_encoder.id, own.id, cap=6
        ),
        "nearest": lambda session, own: embeddings.nearest(
            session, own.bi_encoder, own.id, own.questions, limit=99
        ),
        "nearest_to_vector": lambda session, own: embeddings.nearest_to_vector(
            session, own.bi_encoder, own.id, _VECTOR, limit=99
        ),
        "cosines": lambda session, own: embeddings.cosines(
            session, own.bi_encoder.id, own.question, own.questions
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset(
        {"tune", "measure_recall", "unembedded", "count_unembedded"}
    )
