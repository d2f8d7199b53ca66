"""What every stage of the service says of pairs of questions, and what it decides."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.scoring.fusion import Calibration, Floats
from worker.text import FOREIGN_LIMIT, TextFields, foreign_share, full_text, model_text, text_digest

CHUNK = 512
"""Pairs scored at a time: few enough to hear of progress, many enough to batch by length."""
_WORD = re.compile(r"\w+")

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class PairTexts:
    """Two questions as people wrote them; a body may be empty, a title may not."""

    title1: str
    title2: str
    body1: str = ""
    body2: str = ""

    @property
    def full(self) -> tuple[str, str]:
        """Return all of the text of each question."""
        return (
            full_text(self.title1, self.body1, fields=TextFields.TITLE_BODY),
            full_text(self.title2, self.body2, fields=TextFields.TITLE_BODY),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageScores:
    """What each stage says of n pairs, in their order: every array is (n,)."""

    cosine_titles: Floats
    cosine_whole: Floats
    """Of title and body, as far as the models read."""
    overlap: Floats
    """Share of the words of both titles that both have, 0..1."""
    forward: Floats
    """The CrossEncoder's logit of (question1, question2)."""
    backward: Floats
    """The CrossEncoder's logit of (question2, question1)."""
    same_text: NDArray[np.bool_]
    """Whether a reader would call both one text: the service asks no model then."""
    foreign: NDArray[np.bool_]
    """Whether a text is in a script that the models do not know: the service asks none then."""

    def __len__(self) -> int:
        return len(self.forward)

    @property
    def logit(self) -> Floats:
        """Return the CrossEncoder's mean of both orders."""
        return np.asarray((self.forward + self.backward) / 2, np.float32)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return some of the pairs."""
        return type(self)(**{one.name: getattr(self, one.name)[which] for one in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence["StageScores"]) -> "StageScores":
        """Return the pairs of all *parts*, one after the other; at least one part is needed."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What the service makes of n pairs: both arrays are (n,)."""

    probability: Floats
    flagged: NDArray[np.bool_]
    threshold: float


class Stages:
    """One pair of models, asked for every stage, and the calibration that decides."""

    def __init__(
        self, encoder: Encoder, reranker: Reranker, *, threshold: float | None = None
    ) -> None:
        self.encoder, self.reranker = encoder, reranker
        own = reranker.calibration.threshold
        self.threshold = own if threshold is None else threshold

    def score(self, pairs: Sequence[PairTexts]) -> StageScores:
        """Return what every stage says of *pairs*; both orders are read, needed or not.

        Raises `InferenceError` when a model cannot read the texts.
        """
        titles, whole, texts = _indexed(pairs)
        vectors = self.encoder.encode(texts)
        full = [pair.full for pair in pairs]
        foreign = [max(map(foreign_share, both)) > FOREIGN_LIMIT for both in full]
        same = [text_digest(first) == text_digest(second) for first, second in full]
        return StageScores(
            cosine_titles=_cosines(vectors, titles),
            cosine_whole=_cosines(vectors, whole),
            overlap=_overlaps(texts, titles),
            forward=self.reranker.score(texts, whole),
            backward=self.reranker.score(texts, np.ascontiguousarray(whole[:, ::-1])),
            same_text=np.array(same, np.bool_),
            foreign=np.array(foreign, np.bool_),
        )

    def score_many(
        self, pairs: Sequence[PairTexts], *, on_done: Callable[[int], object]
    ) -> StageScores:
        """Return the same of many pairs; *on_done* hears how many were just scored."""
        parts = []
        for start in range(0, max(1, len(pairs)), CHUNK):
            parts.append(self.score(pairs[start : start + CHUNK]))
            on_done(len(parts[-1]))
        return StageScores.joined(parts)

    def decide(self, scores: StageScores) -> Decision:
        """Return what the service makes of *scores* with the calibration of its CrossEncoder."""
        return decide(
            scores, self.reranker.calibration, self.encoder.digest, threshold=self.threshold
        )


def decide(
    scores: StageScores, calibration: Calibration, bi_encoder: str, *, threshold: float
) -> Decision:
    """Return what the service would make of *scores*: probability, and what it would flag.

    Two equal texts have 1. Below the cosine floor no pair is looked at, nor one in a script that
    the models do not know: neither is flagged, whatever its probability.
    """
    fusion = calibration.for_bi_encoder(bi_encoder)
    probability = fusion.probability(scores.logit, scores.cosine_whole)
    is_looked_at = (scores.cosine_whole >= calibration.cosine_floor) & ~scores.foreign
    return Decision(
        probability=np.where(scores.same_text, np.float32(1.0), probability),
        flagged=scores.same_text | (is_looked_at & (probability >= threshold)),
        threshold=threshold,
    )


def _indexed(pairs: Sequence[PairTexts]) -> tuple[Places, Places, list[str]]:
    """Return the places of the titles and of the whole texts, (n, 2) each, and every text once."""
    places: dict[str, int] = {}

    def place(title: str, body: str = "") -> int:
        text = model_text(title, body, fields=TextFields.TITLE_BODY)
        return places.setdefault(text, len(places))

    titles = [(place(pair.title1), place(pair.title2)) for pair in pairs]
    whole = [(place(pair.title1, pair.body1), place(pair.title2, pair.body2)) for pair in pairs]
    return _of_two(titles), _of_two(whole), list(places)


def _of_two(places: list[tuple[int, int]]) -> Places:
    return np.array(places, np.int32).reshape(-1, 2)


def _cosines(vectors: Floats, pairs: Places) -> Floats:
    left, right = vectors[pairs[:, 0]], vectors[pairs[:, 1]]
    return np.asarray(np.einsum("nd,nd->n", left, right), np.float32)


def _overlaps(texts: Sequence[str], pairs: Places) -> Floats:
    words = {place: set(_WORD.findall(texts[place].casefold())) for place in np.unique(pairs)}
    shares = [len(words[a] & words[b]) / max(1, len(words[a] | words[b])) for a, b in pairs]
    return np.array(shares, np.float32)
