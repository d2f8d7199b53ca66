"""Pairs found by closeness: hard negatives among labelled questions, candidates for a teacher."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from training.splits import Components

_BLOCK = 1024


def neighbours(
    vectors: NDArray[np.float32], anchors: NDArray[np.int64], *, low: float, high: float, limit: int
) -> Iterator[tuple[int, int, float]]:
    """Yield (anchor, other, cosine) for the *limit* nearest others with *low* <= cosine <= *high*.

    *vectors* is (n, dim) of unit length; exact, by block matrix products.
    """
    for start in range(0, len(anchors), _BLOCK):
        block = anchors[start : start + _BLOCK]
        cosines = vectors[block] @ vectors.T  # (block, n)
        cosines[np.arange(len(block)), block] = -1.0
        cosines[cosines > high] = -1.0
        nearest = np.argpartition(-cosines, limit, axis=1)[:, :limit]
        for row, anchor in enumerate(block.tolist()):
            for other in nearest[row].tolist():
                if cosines[row, other] >= low:
                    yield anchor, other, float(cosines[row, other])


def hard_negatives(
    close: Iterable[tuple[int, int, float]],
    texts: Sequence[str],
    duplicates: Components,
) -> list[tuple[str, str]]:
    """Return the close pairs that no chain of known duplicates joins, each once.

    Sound only where nearly all duplicates among the texts are known.
    """
    found: dict[tuple[str, str], None] = {}
    for first, second, _ in close:
        left, right = sorted((texts[first], texts[second]))
        if duplicates.find(left) != duplicates.find(right):
            found[left, right] = None
    return list(found)


def inferred_negatives(
    duplicates: Iterable[tuple[str, str]], different: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return pairs that must differ: a question, and a duplicate of one it differs from."""
    same: dict[str, set[str]] = defaultdict(set)
    for first, second in duplicates:
        same[first].add(second)
        same[second].add(first)
    known = {tuple(sorted(pair)) for pair in different}
    found: dict[tuple[str, str], None] = {}
    for first, second in different:
        for left, right in ((first, second), (second, first)):
            for other in sorted(same[right]):
                pair = tuple(sorted((left, other)))
                if left != other and other not in same[left] and pair not in known:
                    found[pair[0], pair[1]] = None
    return list(found)
