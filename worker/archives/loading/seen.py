"""Remembers which ids of a file came before, in eight bytes each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_RUNS = 24
_MARKS = 1 << 23
"""Marks, one byte each, that several hashes share. If the mark is not set, the id is new."""


class SeenIds:
    """The hashes of ids, in sorted runs that are merged when there are many.

    Two ids with the same hash count as one id: this happens once in about 40 files of a billion
    ids.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []
        self._marks = np.zeros(_MARKS, np.bool_)

    def add(self, ids: Sequence[str]) -> list[bool]:
        """Return which of *ids* were added by an earlier call, and add them."""
        hashes = np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))
        places = hashes & (_MARKS - 1)
        known = self._marks[places]
        if known.any():
            known[known] = self._has(hashes[known])
        self._marks[places] = True
        if len(ids):
            self._runs.append(np.sort(hashes))
        if len(self._runs) > _RUNS:
            self._merge()
        return known.tolist()  # type: ignore[no-any-return]

    def _has(self, hashes: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = np.zeros(len(hashes), dtype=np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            known |= run[places] == hashes
        return known

    def _merge(self) -> None:
        """Merge the last runs that have about one length, so that each id moves rarely."""
        tail = [self._runs.pop()]
        while self._runs and len(self._runs[-1]) <= 2 * sum(map(len, tail)):
            tail.append(self._runs.pop())
        self._runs.append(np.sort(np.concatenate(tail), kind="stable"))
