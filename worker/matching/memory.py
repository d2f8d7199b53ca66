"""The vectors of forums in this process' memory, brought up to date before every search.

Postgres has the truth: before a search, the changes since the last search are read from Postgres.
So a search finds every vector that was committed before the search began. If a process dies,
nothing is lost: the next process reads a forum again at its first search.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.vectors import changes, embeddings
from db.vectors.rows import ModelRow
from worker.matching.index import Floats, VectorIndex
from worker.scoring.density import SAMPLE, Surroundings

Vectors = Mapping[int, NDArray[np.floating[Any]]]
"""Vectors by question id."""
MIB = 1024**2
MEMORY_BYTES = 512 * MIB
"""Default limit of one process."""
ROW_BYTES = 20
"""Bytes that a vector takes beside its numbers."""
_TOO_LARGE_S = 600.0
_GROWN = 1.1
"""If a forum grows or shrinks by this factor, its surroundings are computed again."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    index: VectorIndex
    version: int
    around: Surroundings | None = None
    around_count: int = 0
    """Number of questions when *around* was computed."""
    around_ids: frozenset[int] = frozenset()
    """Ids of the sample in *around*."""

    def surroundings(self) -> Surroundings | None:
        count = len(self.index)
        if not self.around_count / _GROWN <= count <= self.around_count * _GROWN:
            ids, vectors = self.index.sample(SAMPLE)
            self.around = Surroundings.of(vectors)
            self.around_count, self.around_ids = count, frozenset(ids.tolist())
        return self.around

    def forget(self, changed: Iterable[int]) -> None:
        """Forget the sample if one of its questions has *changed*; erased vectors must not stay."""
        if not self.around_ids.isdisjoint(changed):
            self.around, self.around_count, self.around_ids = None, 0, frozenset()


class VectorMemory:
    """Keeps the vectors of the forums that were searched last, up to *limit_bytes*."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[tuple[int, int], _Held] = OrderedDict()
        self._too_large: dict[tuple[int, int], float] = {}
        self._lock = threading.RLock()

    def largest(self, dimension: int) -> int:
        """Return how many vectors of one forum fit into the memory."""
        return self._limit // (dimension + ROW_BYTES)

    def fresh(self, session: Session, model: ModelRow, forum_id: int) -> VectorIndex | None:
        """Return the forum's vectors as they are committed now; None if they do not fit.

        *session* must not have written vectors itself: they would stay in memory after a rollback.
        """
        key = (model.id, forum_id)
        with self._lock:
            held = self._held.pop(key, None)  # put back when complete: a time limit may interrupt
            if held is None or not self._catch_up(session, model, forum_id, held):
                held = self._load(session, model, forum_id)
            if held is None:
                return None
            self._held[key] = held
            self._make_room(key)
            return held.index

    def densities(
        self, model: ModelRow, forum_id: int, ids: NDArray[np.int64], known: Vectors
    ) -> Floats | None:
        """Return how much denser than usual a forum is around questions, (n,).

        It is NaN for questions whose vector is neither in memory nor *known*, and None if the forum
        is not in memory or too small.
        """
        with self._lock:
            held = self._held.get((model.id, forum_id))
            around = None if held is None else held.surroundings()
        if held is None or around is None:
            return None
        if not around.weight:
            return np.zeros(len(ids), np.float32)
        vectors = held.index.vectors(ids)
        for row, one in enumerate(ids.tolist()):
            if one in known:
                vectors[row] = known[one]
        found = around.around(vectors)
        found[~vectors.any(axis=1)] = np.nan
        return found

    def warm(self, session: Session, model: ModelRow) -> None:
        """Read the largest forums that fit together, so that no question has to wait for this."""
        room = self.largest(model.dimension or 1)
        for forum_id, count in changes.forums_by_size(session, model.id):
            if count <= room and self.fresh(session, model, forum_id) is not None:
                room -= count

    def _catch_up(self, session: Session, model: ModelRow, forum_id: int, held: _Held) -> bool:
        """Bring *held* up to date, and return whether that was possible."""
        news = changes.since(session, model, forum_id, held.version)
        if news is None or len(held.index) + len(news.ids) > self.largest(model.dimension or 1):
            return False
        held.forget([*news.gone, *news.ids.tolist()])
        held.index.drop(news.gone)
        held.index.put(news.ids, news.vectors)
        held.index.settle()
        held.version = news.version
        return True

    def _load(self, session: Session, model: ModelRow, forum_id: int) -> _Held | None:
        if self._is_too_large(session, model, forum_id):
            return None
        begun = time.monotonic()
        # Read before the vectors: a change in between is then read twice, and never missed.
        version = changes.version(session, model.id, forum_id)
        index = VectorIndex(int(model.dimension or 0))
        changes.read_all(session, model, forum_id, index.add)
        index.settle(at_once=True)
        log.info(
            "vectors.loaded",
            forum_id=forum_id,
            vectors=len(index),
            seconds=round(time.monotonic() - begun, 2),
        )
        return _Held(index, version)

    def _is_too_large(self, session: Session, model: ModelRow, forum_id: int) -> bool:
        key, now = (model.id, forum_id), time.monotonic()
        if now - self._too_large.get(key, -_TOO_LARGE_S) < _TOO_LARGE_S:
            return True
        most = self.largest(model.dimension or 1)
        is_larger = embeddings.count_vectors(session, model.id, forum_id, cap=most + 1) > most
        if is_larger:
            self._too_large[key] = now
            log.info("vectors.too_many", forum_id=forum_id, fit=most)
        return is_larger

    def _make_room(self, wanted: tuple[int, int]) -> None:
        while sum(held.index.nbytes for held in self._held.values()) > self._limit:
            oldest = next(iter(self._held))
            if oldest == wanted:
                return
            del self._held[oldest]
