"""Mines an archive in one process without a database: texts in, duplicates out, best first.

Pairs of the same text are found by digest. Then one question of each text is embedded, exact block
search finds the near pairs, and the cascade reranks them. Vectors are on disk in half precision, so
memory grows with the number of pairs and not with the vectors.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.archives.searching.products import Search, all_near
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.archived import score_many
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.density import SAMPLE, Floats, Surroundings, of_pairs
from worker.scoring.gate import Screen
from worker.text.normal import Seen, TextFields, full_text, seen, text_digest

_SEED = 1

OnProgress = Callable[[str, int, int], None]
"""Called with the stage, the units just done, and the units in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Duplicate pairs by position in the archive, best first, and counts of the work."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]
    score: NDArray[np.float32]
    twins: int
    candidates: int
    calls: int
    """Inputs that the CrossEncoder read: both orders of a pair are two."""
    capped: int
    """Questions with more candidates than top-k."""

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class _Texts:
    """One question of each distinct text, and the other questions with that text."""

    firsts: Sequence[int]
    seen: Sequence[Seen]
    twins: Sequence[tuple[int, int]]


class Miner:
    """Mines archives with one bi-encoder and one reranker."""

    def __init__(
        self,
        encoder: Encoder,
        reranker: Reranker,
        *,
        search: Search,
        top_k: int = 100,
        min_score: float | None = None,
        on_progress: OnProgress = lambda _stage, _done, _total: None,
    ) -> None:
        self._matcher = Matcher.of(encoder, reranker, threshold=min_score)
        self._search = search
        self._top_k = top_k
        self._tell = on_progress

    def mine(self, titles: Sequence[str], bodies: Sequence[str] = ()) -> Mined:
        """Return the pairs of questions at or above the threshold.

        *bodies*, one for each title or none at all, are read by the bi-encoder. Each further
        question of the same text makes a pair with the first one only: otherwise a text that was
        asked a thousand times would give half a million pairs. Raises `InferenceError`.
        """
        distinct = _distinct(titles, bodies)
        screen = self._matcher.screen(with_gate=True)
        with _scratch((len(distinct.seen), self._matcher.encoder.dimension)) as vectors:
            near = near_questions(
                self._matcher,
                distinct.seen,
                vectors,
                screen=screen,
                search=self._search,
                top_k=self._top_k,
                on_progress=self._tell,
            )
        scores, calls = score_many(
            self._matcher,
            distinct.seen,
            near,
            on_done=lambda done: self._tell("rerank", done, len(near)),
        )
        return self._assemble(distinct, near, scores, calls)

    def _assemble(
        self, distinct: _Texts, near: Near, scores: NDArray[np.float32], calls: int
    ) -> Mined:
        firsts = np.array(distinct.firsts, dtype=np.int64)
        twins = np.array(distinct.twins, dtype=np.int64).reshape(-1, 2)
        sure = scores >= self._matcher.threshold
        left = np.concatenate((twins[:, 0], firsts[near.left[sure]]))
        right = np.concatenate((twins[:, 1], firsts[near.right[sure]]))
        ones = np.ones(len(twins), dtype=np.float32)
        cosine = np.concatenate((ones, near.cosines[sure]))
        score = np.concatenate((ones, scores[sure]))
        low, high = np.minimum(left, right), np.maximum(left, right)
        order = np.lexsort((high, low, -cosine, -score))
        return Mined(
            left=low[order],
            right=high[order],
            cosine=cosine[order],
            score=score[order],
            twins=len(twins),
            candidates=len(near),
            calls=calls,
            capped=near.capped,
        )


def near_questions(
    matcher: Matcher,
    questions: Sequence[Seen],
    vectors: NDArray[np.float16],
    *,
    screen: Screen,
    search: Search,
    top_k: int,
    on_progress: OnProgress,
) -> Near:
    """Return the near pairs of *questions*, by place; write the vectors to *vectors*, (n, dim)."""
    fusion, comparisons = matcher.fusion, len(questions) * (len(questions) - 1) // 2
    matcher.embed(
        questions, vectors, on_done=lambda done: on_progress("embed", done, len(questions))
    )
    near = all_near(
        vectors,
        floor=screen.floor,
        top_k=top_k,
        search=search,
        gate=screen.gate,
        on_tile=lambda done: on_progress("search", done, comparisons),
    )
    return replace(near, density=densities(near.pairs, vectors)) if fusion.density else near


def densities(pairs: NDArray[np.integer[Any]], vectors: NDArray[np.float16]) -> Floats:
    """Return how much denser than usual *vectors*, (m, dim), are around *pairs*, (n, 2); (n,).

    *pairs* are places in *vectors*. With too few vectors to measure, the result is 0.
    """
    chosen = np.random.default_rng(_SEED).permutation(len(vectors))[:SAMPLE]
    around = Surroundings.of(vectors[np.sort(chosen)])
    if around is None:
        return np.zeros(len(pairs), np.float32)
    used, places = np.unique(pairs, return_inverse=True)
    left, right = around.around(vectors[used])[places.reshape(-1, 2)].T
    return of_pairs(left, right)


def _distinct(titles: Sequence[str], bodies: Sequence[str]) -> _Texts:
    fields = TextFields.TITLE_BODY if bodies else TextFields.TITLE
    rows = list(zip(titles, bodies or [""] * len(titles), strict=True))
    first_of: dict[bytes, int] = {}
    firsts: list[int] = []
    twins: list[tuple[int, int]] = []
    for place, row in enumerate(rows):
        first = first_of.setdefault(text_digest(full_text(*row, fields=fields)), place)
        if first == place:
            firsts.append(place)
        else:
            twins.append((first, place))
    return _Texts(firsts, [seen(*rows[place], fields=fields) for place in firsts], twins)


@contextmanager
def _scratch(shape: tuple[int, int]) -> Iterator[NDArray[np.float16]]:
    with tempfile.TemporaryDirectory(prefix="askedbefore-") as folder:
        if not shape[0]:  # an empty file cannot be mapped
            yield np.zeros(shape, dtype=np.float16)
            return
        yield np.lib.format.open_memmap(
            Path(folder) / "vectors.npy", mode="w+", dtype=np.float16, shape=shape
        )
