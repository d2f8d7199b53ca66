"""One pair of models with the decision in force: embed, screen, rerank, keep.

The only place that says how texts become vectors, which candidates are left out unread, and what
the CrossEncoder's answer is worth. Where candidates come from and where flagged pairs go is for
others: live questions, `check`, archives, `mine` and the gate's training are all around it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.vectors.rows import Candidate
from worker.inference.cascade import Scores, rerank
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.near import Near
from worker.scoring.fusion import Floats, Fusion, unmoved
from worker.scoring.gate import Screen
from worker.scoring.recalibration import Line

_ENCODE_CHUNK = 2_048
_RERANK_CHUNK = 4_096

OnDone = Callable[[int], object]
"""Hears how many units were just done."""


def _unheard(_done: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Finds and scores duplicates with one pair of models."""

    encoder: Encoder
    reranker: Reranker
    threshold: float
    """Probability at and above which a pair is flagged."""
    line: Line | None = None
    """Where a forum's own calibration moves the probability to."""
    upper_band: float | None = None
    """What `rerank` takes it for."""

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        reranker: Reranker,
        *,
        threshold: float | None = None,
        upper_band: float | None = None,
    ) -> "Matcher":
        """Return two models that flag at *threshold*; at the reranker's own when None."""
        own = reranker.calibration.threshold
        return cls(
            encoder=encoder,
            reranker=reranker,
            threshold=own if threshold is None else threshold,
            upper_band=upper_band,
        )

    @property
    def own_fusion(self) -> Fusion:
        """Return the fusion that is valid for this pair of models, whatever the forum."""
        return self.reranker.calibration.for_bi_encoder(self.encoder.digest)

    @property
    def fusion(self) -> Fusion:
        """Return the fusion that is in force."""
        own, line = self.own_fusion, self.line
        return own if line is None else own.moved(line.slope, line.shift)

    def screen(self, *, with_gate: bool) -> Screen:
        """Return what leaves candidates out unread, hardly any of which would be flagged.

        The gate reads vectors: *with_gate* says whether they are at hand.
        """
        threshold, line = self.threshold, self.line
        if line is not None:  # as the models themselves would say it
            threshold = unmoved(threshold, slope=line.slope, shift=line.shift)
        return Screen.of(
            self.reranker.gate if with_gate else None,
            cosine_floor=self.reranker.calibration.cosine_floor,
            bi_encoder=self.encoder.digest,
            threshold=threshold,
        )

    def near_enough(self, found: Iterable[Candidate]) -> list[Candidate]:
        """Return the candidates that are worth the CrossEncoder's time, by their cosine alone."""
        floor = self.screen(with_gate=False).floor
        return [candidate for candidate in found if candidate.cosine >= floor]

    def embed(
        self, texts: Sequence[str], into: NDArray[Any], *, on_done: OnDone = _unheard
    ) -> None:
        """Write the unit vectors of many *texts* into the rows of *into*, (n, dim)."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _ENCODE_CHUNK):
            part = order[start : start + _ENCODE_CHUNK]
            into[part] = self.encoder.encode([texts[place] for place in part])
            on_done(len(part))

    def score(self, texts: Sequence[str], near: Near) -> Scores:
        """Return the scores of pairs, *near* by their places in *texts*, in their order."""
        return rerank(
            self.reranker,
            texts,
            near.pairs,
            near.cosines,
            fusion=self.fusion,
            threshold=self.threshold,
            upper_band=self.upper_band,
        )

    def score_many(
        self, texts: Sequence[str], near: Near, *, on_done: OnDone = _unheard
    ) -> tuple[Floats, int]:
        """Return the probabilities of many pairs, (n,), and how many inputs were read for them.

        Pairs of like length are read together: they pad each other least.
        """
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        order = np.argsort(lengths[near.left] + lengths[near.right], kind="stable")
        probabilities, calls = np.zeros(len(near), dtype=np.float32), 0
        for start in range(0, len(order), _RERANK_CHUNK):
            part = order[start : start + _RERANK_CHUNK]
            found = self.score(texts, near.take(part))
            probabilities[part] = found.probability
            calls += found.calls
            on_done(len(part))
        return probabilities, calls
