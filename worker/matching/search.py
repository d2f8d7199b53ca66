"""The nearest stored questions, from this process' memory or, where they do not fit, Postgres."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.vectors import changes, embeddings
from db.vectors.rows import Candidate, ModelRow
from worker.matching.memory import VectorMemory

_SLACK = 0.005
"""What a cosine in memory may be off by: several times what was ever measured."""


class Searcher:
    """Searches the questions of a forum by the vectors of one model."""

    def __init__(self, memory: VectorMemory, model: ModelRow, *, limit: int) -> None:
        self._memory = memory
        self._model = model
        self._limit = limit

    def nearest(
        self, session: Session, forum_id: int, ids: Sequence[int], *, floor: float
    ) -> dict[int, list[Candidate]]:
        """Return for each stored question its visible neighbours from *floor* on, nearest first.

        Every vector that was committed before is seen, and no question that is hidden or erased.
        """
        index = self._memory.fresh(session, self._model, forum_id) if ids else None
        if index is None:
            near = embeddings.nearest(session, self._model, forum_id, ids, limit=self._limit)
            return {one: _from(floor, found) for one, found in near.items()}
        asked, vectors = changes.vectors(session, self._model, forum_id, ids)
        found = index.search(
            vectors.astype(np.float32), floor=floor - _SLACK, limit=self._limit + 1
        )
        pairs = [
            (int(asked[place]), other)
            for place, other in zip(found.asked.tolist(), found.ids.tolist(), strict=True)
            if asked[place] != other
        ]
        exact = changes.exact(
            session,
            self._model,
            forum_id,
            asked=[one for one, _ in pairs],
            others=[other for _, other in pairs],
        )
        return self._by_asked(exact, ids, floor)

    def nearest_to_vector(
        self, session: Session, forum_id: int, vector: NDArray[np.float32], *, floor: float
    ) -> list[Candidate]:
        """Return the visible questions from *floor* on to a vector, (dimension,), nearest first."""
        index = self._memory.fresh(session, self._model, forum_id)
        if index is None:
            found = embeddings.nearest_to_vector(
                session, self._model, forum_id, vector, limit=self._limit
            )
            return _from(floor, found)
        near = index.search(vector[None], floor=floor - _SLACK, limit=self._limit)
        exact = changes.exact_to_vector(session, self._model, forum_id, vector, near.ids.tolist())
        return self._by_asked(exact, [0], floor)[0]

    def _by_asked(
        self, pairs: Sequence[tuple[int, int, float]], ids: Sequence[int], floor: float
    ) -> dict[int, list[Candidate]]:
        near: dict[int, list[Candidate]] = {one: [] for one in ids}
        for asked, other, cosine in sorted(pairs, key=lambda pair: (-pair[2], pair[1])):
            if cosine >= floor and len(near[asked]) < self._limit:
                near[asked].append(Candidate(id=other, cosine=cosine))
        return near


def _from(floor: float, found: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in found if candidate.cosine >= floor]
