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
from threading import RLock
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
_Method = TypeVar("_Method", bound=Callable[..., Any])

EXACT = 20_000
"""Up to so many vectors each is compared."""
PROBED = 0.1
"""Share of the clusters that is searched."""
_LEAST_PROBED = 24
_SLAB = 2_048
_ROUNDS = 6
_SAMPLE = 32
"""Sampled vectors for each cluster's centre."""
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
        self._dimension = dimension
        self._base = _Rows.empty(0, dimension)
        self._order = np.zeros(0, np.int64)
        """Rows of the base in the order of their ids."""
        self._centres = np.zeros((0, dimension), np.float32)
        self._trained_on = 0
        self._starts = np.zeros(1, np.int64)
        self._tail = _Rows.empty(_FIRST_TAIL, dimension)
        self._in_tail: dict[int, int] = {}
        self._used = 0

    def __len__(self) -> int:
        return int((self._base.steps > 0).sum()) + len(self._in_tail)

    @property
    def nbytes(self) -> int:
        """Return the bytes of memory that the vectors take, without small parts."""
        rows = len(self._base.ids) + len(self._tail.ids)
        return rows * (self._dimension + 20) + self._centres.nbytes

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
            for name in ("ids", "codes", "steps"):
                getattr(larger, name)[: self._used] = getattr(self._tail, name)[: self._used]
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
            elif in_base >= 0:
                self._base.erase(in_base)

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
        """Return the ids and vectors of *count* questions at most, (m,) and (m, dimension).

        The choice depends only on the ids, so every process with the same vectors draws the same.
        """
        tail = self._tail.take(slice(0, self._used))
        ids = np.concatenate([part.ids[part.steps > 0] for part in (self._base, tail)])
        chosen = ids[np.argsort(ids.astype(np.uint64) * _SPREAD, kind="stable")[:count]]
        return chosen, self.vectors(chosen)

    def _places(self, ids: Ids) -> NDArray[np.int64]:
        """Return the rows of these ids in the base, (n,); -1 for ids that are not there."""
        if not len(self._order):
            return np.full(len(ids), -1, np.int64)
        at = np.searchsorted(self._base.ids, ids, sorter=self._order)
        places = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where(self._base.ids[places] == ids, places, -1)

    @_alone
    def settle(self, *, at_once: bool = False) -> None:
        """Put the tail into the clusters if it is large enough, or *at_once*."""
        enough = max(_LEAST_TAIL, _TAIL_SHARE * len(self._base.ids))
        if self._used and (at_once or self._used > enough):
            self._merge()

    def _merge(self) -> None:
        tail = self._tail.take(slice(0, self._used))
        codes = np.concatenate((self._base.codes, tail.codes))
        steps = np.concatenate((self._base.steps, tail.steps))
        rows = _Rows(np.concatenate((self._base.ids, tail.ids)), codes, steps)
        kept = np.flatnonzero(rows.steps > 0)
        clusters = self._clusters(rows, kept)
        by_cluster = np.argsort(clusters, kind="stable")
        self._base = rows.take(kept[by_cluster])
        counts = np.bincount(clusters, minlength=max(1, len(self._centres)))
        self._starts = np.concatenate(([0], np.cumsum(counts)))
        self._order = np.argsort(self._base.ids, kind="stable")
        self._tail = _Rows.empty(_FIRST_TAIL, self._dimension)
        self._in_tail, self._used = {}, 0

    def _clusters(self, rows: _Rows, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cluster of each row of *kept*; up to `EXACT` rows are one cluster."""
        if len(kept) <= EXACT:
            self._centres, self._trained_on = self._centres[:0], 0
            return np.zeros(len(kept), np.int64)
        if len(kept) > _GROWN * self._trained_on:
            self._centres, self._trained_on = centres_of(rows, kept), len(kept)
        found = [
            nearest_centre(rows.floats(kept[at : at + _SLAB]), self._centres)
            for at in range(0, len(kept), _SLAB)
        ]
        return np.concatenate(found)

    @_alone
    def search(self, asked: Floats, *, floor: float, limit: int) -> Found:
        """Return the vectors near each of *asked*, (m, dimension) of unit length.

        For each they are the nearest, at most *limit*, with a cosine of at least *floor*.
        """
        found = [
            *self._in_base(asked, floor),
            *self._in_slabs(self._tail, 0, self._used, asked, floor),
        ]
        if not found:
            return Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        which, ids, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((ids, -cosines, which))
        firsts = np.searchsorted(which[order], which[order])
        best = order[np.arange(len(order)) - firsts < limit]
        return Found(which[best], ids[best], cosines[best])

    def _in_base(self, asked: Floats, floor: float) -> list["_Hits"]:
        if not len(self._centres):
            return self._in_slabs(self._base, 0, len(self._base.ids), asked, floor)
        probes = max(_LEAST_PROBED, math.ceil(PROBED * len(self._centres)))
        near = asked @ self._centres.T  # (m, clusters)
        chosen = np.argpartition(-near, min(probes, near.shape[1]) - 1, axis=1)[:, :probes]
        wanted = np.zeros(near.shape, dtype=bool)
        np.put_along_axis(wanted, chosen, values=True, axis=1)
        found: list[_Hits] = []
        for cluster in np.flatnonzero(wanted.any(axis=0)).tolist():
            who = np.flatnonzero(wanted[:, cluster])
            start, end = self._starts[cluster : cluster + 2].tolist()
            found += self._in_slabs(self._base, start, end, asked[who], floor, who=who)
        return found

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


def centres_of(rows: "_Rows", kept: NDArray[np.int64], *, seed: int = 7) -> Floats:
    """Return the centres of k clusters, (k, dimension); k is the root of the vectors' number."""
    count = math.ceil(math.sqrt(len(kept)))
    random = np.random.default_rng(seed)
    sample = rows.floats(kept[random.permutation(len(kept))[: _SAMPLE * count]])
    centres = sample[:count].copy()
    for _ in range(_ROUNDS):
        of = nearest_centre(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, of, sample)
        empty = np.bincount(of, minlength=count) == 0
        sums[empty] = sample[random.integers(len(sample), size=int(empty.sum()))]
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return centres


def nearest_centre(vectors: Floats, centres: Floats) -> NDArray[np.int64]:
    """Return the row of the centre nearest to each of *vectors*, (n, dimension); (n,)."""
    return np.asarray(np.argmax(vectors @ centres.T, axis=1), np.int64)
