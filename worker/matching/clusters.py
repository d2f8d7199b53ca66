"""Clusters of near vectors, in two levels: groups, and the clusters of each group. Pure.

A vector is compared with the clusters of the nearest groups only. So many small clusters cost
little, and many small ones find more than few large ones if the same number of vectors is compared
(D. Nister and H. Stewenius, "Scalable recognition with a vocabulary tree", 2006).
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

SAMPLE = 32
"""Sampled vectors for each cluster."""
_GROUP_SAMPLE = 128
_ROUNDS = 6
_TRIED = 3
"""Groups whose clusters a vector is compared with."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The centres of clusters, unit vectors; those of a group are side by side."""

    centres: Floats  # (k, dimension)
    groups: Floats  # (g, dimension), the centres of the groups
    starts: Places  # (g + 1,), where the clusters of each group begin

    def __len__(self) -> int:
        return len(self.centres)

    @classmethod
    def of(cls, sample: Floats, *, seed: int = 7) -> Self:
        """Return about one cluster for every `SAMPLE` of *sample*, (n, dimension), n > 0."""
        random = np.random.default_rng(seed)
        sample = sample[random.permutation(len(sample))]
        count = math.ceil(math.sqrt(len(sample) / SAMPLE))
        groups = _means(sample[: _GROUP_SAMPLE * count], count, random)
        group = _nearest(sample, groups)
        used = np.unique(group)
        parts = [sample[group == one] for one in used.tolist()]
        centres = [_means(part, math.ceil(len(part) / SAMPLE), random) for part in parts]
        starts = np.cumsum([0, *map(len, centres)])
        return cls(np.concatenate(centres), groups[used], starts)

    def nearest(self, vectors: Floats) -> Places:
        """Return the cluster of each of *vectors*, (n, dimension): rows of `centres`, (n,)."""
        tried = min(_TRIED, len(self.groups))
        groups = np.argpartition(-(vectors @ self.groups.T), tried - 1, axis=1)[:, :tried]
        found = np.zeros(len(vectors), np.int64)
        reached = np.full(len(vectors), -np.inf, np.float32)
        for group in np.unique(groups).tolist():
            who = np.flatnonzero((groups == group).any(axis=1))
            start, end = self.starts[group : group + 2].tolist()
            cosines = vectors[who] @ self.centres[start:end].T
            best, cosine = cosines.argmax(axis=1), cosines.max(axis=1)
            is_nearer = cosine > reached[who]
            found[who[is_nearer]] = start + best[is_nearer]
            reached[who[is_nearer]] = cosine[is_nearer]
        return found


def _means(sample: Floats, count: int, random: np.random.Generator) -> Floats:
    """Return the centres of *count* clusters by k-means, (count, dimension) of unit length."""
    centres = sample[:count].copy()
    for _ in range(_ROUNDS):
        of = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, of, sample)
        is_empty = np.bincount(of, minlength=len(centres)) == 0
        sums[is_empty] = sample[random.integers(len(sample), size=int(is_empty.sum()))]
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return centres


def _nearest(vectors: Floats, centres: Floats) -> Places:
    return np.asarray(np.argmax(vectors @ centres.T, axis=1), np.int64)
