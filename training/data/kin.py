"""Finds words that can replace each other: near in a model's table of word embeddings."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")


def word_kin(
    texts: Iterable[str],
    vocabulary: Mapping[str, int],
    embeddings: NDArray[np.float32],
    *,
    closest: float = 0.75,
    limit: int = 12,
    least_uses: int = 5,
) -> dict[str, list[str]]:
    """Return for each common word of *texts* the words nearest to it in meaning and kind.

    *embeddings* is (words, dim), with the rows of *vocabulary*. Names are compared only with names,
    other words only with other words. Words with a cosine of *closest* or more count as forms of
    the same word and are left out.
    """
    uses: Counter[str] = Counter()
    capitals: Counter[str] = Counter()
    for text in texts:
        for match in _WORD.finditer(text):
            if match.start():
                uses[match.group().lower()] += 1
                capitals[match.group().lower()] += match.group()[0].isupper()
    words = sorted(word for word, n in uses.items() if n >= least_uses and word in vocabulary)
    is_name = {word: capitals[word] > uses[word] / 2 for word in words}
    kin: dict[str, list[str]] = {}
    for names in (True, False):
        group = [word for word in words if is_name[word] is names and word not in FUNCTION_WORDS]
        kin |= _nearest(group, vocabulary, embeddings, closest=closest, limit=limit)
    return kin


def _nearest(
    words: Sequence[str],
    vocabulary: Mapping[str, int],
    embeddings: NDArray[np.float32],
    *,
    closest: float,
    limit: int,
) -> dict[str, list[str]]:
    if not words:
        return {}
    vectors = embeddings[[vocabulary[word] for word in words]]
    vectors = vectors - vectors.mean(axis=0)
    # A word that is alone in its group is the mean itself, and nothing is left of it.
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = vectors @ vectors.T
    found = {}
    for word, row in zip(words, cosines, strict=True):
        nearest = [int(i) for i in np.argsort(-row)[: 3 * limit] if 0.25 < row[i] < closest]  # noqa: PLR2004
        others = [words[i] for i in nearest if not _one_word(word, words[i])][:limit]
        if others:
            found[word] = others
    return found


def _one_word(first: str, second: str) -> bool:
    """Return whether the two are forms of one word, such as a singular and its plural."""
    shared = min(len(first), len(second), 4)
    return first[:shared] == second[:shared]


_FUNCTION_WORDS = """
a about all am an and any are as at be because been being both but by can could did do does doing
each either for from get got had has have he her him his how i if in into is it its just like made
make many may me more most much my no not of on one only or other our out over own really she should
so some such than that the their them then there these they thing things this those to too two up us
use used very was way ways we were what when where which while who whom whose why will with within
without would you your best good better different difference between same know want take give go
find become ever also even still
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
