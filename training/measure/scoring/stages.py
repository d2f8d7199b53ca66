"""Computes the scores of every stage for pairs of questions, and the decision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from worker.matching.matcher import Matcher
from worker.matching.pairs import score_pairs
from worker.scoring.calibration import Rule
from worker.scoring.fusion import BothOrders, Floats
from worker.scoring.traits import Traits
from worker.text.normal import (
    FOREIGN_LIMIT,
    Seen,
    TextFields,
    foreign_share,
    full_text,
    seen,
    text_digest,
)

CHUNK = 512
"""Pairs scored at a time: few enough to report progress, many enough to batch by length."""


@dataclass(frozen=True, slots=True)
class PairTexts:
    """Two questions as people wrote them; a body may be empty, a title may not."""

    title1: str
    title2: str
    body1: str = ""
    body2: str = ""

    @property
    def full(self) -> tuple[str, str]:
        """Return the whole text of each question."""
        return (
            full_text(self.title1, self.body1, fields=TextFields.TITLE_BODY),
            full_text(self.title2, self.body2, fields=TextFields.TITLE_BODY),
        )

    @property
    def seen(self) -> tuple[Seen, Seen]:
        """Return the texts that the models read of each question, in a forum that reads bodies."""
        return (
            seen(self.title1, self.body1, fields=TextFields.TITLE_BODY),
            seen(self.title2, self.body2, fields=TextFields.TITLE_BODY),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageScores(BothOrders):
    """The scores of each stage for n pairs, in their order; every array is (n,)."""

    cosine_titles: Floats
    cosine_whole: Floats
    """Cosine of title and body, up to the length that the models read."""
    overlap: Floats
    """Share of the words of both titles that both have, 0..1."""
    bodies: Floats
    """How long the shorter body is, 0..1; see `Traits`."""
    density: Floats
    """How much denser than usual the forum is around the pair; 0 if not known."""
    same_text: NDArray[np.bool_]
    """Whether both questions have the same text: then the service runs no model."""
    foreign: NDArray[np.bool_]
    """Whether a text is in a script that the models do not know: then the service runs no model."""

    def __len__(self) -> int:
        return len(self.forward)

    @property
    def traits(self) -> Traits:
        """Return the inputs of a fusion besides cosine and logit."""
        return Traits(
            overlap=self.overlap,
            bodies=self.bodies,
            density=self.density,
            unknown_script=self.foreign,
        )

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
    """The service's decision on n pairs; every array is (n,)."""

    probability: Floats
    flagged: NDArray[np.bool_]
    looked_at: NDArray[np.bool_]
    """Whether the pair reaches the floor of the threshold, so that the service scores it."""
    threshold: float
    unknown_script: float
    """Share of the CrossEncoder's weight in pairs of a script that the models do not know, 0..1."""


class Stages:
    """A bi-encoder and a reranker that score every stage, and the rule that decides."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher

    def score(self, pairs: Sequence[PairTexts]) -> StageScores:
        """Return the scores of every stage for *pairs*; both orders are always read.

        Raises `InferenceError` if a model cannot read the texts.
        """
        both = [pair.seen for pair in pairs]
        found = score_pairs(self.matcher, [one for one, _ in both], [other for _, other in both])
        full = [pair.full for pair in pairs]
        foreign = [max(map(foreign_share, texts)) > FOREIGN_LIMIT for texts in full]
        same = [text_digest(first) == text_digest(second) for first, second in full]
        return StageScores(
            cosine_titles=found.title_cosine,
            cosine_whole=found.cosine,
            overlap=found.overlap,
            bodies=found.bodies,
            density=np.zeros(len(pairs), np.float32),
            forward=found.forward,
            backward=found.backward,
            same_text=np.array(same, np.bool_),
            foreign=np.array(foreign, np.bool_),
        )

    def score_many(
        self, pairs: Sequence[PairTexts], *, on_done: Callable[[int], object]
    ) -> StageScores:
        """Return the scores of many pairs; *on_done* gets the number of pairs just scored."""
        parts = []
        for start in range(0, max(1, len(pairs)), CHUNK):
            parts.append(self.score(pairs[start : start + CHUNK]))
            on_done(len(parts[-1]))
        return StageScores.joined(parts)

    def decide(self, scores: StageScores) -> Decision:
        """Return the service's decision on *scores*."""
        return decide(scores, self.matcher.rule, threshold=self.matcher.threshold)


def decide(scores: StageScores, rule: Rule, *, threshold: float | None = None) -> Decision:
    """Return the decision on *scores* by *rule*, at the rule's threshold if none is given.

    Two equal texts have a probability of 1. Pairs below the floor of the threshold, and pairs in a
    script that the models do not know, are never flagged, whatever their probability.
    """
    least = rule.threshold if threshold is None else threshold
    probability = rule.fusion.probability(scores.logit, scores.cosine_whole, scores.traits)
    is_looked_at = (scores.cosine_whole >= rule.floor(least)) & ~scores.foreign
    return Decision(
        probability=np.where(scores.same_text, np.float32(1.0), probability),
        flagged=scores.same_text | (is_looked_at & (probability >= least)),
        looked_at=scores.same_text | is_looked_at,
        threshold=least,
        unknown_script=rule.fusion.unknown_script,
    )
