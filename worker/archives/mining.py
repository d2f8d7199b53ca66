"""Mining an archive in one process: texts in, duplicates out, best first; no database.

Same-text twins first, by digest; then one question of each text is embedded, near pairs are found
by exact block search, and the cascade spends the CrossEncoder where it can matter. Vectors lie in
half precision on disk, so memory grows with the pairs that are found and not with the vectors.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.archives.blocks import BlockSearch, Near, all_near
from worker.inference.cascade import rerank
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.scoring.fusion import Floats
from worker.scoring.gate import Gate
from worker.text import model_text, text_digest

_ENCODE_CHUNK = 2_048
_RERANK_CHUNK = 4_096

OnProgress = Callable[[str, int, int], None]
"""Hears the stage, how many units were just done, and how many there are in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Duplicate pairs by position in the archive, best first, and what finding them took."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: Floats
    score: Floats
    twins: int
    candidates: int
    calls: int
    """Inputs that the CrossEncoder read: a pair counts once for each order."""
    capped: int
    """Questions with more near neighbours than were looked at."""

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class _Texts:
    """One question of each distinct text, and who says the same word for word."""

    firsts: Sequence[int]
    texts: Sequence[str]
    twins: Sequence[tuple[int, int]]


class Miner:
    """Mines archives with one pair of models."""

    def __init__(
        self,
        encoder: Encoder,
        reranker: Reranker,
        *,
        search: BlockSearch,
        top_k: int = 100,
        min_score: float | None = None,
        upper_band: float | None = None,
        on_progress: OnProgress = lambda _stage, _done, _total: None,
    ) -> None:
        self._encoder = encoder
        self._reranker = reranker
        self._search = search
        self._top_k = top_k
        self._min_score = reranker.calibration.threshold if min_score is None else min_score
        self._upper_band = upper_band
        self._tell = on_progress

    def mine(self, titles: Sequence[str]) -> Mined:
        """Return the pairs of *titles* that score at least the wanted probability.

        Questions of one text are pairs with the first of them alone: a text that was asked a
        thousand times is a group, not half a million pairs.
        """
        distinct = _distinct(titles)
        with _scratch((len(distinct.texts), self._encoder.dimension)) as vectors:
            self._embed(distinct.texts, vectors)
            near = self._near(vectors)
        scores, calls = self._rerank(distinct.texts, near)
        return self._assemble(distinct, near, scores, calls)

    def _embed(self, texts: Sequence[str], vectors: NDArray[np.float16]) -> None:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _ENCODE_CHUNK):
            part = order[start : start + _ENCODE_CHUNK]
            vectors[part] = self._encoder.encode([texts[place] for place in part])
            self._tell("embed", len(part), len(texts))

    def _near(self, vectors: NDArray[np.float16]) -> Near:
        comparisons = len(vectors) * (len(vectors) - 1) // 2
        gate = self._gate()
        return all_near(
            vectors,
            floor=gate.floor if gate else self._reranker.calibration.cosine_floor,
            top_k=self._top_k,
            search=self._search,
            gate=gate,
            on_tile=lambda done: self._tell("search", done, comparisons),
        )

    def _gate(self) -> Gate | None:
        gate = self._reranker.gate
        is_valid = gate is not None and gate.is_for(self._encoder.digest, self._min_score)
        return gate if is_valid else None

    def _rerank(self, texts: Sequence[str], near: Near) -> tuple[Floats, int]:
        scores = np.zeros(len(near), dtype=np.float32)
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        order = np.argsort(lengths[near.left] + lengths[near.right], kind="stable")
        fusion = self._reranker.calibration.for_bi_encoder(self._encoder.digest)
        calls = 0
        for start in range(0, len(order), _RERANK_CHUNK):
            part = order[start : start + _RERANK_CHUNK]
            used, places = np.unique((near.left[part], near.right[part]), return_inverse=True)
            found = rerank(
                self._reranker,
                [texts[place] for place in used],
                places.reshape(2, -1).T.astype(np.int32),
                near.cosine[part],
                fusion=fusion,
                threshold=self._min_score,
                upper_band=self._upper_band,
            )
            scores[part] = found.probability
            calls += found.calls
            self._tell("rerank", len(part), len(order))
        return scores, calls

    def _assemble(self, distinct: _Texts, near: Near, scores: Floats, calls: int) -> Mined:
        firsts = np.array(distinct.firsts, dtype=np.int64)
        twins = np.array(distinct.twins, dtype=np.int64).reshape(-1, 2)
        sure = scores >= self._min_score
        left = np.concatenate((twins[:, 0], firsts[near.left[sure]]))
        right = np.concatenate((twins[:, 1], firsts[near.right[sure]]))
        ones = np.ones(len(twins), dtype=np.float32)
        cosine = np.concatenate((ones, near.cosine[sure]))
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


def _distinct(titles: Sequence[str]) -> _Texts:
    first_of: dict[bytes, int] = {}
    firsts: list[int] = []
    twins: list[tuple[int, int]] = []
    for place, title in enumerate(titles):
        first = first_of.setdefault(text_digest(title), place)
        if first == place:
            firsts.append(place)
        else:
            twins.append((first, place))
    return _Texts(firsts, [model_text(titles[place]) for place in firsts], twins)


@contextmanager
def _scratch(shape: tuple[int, int]) -> Iterator[NDArray[np.float16]]:
    with tempfile.TemporaryDirectory(prefix="askedbefore-") as folder:
        if not shape[0]:  # an empty file cannot be mapped
            yield np.zeros(shape, dtype=np.float16)
            return
        yield np.lib.format.open_memmap(
            Path(folder) / "vectors.npy", mode="w+", dtype=np.float16, shape=shape
        )
