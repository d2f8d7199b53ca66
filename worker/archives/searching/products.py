"""Exact candidate search without PyTorch: the base of all block searches, and the one in NumPy.

A worker whose models are exported already needs no PyTorch, which takes a gigabyte of disk.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.matching.near import Near
from worker.scoring.gate import Gate, gate_scores

Vectors = NDArray[np.float16] | NDArray[np.float32]
_Integers = NDArray[np.int64]
_Floats = NDArray[np.float32]

BLOCK = 4_096
"""Rows of a block: a tile of two such blocks takes less than half a second on two cores."""
SLAB = 1_024
"""Rows that are compared with a block at a time."""
_LOOKS = 4
"""How often a tile looks whether more urgent work waits."""
_CROWDED = 4
_EXACT_CHUNK = 1 << 9
_PRUNE_AT = 4
_MARGIN = 1e-5


class Search(ABC):
    """Finds all pairs of two blocks of vectors at or above a cosine."""

    @property
    @abstractmethod
    def block(self) -> int:
        """Return the rows of a block: a tile of two takes this device about half a second."""

    @property
    @abstractmethod
    def is_on_gpu(self) -> bool:
        """Return whether the products are computed on a GPU."""

    def tile(
        self,
        left: Vectors,
        right: Vectors,
        *,
        floor: float,
        top_k: int,
        same: bool = False,
        gate: Gate | None = None,
        first: int = 0,
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> tuple[Near, int]:
        """Return the pairs of rows of *left* and *right*, both (n, dim) of unit length.

        A pair is kept if it is among the *top_k* nearest of one of its rows. With *same* both are
        one block, and each pair comes once. Pairs that do not pass *gate* are left out.

        The rows of *left* are compared from *first* on, until more urgent work *is_wanted*, and
        some in any case. The number is the first row that was not compared; all rows if none.
        """
        ours, theirs = self._load(left), self._load(right)
        starts = _starts(first, len(left), is_wanted)
        rows, columns, end = self._hits(ours, theirs, starts, floor=floor, top_k=top_k, same=same)
        cosines, passed = self._exact(ours, theirs, rows, columns, gate)
        sure = passed & (cosines >= floor)
        found = (self._unload(one[sure]) for one in (rows, columns, cosines))
        shift = 0 if same else len(left)
        near = keep_nearest(next(found), next(found) + shift, next(found), top_k=top_k)
        return Near(near.left, near.right - shift, near.cosine, near.capped), end

    @abstractmethod
    def _load(self, vectors: Vectors) -> Any:
        """Return *vectors* in single precision, on the device of the products."""

    @abstractmethod
    def _unload(self, found: Any) -> NDArray[Any]:
        """Return a result as a NumPy array."""

    @abstractmethod
    def _hits(
        self,
        ours: Any,
        theirs: Any,
        starts: Iterator[int],
        *,
        floor: float,
        top_k: int,
        same: bool,
    ) -> tuple[Any, Any, int]:
        """Return rows and columns of the pairs that may be at or above *floor*.

        Only slabs of rows from *starts* on are compared. The last number is where they end.
        """

    @abstractmethod
    def _exact(
        self, ours: Any, theirs: Any, rows: Any, columns: Any, gate: Gate | None
    ) -> tuple[Any, Any]:
        """Return each pair's cosine in single precision, and whether it passes the gate."""


def make_search(device: str, *, threads: int) -> Search:
    """Return a search on *device*: in PyTorch, or in NumPy if PyTorch is not installed."""
    return search_maker()(device, threads=threads)


def search_maker() -> Callable[..., Search]:
    """Return a function from device and ``threads`` to a search; loads PyTorch if installed."""
    if find_spec("torch") is None:
        return lambda *_, **__: NumpySearch()
    from worker.archives.searching.blocks import BlockSearch  # noqa: PLC0415  # loads PyTorch

    return BlockSearch


class NumpySearch(Search):
    """The search in NumPy: as `blocks.BlockSearch` on a CPU, in single precision."""

    block = BLOCK
    is_on_gpu = False

    def _load(self, vectors: Vectors) -> _Floats:
        return np.asarray(vectors, np.float32)

    def _unload(self, found: NDArray[Any]) -> NDArray[Any]:
        return found

    def _hits(
        self,
        ours: _Floats,
        theirs: _Floats,
        starts: Iterator[int],
        *,
        floor: float,
        top_k: int,
        same: bool,
    ) -> tuple[_Integers, _Integers, int]:
        end, none = len(ours), np.zeros(0, np.int64)
        rows, columns = [none], [none]
        for start in starts:
            hits, places = _slab(ours, theirs, start, floor=floor, top_k=top_k, same=same)
            rows.append(hits)
            columns.append(places)
            end = min(start + SLAB, len(ours))
        return np.concatenate(rows), np.concatenate(columns), end

    def _exact(
        self, ours: _Floats, theirs: _Floats, rows: _Integers, columns: _Integers, gate: Gate | None
    ) -> tuple[_Floats, NDArray[np.bool_]]:
        return exact_cosines(ours, theirs, rows, columns, gate)


def _starts(first: int, count: int, is_wanted: Callable[[], bool]) -> Iterator[int]:
    """Yield the first row of each slab, until *is_wanted*; one slab in any case."""
    look = max(SLAB, count // _LOOKS)
    for start in range(first, count, SLAB):
        if start > first and (start - first) % look < SLAB and is_wanted():
            return
        yield start


def exact_cosines(
    ours: _Floats, theirs: _Floats, rows: _Integers, columns: _Integers, gate: Gate | None
) -> tuple[_Floats, NDArray[np.bool_]]:
    """Return the cosine of each pair of rows, (n,), and whether it passes the gate, (n,)."""
    cosines, passed = np.zeros(len(rows), np.float32), np.ones(len(rows), bool)
    for at in range(0, len(rows), _EXACT_CHUNK):
        part = slice(at, at + _EXACT_CHUNK)
        one, other = ours[rows[part]], theirs[columns[part]]
        cosines[part] = np.einsum("nd,nd->n", one, other)
        if gate is not None:
            passed[part] = gate_scores(one, other, gate.weights) >= gate.bar
    return cosines, passed


def _slab(
    ours: _Floats, theirs: _Floats, start: int, *, floor: float, top_k: int, same: bool
) -> tuple[_Integers, _Integers]:
    scores = ours[start : start + SLAB] @ theirs.T  # (s, m)
    if same:
        rows, columns = scores.shape
        scores[np.tri(rows, columns, start, dtype=bool)] = -2.0
    mask = scores >= floor - _MARGIN
    if np.count_nonzero(mask) > _CROWDED * top_k * len(scores):
        mask &= _top_of_either_side(scores, top_k)
    hits, places = np.divmod(np.flatnonzero(mask), scores.shape[1])
    return hits + start, places


def _top_of_either_side(scores: _Floats, top_k: int) -> NDArray[np.bool_]:
    keep = np.zeros_like(scores, dtype=bool)
    for side in (0, 1):
        count = min(top_k, scores.shape[side])
        best = np.argpartition(-scores, count - 1, axis=side)
        np.put_along_axis(keep, best.take(range(count), axis=side), True, axis=side)
    return keep


def keep_nearest(
    left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float32], *, top_k: int
) -> Near:
    """Return the pairs that are among the *top_k* nearest of at least one of their questions.

    Each array is (n,). *capped* counts the questions with more pairs.
    """
    ends = np.concatenate((left, right))
    degree = np.bincount(ends) if len(ends) else np.zeros(0, dtype=np.int64)
    crowded = degree > top_k
    if not crowded.any():
        return Near(left, right, cosine)
    keep = ~(crowded[left] & crowded[right])
    places = np.flatnonzero(crowded[ends])
    pair = places % len(left)
    order = np.lexsort((pair, -cosine[pair], ends[places]))
    owners = ends[places][order]
    firsts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    rank = np.arange(len(owners)) - np.repeat(firsts, np.diff(np.r_[firsts, len(owners)]))
    keep[pair[order[rank < top_k]]] = True
    return Near(left[keep], right[keep], cosine[keep], int(crowded.sum()))


def all_near(
    vectors: Vectors,
    *,
    floor: float,
    top_k: int,
    search: Search,
    on_tile: Callable[[int], None] = lambda _done: None,
    block: int = BLOCK,
    gate: Gate | None = None,
) -> Near:
    """Return every pair of rows of *vectors*, (n, dim), with a cosine of at least *floor*.

    *on_tile* is called with the number of pairs just compared. A pair is kept if it is among the
    *top_k* nearest of one of its rows. Pairs that do not pass *gate* are left out.
    """
    starts = range(0, len(vectors), block)
    left: list[NDArray[np.int64]] = []
    right: list[NDArray[np.int64]] = []
    cosine: list[NDArray[np.float32]] = []
    held = 0
    for a, b in combinations_with_replacement(starts, 2):
        ours, theirs = vectors[a : a + block], vectors[b : b + block]
        found, _ = search.tile(ours, theirs, floor=floor, top_k=top_k, same=a == b, gate=gate)
        left.append(found.left + a)
        right.append(found.right + b)
        cosine.append(found.cosine)
        held += len(found)
        if held > _PRUNE_AT * top_k * len(vectors):
            pruned = _joined(left, right, cosine, top_k)
            left, right, cosine = [pruned.left], [pruned.right], [pruned.cosine]
            held = len(pruned)
        on_tile(len(ours) * (len(ours) - 1) // 2 if a == b else len(ours) * len(theirs))
    return _joined(left, right, cosine, top_k)


def _joined(
    left: list[NDArray[np.int64]],
    right: list[NDArray[np.int64]],
    cosine: list[NDArray[np.float32]],
    top_k: int,
) -> Near:
    if not left:
        return Near.none()
    return keep_nearest(
        np.concatenate(left), np.concatenate(right), np.concatenate(cosine), top_k=top_k
    )
