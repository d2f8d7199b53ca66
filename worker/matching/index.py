"""The vectors of one forum in memory, searched in int8. Pure.

A vector takes one byte for each number, and its cosine is inexact by about 0.0005. So the caller
compares the results again with the stored vectors. Up to `EXACT` vectors all are compared. Of more,
only those in the clusters with the nearest centres are compared (an inverted file, as in Jégou et
al., "Product quantization for nearest neighbor search", section IV). The vectors that were added
last are always compared.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from threading import Lock, RLock
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from worker.matching.clusters import SAMPLE, Clusters, Floats

Ids = NDArray[np.int64]
_Method = TypeVar("_Method", bound=Callable[..., Any])

EXACT = 20_000
"""Up to so many vectors each is compared."""
COMPARED, COMPARED_SHARE = 4_000, 0.04
"""Of more vectors about so many are compared, and this share of all."""
_CLUSTERS = 4
"""Clusters, as a multiple of the root of the vectors' number."""
_FEW = 12
"""Up to so many questions are compared one by one: few of them search the same clusters.

Among 180,000 vectors a question of eight takes 2.7 ms of processor time by this and 3.2 ms cluster
by cluster, and one of two 3.2 ms instead of 4.3 ms with all clusters of both.
"""
_SLAB = 2_048
_PIECE = 65_536
"""Rows that are moved at a time."""
_FIRST_TAIL = 64
_LEAST_TAIL = 2_048
"""The tail, the vectors added last, is put into the clusters when it has more than this."""
_TAIL_SHARE = 0.02
_GROWN = 4
_LARGEST = 127
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""An id times this gives a pseudorandom number (D. Knuth, TAOCP 3, section 6.4)."""


@dataclass(frozen=True, slots=True)
class Found:
    """Near vectors: rows of *asked*, ids, and approximate cosines, (n,) each."""

    asked: NDArray[np.int64]
    ids: Ids
    cosines: Floats

    def take(self, which: NDArray[np.bool_]) -> "Found":
        """Return some of the vectors, in the order of *which*."""
        return Found(self.asked[which], self.ids[which], self.cosines[which])


@dataclass(slots=True)
class _Rows:
    """Vectors in int8, the step of each, and their ids; a row with a step of 0 is empty."""

    ids: Ids
    codes: NDArray[np.int8]  # (n, dimension)
    steps: Floats  # (n,)

    @classmethod
    def empty(cls, size: int, dimension: int) -> "_Rows":
        return cls(
            np.zeros(size, np.int64),
            np.zeros((size, dimension), np.int8),
            np.zeros(size, np.float32),
        )

    def take(self, which: Any) -> "_Rows":
        return _Rows(self.ids[which], self.codes[which], self.steps[which])

    def put(self, which: Any, rows: "_Rows") -> None:
        self.ids[which], self.codes[which], self.steps[which] = rows.ids, rows.codes, rows.steps

    def write(self, at: slice, ids: Ids, vectors: NDArray[Any]) -> None:
        values = np.asarray(vectors, np.float32)
        steps = np.maximum(np.abs(values).max(axis=1), 1e-12) / _LARGEST
        self.ids[at], self.steps[at] = ids, steps
        self.codes[at] = np.rint(values / steps[:, None])

    def floats(self, which: Any) -> Floats:
        values: Floats = self.codes[which].astype(np.float32)
        values *= self.steps[which][:, None]
        return values

    def erase(self, place: int) -> None:
        self.codes[place], self.steps[place] = 0, 0


def _alone(method: _Method) -> _Method:
    """Make *method* hold the lock of its index."""

    @wraps(method)
    def locked(self: "VectorIndex", *given: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *given, **named)

    return cast("_Method", locked)


class VectorIndex:
    """The vectors of one forum; safe for several threads."""

    def __init__(self, dimension: int) -> None:
        self.lock = RLock()
        self._settling = Lock()
        self._dimension = dimension
        self._base = _Rows.empty(0, dimension)
        self._order = np.zeros(0, np.int64)
        """Rows of the base in the order of their ids."""
        self._in_base = 0
        """Number of rows of the base that are not dropped."""
        self._clusters: Clusters | None = None
        self._trained_on = 0
        self._starts = np.zeros(1, np.int64)
        self._tail = _Rows.empty(_FIRST_TAIL, dimension)
        self._in_tail: dict[int, int] = {}
        self._used = 0

    def __len__(self) -> int:
        return self._in_base + len(self._in_tail)

    @property
    def nbytes(self) -> int:
        """Return the bytes of memory that the vectors take, without small parts."""
        rows = len(self._base.ids) + len(self._tail.ids)
        centres = 0 if self._clusters is None else self._clusters.centres.nbytes
        return rows * (self._dimension + 20) + centres

    @_alone
    def put(self, ids: Ids, vectors: NDArray[Any]) -> None:
        """Add unit *vectors*, (n, dimension); they replace those with the same ids."""
        self.drop(ids.tolist())
        self.add(ids, vectors)

    @_alone
    def add(self, ids: Ids, vectors: NDArray[Any]) -> None:
        """Add unit *vectors*, (n, dimension), with new ids."""
        needed = self._used + len(ids)
        if needed > len(self._tail.ids):
            larger = _Rows.empty(max(needed, 2 * len(self._tail.ids)), self._dimension)
            held = slice(0, self._used)
            larger.put(held, self._tail.take(held))
            self._tail = larger
        self._tail.write(slice(self._used, needed), ids, vectors)
        self._in_tail.update(zip(ids.tolist(), range(self._used, needed), strict=True))
        self._used = needed

    @_alone
    def drop(self, ids: Iterable[int]) -> None:
        """Remove vectors; their bytes are overwritten."""
        gone = np.array(list(ids), dtype=np.int64)
        for one, in_base in zip(gone.tolist(), self._places(gone).tolist(), strict=True):
            in_tail = self._in_tail.pop(one, None)
            if in_tail is not None:
                self._tail.erase(in_tail)
            elif in_base >= 0 and self._base.steps[in_base] > 0:
                self._base.erase(in_base)
                self._in_base -= 1

    @_alone
    def vectors(self, ids: Ids) -> Floats:
        """Return the vectors with these ids, (n, dimension); zeros for ids that are not there."""
        found = np.zeros((len(ids), self._dimension), np.float32)
        in_tail = np.array([self._in_tail.get(one, -1) for one in ids.tolist()], dtype=np.int64)
        in_base = np.where(in_tail < 0, self._places(ids), -1)
        for rows, places in ((self._tail, in_tail), (self._base, in_base)):
            is_there = places >= 0  # the others may have been dropped meanwhile
            found[is_there] = rows.floats(places[is_there])
        return found

    @_alone
    def sample(self, count: int) -> tuple[Ids, Floats]:
        """Return the ids and vectors of *count* questions at most, (m,) and (m, dimension)."""
        tail = self._tail.take(slice(0, self._used))
        ids = np.concatenate([part.ids[part.steps > 0] for part in (self._base, tail)])
        chosen = sampled(ids, count)
        return chosen, self.vectors(chosen)

    def _places(self, ids: Ids) -> NDArray[np.int64]:
        """Return the rows of these ids in the base, (n,); -1 for ids that are not there."""
        if not len(self._order):
            return np.full(len(ids), -1, np.int64)
        at = np.searchsorted(self._base.ids, ids, sorter=self._order)
        places = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where(self._base.ids[places] == ids, places, -1)

    @property
    def is_due(self) -> bool:
        """Return whether the tail is so large that it should be put into the clusters."""
        enough = max(_LEAST_TAIL, _TAIL_SHARE * len(self._base.ids))
        return self._used > enough and not self._settling.locked()

    def settle(self, *, at_once: bool = False) -> None:
        """Put the tail into the clusters if it is large enough, or *at_once*.

        Other threads may search and change the index meanwhile; they only wait while rows are
        moved.
        """
        if at_once or self.is_due:
            with self._settling:
                clusters, trained_on, of, used = self._planned()
                with self.lock:
                    self._move(of, used, count=1 if clusters is None else len(clusters))
                    self._clusters, self._trained_on = clusters, trained_on

    def _planned(self) -> tuple[Clusters | None, int, NDArray[np.int64], int]:
        """Return clusters, the number they were made for, each row's cluster, and the tail's rows.

        The rows are those of the base and the tail. They keep their places meanwhile.
        """
        with self.lock:
            base, tail, used, live = self._base, self._tail, self._used, len(self)
        clusters, trained_on = self._clusters, self._trained_on
        if live <= EXACT:
            clusters, trained_on = None, 0
        elif clusters is None or live > _GROWN * trained_on:
            sample = _drawn(base, tail, used, math.ceil(_CLUSTERS * math.sqrt(live)) * SAMPLE)
            clusters, trained_on = Clusters.of(sample), live
        if clusters is self._clusters:
            of = np.repeat(np.arange(len(self._starts) - 1), np.diff(self._starts))
        else:
            of = _clusters_of(base, len(base.ids), clusters)
        return clusters, trained_on, np.concatenate((of, _clusters_of(tail, used, clusters))), used

    def _move(self, of: NDArray[np.int64], used: int, *, count: int) -> None:
        """Put the first *used* rows of the tail into the base; *of* has each row's cluster."""
        base, tail = self._base, self._tail
        kept = np.flatnonzero(np.concatenate((base.steps, tail.steps[:used])) > 0)
        of = of[kept]
        self._base = _gathered(base, tail, kept[np.argsort(of, kind="stable")])
        self._in_base = len(kept)
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=count))))
        self._order = np.argsort(self._base.ids, kind="stable")
        self._tail = tail.take(np.arange(used, self._used))
        self._in_tail = {one: at - used for one, at in self._in_tail.items() if at >= used}
        self._used -= used

    @_alone
    def search(self, asked: Floats, *, floor: float, limit: int) -> Found:
        """Return the vectors near each of *asked*, (m, dimension) of unit length.

        For each they are the nearest, at most *limit*, with a cosine of at least *floor*.
        """
        found = [
            *self._in_clusters(asked, floor),
            *self._in_slabs(self._tail, 0, self._used, asked, floor),
        ]
        if not found:
            return Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        which, ids, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((ids, -cosines, which))
        firsts = np.searchsorted(which[order], which[order])
        best = order[np.arange(len(order)) - firsts < limit]
        return Found(which[best], ids[best], cosines[best])

    def _in_clusters(self, asked: Floats, floor: float) -> list["_Hits"]:
        if self._clusters is None:
            return self._in_slabs(self._base, 0, len(self._base.ids), asked, floor)
        wanted = self._wanted(asked, self._clusters)
        found: list[_Hits] = []
        if len(asked) <= _FEW:
            for one in range(len(asked)):
                rows, who = self._base.take(self._rows_of(wanted[one])), np.array([one])
                found += self._in_slabs(rows, 0, len(rows.ids), asked[who], floor, who=who)
            return found
        for cluster in np.flatnonzero(wanted.any(axis=0)).tolist():
            who = np.flatnonzero(wanted[:, cluster])
            start, end = self._starts[cluster : cluster + 2].tolist()
            found += self._in_slabs(self._base, start, end, asked[who], floor, who=who)
        return found

    def _wanted(self, asked: Floats, clusters: Clusters) -> NDArray[np.bool_]:
        """Return whether each cluster is searched for each of *asked*, (m, k)."""
        count = max(1, len(self._base.ids))
        share = COMPARED / count + COMPARED_SHARE
        probes = min(len(clusters), math.ceil(share * len(clusters)))
        near = asked @ clusters.centres.T  # (m, k)
        chosen = np.argpartition(-near, probes - 1, axis=1)[:, :probes]
        wanted = np.zeros(near.shape, dtype=bool)
        np.put_along_axis(wanted, chosen, values=True, axis=1)
        return wanted

    def _rows_of(self, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows of the base that are in the *wanted* clusters, (k,), in their order."""
        clusters = np.flatnonzero(wanted)
        starts, sizes = self._starts[clusters], self._starts[clusters + 1] - self._starts[clusters]
        before = np.cumsum(sizes) - sizes
        return np.repeat(starts - before, sizes) + np.arange(sizes.sum())

    def _in_slabs(
        self,
        rows: _Rows,
        start: int,
        end: int,
        asked: Floats,
        floor: float,
        *,
        who: NDArray[np.int64] | None = None,
    ) -> list["_Hits"]:
        found: list[_Hits] = []
        for at in range(start, end, _SLAB):
            part = slice(at, min(at + _SLAB, end))
            cosines = rows.codes[part].astype(np.float32) @ asked.T  # (rows, m)
            cosines *= rows.steps[part][:, None]
            flat = np.flatnonzero(cosines >= floor)
            if floor <= 0:  # a row that was dropped has a cosine of 0 to everything
                flat = flat[rows.steps[part][flat // len(asked)] > 0]
            if len(flat):
                places, which = np.divmod(flat, len(asked))
                found.append(
                    (
                        which if who is None else who[which],
                        rows.ids[part][places],
                        cosines.ravel()[flat],
                    )
                )
        return found


_Hits = tuple[NDArray[np.int64], Ids, Floats]


def sampled(ids: Ids, count: int) -> Ids:
    """Return *count* of *ids* at most; every process with the same ids chooses the same."""
    return ids[np.argsort(ids.astype(np.uint64) * _SPREAD, kind="stable")[:count]]


def _drawn(base: _Rows, tail: _Rows, used: int, count: int, *, seed: int = 7) -> Floats:
    """Return *count* vectors at most of the base and the tail, drawn at random, (m, dimension)."""
    places = np.flatnonzero(np.concatenate((base.steps, tail.steps[:used])) > 0)
    chosen = np.random.default_rng(seed).permutation(places)[:count]
    rows = _gathered(base, tail, chosen)
    return rows.floats(slice(None))


def _clusters_of(rows: _Rows, count: int, clusters: Clusters | None) -> NDArray[np.int64]:
    """Return the cluster of each of the first *count* rows, (count,); without clusters all 0."""
    if clusters is None:
        return np.zeros(count, np.int64)
    parts = [slice(at, min(at + _SLAB, count)) for at in range(0, count, _SLAB)]
    found = [clusters.nearest(rows.floats(part)) for part in parts]
    return np.concatenate((np.zeros(0, np.int64), *found))


def _gathered(first: _Rows, second: _Rows, places: NDArray[np.int64]) -> _Rows:
    """Return the rows at *places* of both, as if the second came after the first."""
    found = _Rows.empty(len(places), first.codes.shape[1])
    for at in range(0, len(places), _PIECE):
        part = places[at : at + _PIECE]
        is_first = part < len(first.ids)
        here = np.arange(at, at + len(part))
        found.put(here[is_first], first.take(part[is_first]))
        found.put(here[~is_first], second.take(part[~is_first] - len(first.ids)))
    return found
