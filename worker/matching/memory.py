"""The vectors of forums in this process' memory, brought up to date before every search.

Postgres has the truth: before a search, the changes since the last search are read from Postgres.
So a search finds every vector that was committed before the search began. If a process dies,
nothing is lost: the next process reads a forum again at its first search. A large forum is read by
a thread, and until it is there, Postgres searches.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.engine import FAILURES, Sessions
from db.vectors import changes, embeddings
from db.vectors.rows import ModelRow
from worker.matching.clusters import Floats
from worker.matching.index import EXACT, VectorIndex, sampled
from worker.scoring.density import SAMPLE, Surroundings

Vectors = Mapping[int, NDArray[np.floating[Any]]]
"""Vectors by question id."""
MIB = 1024**2
MEMORY_BYTES = 512 * MIB
"""Default limit of one process."""
ROW_BYTES = 20
"""Bytes that a vector takes beside its numbers."""
AT_ONCE = 50_000
"""A forum with more vectors is read by a thread; reading so many takes less than a second.

From `EXACT` vectors on, a thread puts them into clusters, which takes seconds.
"""
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


@dataclass(slots=True)
class _Coming:
    """A forum that a thread is reading, with the sample that shows its density."""

    version: int
    ids: frozenset[int]
    around: Surroundings | None

    def forget(self, news: changes.Changes | None) -> None:
        """Forget the sample if one of its questions has changed."""
        if news is None or not self.ids.isdisjoint([*news.gone, *news.ids.tolist()]):
            self.around = None


_Key = tuple[int, int]
"""A model and a forum."""


class VectorMemory:
    """Keeps the vectors of the forums that were searched last, up to *limit_bytes*.

    With *sessions* large forums are read by threads, otherwise by the search that needs them.
    """

    def __init__(self, limit_bytes: int, *, sessions: Sessions | None = None) -> None:
        self._limit = limit_bytes
        self._sessions = sessions
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._coming: dict[_Key, _Coming] = {}
        """The forums that threads are reading."""
        self._too_large: dict[_Key, float] = {}
        self._lock = threading.RLock()
        self._reading = threading.Lock()

    def largest(self, dimension: int) -> int:
        """Return how many vectors of one forum fit into the memory."""
        return self._limit // (dimension + ROW_BYTES)

    def fresh(self, session: Session, model: ModelRow, forum_id: int) -> VectorIndex | None:
        """Return the forum's vectors as they are committed now.

        None if they do not fit, or if a thread still reads them: then Postgres has to search.

        *session* must not have written vectors itself: they would stay in memory after a rollback.
        """
        key = (model.id, forum_id)
        with self._lock:
            if coming := self._coming.get(key):
                coming.forget(changes.since(session, model, forum_id, coming.version))
                return None
            held = self._held.pop(key, None)  # put back when complete: a time limit may interrupt
            if held is None or not self._catch_up(session, model, forum_id, held):
                held = self._load(session, model, forum_id)
            if held is None:
                return None
            self._keep(key, held)
            return held.index

    def densities(
        self, model: ModelRow, forum_id: int, ids: NDArray[np.int64], known: Vectors
    ) -> Floats | None:
        """Return how much denser than usual a forum is around questions, (n,).

        It is NaN for questions whose vector is neither in memory nor *known*, and None if the forum
        is not in memory or too small.
        """
        key = (model.id, forum_id)
        with self._lock:
            held = self._held.get(key)
            coming = self._coming.get(key)
            told = coming.around if coming is not None else None
            around = told if held is None else held.surroundings()
        if around is None:
            return None
        if not around.weight:
            return np.zeros(len(ids), np.float32)
        index = self._stored(model, forum_id, ids) if held is None else held.index
        vectors = index.vectors(ids)
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
            if count > room:
                continue
            index = self.fresh(session, model, forum_id)
            if index is not None or (model.id, forum_id) in self._coming:
                room -= count

    def _catch_up(self, session: Session, model: ModelRow, forum_id: int, held: _Held) -> bool:
        """Bring *held* up to date, and return whether that was possible."""
        news = changes.since(session, model, forum_id, held.version)
        if news is None or len(held.index) + len(news.ids) > self.largest(model.dimension or 1):
            return False
        held.forget([*news.gone, *news.ids.tolist()])
        held.index.drop(news.gone)
        held.index.put(news.ids, news.vectors)
        self._settle(held.index)
        held.version = news.version
        return True

    def _settle(self, index: VectorIndex, *, at_once: bool = False) -> None:
        """Put new vectors into the clusters, in a thread if there are clusters.

        Until then each search compares all of them.
        """
        if self._sessions is None or len(index) <= EXACT:
            index.settle(at_once=at_once)
        elif at_once or index.is_due:
            self._start(partial(index.settle, at_once=at_once))

    @staticmethod
    def _start(work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="vectors", daemon=True).start()

    def _load(self, session: Session, model: ModelRow, forum_id: int) -> _Held | None:
        """Return the forum's vectors; None if they do not fit, or if a thread reads them now."""
        if self._is_too_large(session, model, forum_id):
            return None
        if self._sessions is None or not self._is_large(session, model, forum_id):
            held = self._read(session, model, forum_id)
            self._settle(held.index, at_once=True)
            return held
        version = changes.version(session, model.id, forum_id)
        chosen = sampled(changes.visible_ids(session, model, forum_id), SAMPLE)
        around = Surroundings.of(self._stored(model, forum_id, chosen).vectors(chosen))
        self._coming[model.id, forum_id] = _Coming(version, frozenset(chosen.tolist()), around)
        self._start(partial(self._read_apart, self._sessions, model, forum_id))
        return None

    def _read_apart(self, sessions: Sessions, model: ModelRow, forum_id: int) -> None:
        """Read a large forum; until it settles, each search compares all of its vectors."""
        key = (model.id, forum_id)
        with self._reading:
            try:
                with sessions.begin() as session:
                    held = self._read(session, model, forum_id)
                with self._lock:
                    self._keep(key, held)
            except FAILURES as error:
                log.warning("vectors.not_read", forum_id=forum_id, error=type(error).__name__)
                return
            finally:  # from now on a search may begin again
                with self._lock:
                    del self._coming[key]
            held.index.settle(at_once=True)

    def _stored(self, model: ModelRow, forum_id: int, ids: NDArray[np.int64]) -> VectorIndex:
        """Return these vectors of a forum that is not in memory, as the memory would have them."""
        index = VectorIndex(int(model.dimension or 0))
        if self._sessions is not None:
            with self._sessions.begin() as session:
                index.add(*changes.vectors(session, model, forum_id, ids.tolist()))
        return index

    @staticmethod
    def _read(session: Session, model: ModelRow, forum_id: int) -> _Held:
        begun = time.monotonic()
        # Read before the vectors: a change in between is then read twice, and never missed.
        version = changes.version(session, model.id, forum_id)
        index = VectorIndex(int(model.dimension or 0))
        changes.read_all(session, model, forum_id, index.add)
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

    def _is_large(self, session: Session, model: ModelRow, forum_id: int) -> bool:
        return embeddings.count_vectors(session, model.id, forum_id, cap=AT_ONCE + 1) > AT_ONCE

    def _keep(self, key: _Key, held: _Held) -> None:
        self._held[key] = held
        self._make_room(key)

    def _make_room(self, wanted: _Key) -> None:
        while sum(held.index.nbytes for held in self._held.values()) > self._limit:
            oldest = next(iter(self._held))
            if oldest == wanted:
                return
            del self._held[oldest]
