"""The share of words that two titles have in common; it changes the logit's weight. Pure."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_RUN = re.compile(r"[^\W_]+")


def runs(text: str) -> Iterator[str]:
    """Yield the words of *text*, one after the other: its runs of letters or digits."""
    return (found[0] for found in _RUN.finditer(text))


def words(title: str) -> frozenset[str]:
    """Return the words of *title* in lower case."""
    return frozenset(runs(title.lower()))


def overlaps(titles: Sequence[str], pairs: NDArray[np.int32]) -> Floats:
    """Return the share of common words of each pair, (n, 2) indices into *titles*; (n,) float32.

    It is the Jaccard index of the two sets of words: 0 if they have no word in common, or no word
    at all.
    """
    used, places = np.unique(pairs, return_inverse=True)
    sets = [words(titles[place]) for place in used.tolist()]
    sizes = np.array([len(one) for one in sets], dtype=np.float32)
    left, right = places.reshape(-1, 2).T
    rows = zip(left.tolist(), right.tolist(), strict=True)
    common = np.fromiter(
        (len(sets[one] & sets[other]) for one, other in rows), np.float32, len(left)
    )
    return np.asarray(common / np.maximum(sizes[left] + sizes[right] - common, 1), np.float32)
