"""Finds the nearest stored questions in this process' memory, or in Postgres if they do not fit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.engine import Sessions
from db.rows import CandidateText
from db.tenants.rows import ForumRow
from db.vectors import changes, embeddings
from db.vectors.rows import Candidate, ModelRow
from worker.matching.index import Found, VectorIndex
from worker.matching.matcher import Matcher
from worker.matching.memory import VectorMemory, Vectors
from worker.matching.near import Near
from worker.scoring.fusion import Floats
from worker.scoring.gate import Screen, gate_scores

NO_VECTORS: Vectors = {}
_FEW = 8
"""The candidates' texts of up to so many questions are read together with their cosines."""
_SLACK = 0.005
"""The largest error of a cosine in memory that is allowed for: several times the measured one."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Candidates by question, and what was read together with them.

    *texts* and *answered* are by candidate. Those that Postgres has found are not there.
    """

    near: dict[int, list[Candidate]]
    texts: Mapping[int, CandidateText] = field(default_factory=dict)
    answered: Mapping[int, tuple[int | None, bool | None]] = field(default_factory=dict)


class Searcher:
    """Searches the questions of a forum by the vectors of one model."""

    def __init__(
        self,
        memory: VectorMemory,
        model: ModelRow,
        *,
        limit: int,
        sessions: Sessions | None = None,
    ) -> None:
        """Take *sessions* if those of the callers have a transaction for each statement."""
        self._memory = memory
        self._model = model
        self._limit = limit
        self._sessions = sessions

    def index(self, session: Session, forum: ForumRow) -> VectorIndex | None:
        """Return the forum's vectors as they are committed now; None if Postgres has to search.

        In a smaller scope Postgres searches, because the memory has no categories.
        """
        if not forum.scope.is_whole:
            return None
        return self._memory.fresh(session, self._model, forum.id)

    @contextmanager
    def _transaction(self, session: Session) -> Iterator[Session]:
        """Yield a session whose settings stay until its transaction ends."""
        if self._sessions is None:
            yield session
        else:
            with self._sessions.begin() as own:
                yield own

    def nearest(
        self,
        session: Session,
        forum: ForumRow,
        ids: Sequence[int],
        *,
        matcher: Matcher,
        vectors: Vectors = NO_VECTORS,
    ) -> Nearest:
        """Return each stored question's visible candidates that passed the screen, nearest first.

        Every vector that was committed before is searched, and no question that is hidden or
        erased. *vectors* may have stored vectors that are known already.
        """
        index = self.index(session, forum) if ids else None
        if index is None:
            with self._transaction(session) as own:
                near = embeddings.nearest(
                    own, self._model, forum.id, ids, limit=self._limit, scope=forum.scope
                )
            return Nearest({one: _from(matcher.floor, found) for one, found in near.items()})
        known, asked = self._asked(session, forum.id, ids, vectors)
        screen = matcher.screen(with_gate=True)
        found = index.search(asked, floor=screen.floor - _SLACK, limit=self._limit + 1)
        found = found.take(known[found.asked] != found.ids)
        found = found.take(_passed(screen, asked, found, index))
        exact = changes.exact(
            session,
            self._model,
            forum.id,
            asked=known[found.asked].tolist(),
            others=found.ids.tolist(),
            with_texts=len(ids) <= _FEW,
        )
        return self._by_asked(exact, ids, screen.floor)

    def _asked(
        self, session: Session, forum_id: int, ids: Sequence[int], vectors: Vectors
    ) -> tuple[NDArray[np.int64], Floats]:
        """Return the ids of the questions that have a vector, (n,), and the vectors, (n, dim)."""
        given = [one for one in ids if one in vectors]
        known = np.array(given, dtype=np.int64)
        asked = np.array([vectors[one] for one in given], dtype=np.float32)
        others = [one for one in ids if one not in vectors]
        if not others:
            return known, asked
        stored, halves = changes.vectors(session, self._model, forum_id, others)
        rows = halves.astype(np.float32)
        return np.concatenate((known, stored)), np.concatenate((asked, rows)) if given else rows

    def nearest_to_vector(
        self,
        session: Session,
        forum: ForumRow,
        vector: NDArray[np.float32],
        *,
        index: VectorIndex | None,
        matcher: Matcher,
    ) -> Nearest:
        """Return the visible candidates of a vector, (dimension,), nearest first.

        They have passed the screen. The vector has the number 0. *index* is the one that `index`
        returned.
        """
        if index is None:
            with self._transaction(session) as own:
                stored = embeddings.nearest_to_vector(
                    own, self._model, forum.id, vector, limit=self._limit, scope=forum.scope
                )
            return Nearest({0: _from(matcher.floor, stored)})
        screen = matcher.screen(with_gate=True)
        found = index.search(vector[None], floor=screen.floor - _SLACK, limit=self._limit)
        found = found.take(_passed(screen, vector[None], found, index))
        exact = changes.exact_to_vector(session, self._model, forum.id, vector, found.ids.tolist())
        return self._by_asked(exact, [0], screen.floor)

    def surrounded(
        self, forum: ForumRow, near: Near, *, matcher: Matcher, vectors: Vectors = NO_VECTORS
    ) -> Near:
        """Return the pairs *near*, by id, with the density around them, if the fusion uses it.

        *vectors* may have vectors that are known already, or not stored at all. Density is not
        known in forums that are not searched in memory.
        """
        if not (len(near) and matcher.fusion.density and forum.scope.is_whole):
            return near
        return near.surrounded(
            partial(self._memory.densities, self._model, forum.id, known=vectors)
        )

    def _by_asked(self, found: changes.Compared, ids: Sequence[int], floor: float) -> Nearest:
        near: dict[int, list[Candidate]] = {one: [] for one in ids}
        for asked, other, cosine in sorted(found.pairs, key=lambda pair: (-pair[2], pair[1])):
            if cosine >= floor and len(near[asked]) < self._limit:
                near[asked].append(Candidate(id=other, cosine=cosine))
        return Nearest(near, found.texts, found.answered)


def _passed(
    screen: Screen, asked: NDArray[np.float32], found: Found, index: VectorIndex
) -> NDArray[np.bool_]:
    """Return which of the found vectors pass the gate, (n,); all pass if there is no gate."""
    if screen.gate is None or not len(found.ids):
        return np.ones(len(found.ids), dtype=bool)
    scores = gate_scores(asked[found.asked], index.vectors(found.ids), screen.gate.weights)
    return np.asarray(scores >= screen.gate.bar)


def _from(floor: float, found: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in found if candidate.cosine >= floor]
