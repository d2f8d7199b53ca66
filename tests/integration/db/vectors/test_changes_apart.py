"""What is read for the memory of one forum holds nothing of another."""

from typing import Any, ClassVar

import numpy as np
from sqlalchemy.orm import Session

from db.vectors import changes
from tests.integration.db.two_forums import Calls, Side, TwoForums

_VECTOR = np.array([1, 0, 0, 0], np.float32)


def _read(session: Session, own: Side) -> list[Any]:
    rows: list[Any] = []
    changes.read_all(
        session, own.bi_encoder, own.id, lambda ids, vectors: rows.append((ids, vectors))
    )
    return rows


class TestTwoForums(TwoForums):
    module = changes
    calls: ClassVar[Calls] = {
        "version": lambda session, own: changes.version(session, own.bi_encoder.id, own.id),
        "since": lambda session, own: changes.since(session, own.bi_encoder, own.id, 0),
        "visible_ids": lambda session, own: changes.visible_ids(session, own.bi_encoder, own.id),
        "read_all": _read,
        "vectors": lambda session, own: changes.vectors(
            session, own.bi_encoder, own.id, own.questions
        ),
        "exact": lambda session, own: changes.exact(
            session, own.bi_encoder, own.id, asked=own.questions, others=own.questions[::-1]
        ),
        "exact_to_vector": lambda session, own: changes.exact_to_vector(
            session, own.bi_encoder, own.id, _VECTOR, own.questions
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"forget", "forums_by_size"})
