"""Finds close pairs: hard negatives among labelled questions, and candidates for a teacher."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.data.splits import Components
from worker.inference.encoder import Encoder
from worker.text.normal import text_digest

_CELLS = 1 << 26
"""Cosines computed at once: 256 MB."""
_LOOKED_AT = 24
"""Candidates of each question beside those wanted, because known duplicates are among them."""


def neighbours(
    vectors: NDArray[np.float32], anchors: NDArray[np.int64], *, low: float, high: float, limit: int
) -> Iterator[tuple[int, int, float]]:
    """Yield (anchor, other, cosine) for the *limit* nearest others with *low* <= cosine <= *high*.

    *vectors* is (n, dim) of unit length. The search is exact, by products of blocks.
    """
    size = max(1, min(1024, _CELLS // max(1, len(vectors))))
    for start in range(0, len(anchors), size):
        block = anchors[start : start + size]
        cosines = vectors[block] @ vectors.T  # (block, n)
        cosines[np.arange(len(block)), block] = -np.inf
        cosines[cosines > high] = -np.inf
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
    """Return the close pairs that no chain of known duplicates connects, each once.

    They are negatives only if nearly all duplicates among the texts are known.
    """
    found: dict[tuple[str, str], None] = {}
    for first, second, _ in close:
        left, right = sorted((texts[first], texts[second]))
        if duplicates.find(left) != duplicates.find(right):
            found[left, right] = None
    return list(found)


def mined_negatives(
    texts: Sequence[str],
    known: Sequence[LabelledPair],
    *,
    encoder: Encoder,
    between: tuple[float, float],
    per_question: int,
) -> list[LabelledPair]:
    """Return close pairs of *texts* and the questions of *known* that are not duplicates.

    Their cosines are *between*, nearest first; a question is in at most *per_question* pairs. No
    pair is in *known*, or connected by a chain of its duplicates. They are negatives only if nearly
    all duplicates among the questions are known; above the upper cosine unknown ones are most
    frequent. Raises `InvalidInputError` if the bounds are wrong, or there are fewer than two
    questions.
    """
    low, high = between
    if not -1 <= low < high <= 1 or per_question < 1:
        raise InvalidInputError("wanted are -1 <= low < high <= 1 and at least one a question")
    labelled = {text for pair in known for text in (pair.question1, pair.question2)}
    asked = sorted({*texts, *labelled})
    if len(asked) < 2:  # noqa: PLR2004  # a pair
        raise InvalidInputError("at least two questions are needed to mine pairs")
    vectors = np.asarray(encoder.encode(asked), np.float32)
    limit = min(_LOOKED_AT + per_question, len(asked) - 1)
    found = neighbours(vectors, np.arange(len(asked)), low=low, high=high, limit=limit)
    close = sorted(found, key=lambda item: (-item[2], item[0], item[1]))
    taken = {(p.question1, p.question2) for p in known}
    free = [
        pair
        for pair in hard_negatives(close, asked, _same(asked, known))
        if pair not in taken and pair[::-1] not in taken
    ]
    return _few_of_each(free, per_question)


def _same(texts: Sequence[str], known: Sequence[LabelledPair]) -> Components:
    """Return the components of texts that are the same question: known duplicates, equal texts."""
    same = Components((p.question1, p.question2) for p in known if p.label > 0.5)  # noqa: PLR2004
    first: dict[bytes, str] = {}
    for text in texts:
        same.join(first.setdefault(text_digest(text), text), text)
    return same


def _few_of_each(pairs: Iterable[tuple[str, str]], per_question: int) -> list[LabelledPair]:
    uses: Counter[str] = Counter()
    kept = []
    for pair in pairs:
        if max(uses[pair[0]], uses[pair[1]]) < per_question:
            uses.update(pair)
            kept.append(LabelledPair(*pair, 0.0))
    return kept


def inferred_negatives(
    duplicates: Iterable[tuple[str, str]], different: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return pairs that must differ: a question, and a duplicate of another, different question."""
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
