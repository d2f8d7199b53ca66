"""A bi-encoder and a reranker with the threshold in force: embed, screen, rerank.

Only this module decides how texts become vectors, which candidates are not reranked, and what a
logit means. Its callers decide where candidates come from and where flagged pairs go: live
questions, checks, archives, `mine` and the training of the gate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.inference.cascade import Cascade, Scores
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.near import Near
from worker.process.meter import METER
from worker.scoring.calibration import Rule, unread, worth_reading
from worker.scoring.fusion import Floats, Fusion
from worker.scoring.gate import Screen
from worker.scoring.recalibration import Line
from worker.scoring.traits import Traits
from worker.text.normal import Seen

_ENCODE_CHUNK = 2_048
_RERANK_CHUNK = 4_096

OnDone = Callable[[int], object]
"""Called with the number of units just done."""


def unheard(_done: int) -> None:
    """Do nothing: nobody wants to see the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Finds and scores duplicates with one bi-encoder and one reranker."""

    encoder: Encoder
    reranker: Reranker
    threshold: float
    """The probability from which a pair is flagged."""
    line: Line | None = None
    """The forum's own calibration; None if it has none."""

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        reranker: Reranker,
        *,
        threshold: float | None = None,
    ) -> "Matcher":
        """Return a matcher that flags at *threshold*; None means the models' own threshold."""
        own = reranker.calibration.for_bi_encoder(encoder.digest).threshold
        return cls(
            encoder=encoder,
            reranker=reranker,
            threshold=own if threshold is None else threshold,
        )

    @property
    def rule(self) -> Rule:
        """Return the rule for these two models, without the forum's calibration."""
        return self.reranker.calibration.for_bi_encoder(self.encoder.digest)

    @property
    def fusion(self) -> Fusion:
        """Return the fusion that is in force."""
        own, line = self.rule.fusion, self.line
        return own if line is None else own.moved(line.slope, line.shift)

    def screen(self, *, with_gate: bool) -> Screen:
        """Return the screen, which leaves out candidates that would hardly ever be flagged.

        The gate needs vectors, so *with_gate* must be False without them.
        """
        threshold, line = self.threshold, self.line
        if line is not None:  # on the scale of the models' own probability
            threshold = line.undo(threshold)
        return Screen.of(
            self.reranker.gates.get(self.encoder.digest) if with_gate else None,
            cosine_floor=self.rule.floor(threshold),
            bi_encoder=self.encoder.digest,
            threshold=threshold,
        )

    @property
    def floor(self) -> float:
        """Return the floor without a gate: candidates with a lower cosine are not reranked."""
        return self.screen(with_gate=False).floor

    def reach(self, cosines: Floats) -> Floats:
        """Return the highest threshold of the forum whose floor each pair reaches, (n,)."""
        reached = self.rule.reach(cosines)
        if self.line is None:
            return reached
        moved = self.line.probability(reached.astype(np.float64))
        return np.asarray(np.where((reached > 0) & (reached < 1), moved, reached), np.float32)

    def embed(
        self, questions: Sequence[Seen], into: NDArray[Any], *, on_done: OnDone = unheard
    ) -> None:
        """Write the unit vectors of many *questions* into the rows of *into*, (n, dim)."""
        order = sorted(range(len(questions)), key=lambda place: len(questions[place].whole))
        for start in range(0, len(order), _ENCODE_CHUNK):
            part = order[start : start + _ENCODE_CHUNK]
            into[part] = self.encoder.encode([questions[place].whole for place in part])
            on_done(len(part))

    def traits(self, questions: Sequence[Seen], near: Near) -> Traits | None:
        """Return the traits of each pair; None if the fusion needs none."""
        if not self.fusion.needs_traits:
            return None
        return Traits.of(questions, near.pairs, near.density)

    def triage(
        self, near: Near, traits: Traits | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which pairs may have to be read, and which are flagged without reading, (n,) each.

        *traits* are those of the pairs *near*. All other pairs would stay below the threshold.
        """
        calibration = self.reranker.calibration
        is_read = worth_reading(
            calibration, self.fusion, near.cosines, traits, threshold=self.threshold
        )
        bare = self.fusion.probability(unread(calibration, len(near)), near.cosines, traits)
        return is_read, np.asarray(~is_read & (bare >= self.threshold))

    def score(self, questions: Sequence[Seen], near: Near, traits: Traits | None = None) -> Scores:
        """Return the scores of the pairs *near*, by places in *questions*, in their order.

        Their *traits* may be known already. Raises `InferenceError` if the reranker cannot read the
        texts.
        """
        scores = self.cascade(questions, near, traits).read_all()
        note(scores)
        return scores

    def cascade(
        self, questions: Sequence[Seen], near: Near, traits: Traits | None = None
    ) -> Cascade:
        """Return the pairs *near*, by places in *questions*, to be read in steps."""
        reads = self.reranker.calibration.reads
        used, places = np.unique(near.pairs, return_inverse=True)
        return Cascade(
            self.reranker,
            [questions[place].for_reranker(reads) for place in used.tolist()],
            places.reshape(-1, 2).astype(np.int32),
            near.cosines,
            self.traits(questions, near) if traits is None else traits,
            fusion=self.fusion,
            threshold=self.threshold,
        )

    def score_many(
        self, questions: Sequence[Seen], near: Near, *, on_done: OnDone = unheard
    ) -> tuple[Floats, int]:
        """Return the probabilities of many pairs, (n,), and the number of inputs read.

        Pairs of similar length are read together, because they need the least padding.
        """
        reads = self.reranker.calibration.reads
        lengths = np.array([len(one.for_reranker(reads)) for one in questions], dtype=np.int64)
        order = np.argsort(lengths[near.left] + lengths[near.right], kind="stable")
        probabilities, calls = np.zeros(len(near), dtype=np.float32), 0
        for start in range(0, len(order), _RERANK_CHUNK):
            part = order[start : start + _RERANK_CHUNK]
            found = self.score(questions, near.take(part))
            probabilities[part] = found.probability
            calls += found.calls
            on_done(len(part))
        return probabilities, calls


def note(scores: Scores) -> None:
    """Add to the meter how many orders of each pair were read, and the pair's score."""
    read, both = ~np.isnan(scores.first), ~np.isnan(scores.forward + scores.backward)
    METER.add("pairs", "not read", int((~read).sum()))
    METER.add("pairs", "one order", int((read & ~both).sum()))
    METER.add("pairs", "both orders", int(both.sum()))
    METER.scores(scores.probability.tolist())
