"""Runs the CrossEncoder only where its logit can matter: on neither order, on one, or on both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.inference.reranker import Reranker
from worker.scoring.calibration import best_case, unread, worst_case, worth_reading
from worker.scoring.fusion import Floats, Fusion
from worker.scoring.traits import Traits

Places = NDArray[np.int64]
_NO_MORE: Places = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of n pairs; ``calls`` counts the CrossEncoder's inputs."""

    forward: Floats  # (n,), NaN if this order was not read
    backward: Floats  # (n,), NaN if this order was not read
    first: Floats  # (n,), of the order that was read first; NaN if the pair was not read
    mean: Floats  # (n,), of the orders that were read; 0, or nearly 0, if none was
    probability: Floats  # (n,)
    calls: int


class Cascade:
    """Pairs that are read in steps: first one order, in a later step the other where it matters.

    *pairs* are (n, 2) indices into *texts*, with their *cosines*, (n,). *traits* are needed by some
    fusions. A pair is not read if its logit has no weight, or could not lift it to *threshold*.

    A CrossEncoder gives the two orders of a pair different logits, so their mean is used. The
    second order is only read if a possible logit of it would move the pair across *threshold*.
    Otherwise the probability comes from the first order alone.

    The texts of a pair decide which order is read first. So a pair has the same score, whichever of
    its questions is the new one.
    """

    def __init__(
        self,
        reranker: Reranker,
        texts: Sequence[str],
        pairs: NDArray[np.int32],
        cosines: Floats,
        traits: Traits | None = None,
        *,
        fusion: Fusion,
        threshold: float,
    ) -> None:
        self._reranker, self._texts, self._fusion = reranker, texts, fusion
        self._cosines, self._traits = cosines, traits
        self._threshold = threshold
        calibration = reranker.calibration
        self._is_read = worth_reading(calibration, fusion, cosines, traits, threshold=threshold)
        self._is_turned = np.array(
            [texts[one] > texts[other] for one, other in pairs.tolist()], dtype=bool
        )
        self._ordered = np.where(self._is_turned[:, None], pairs[:, ::-1], pairs)
        self._first = np.full(len(pairs), np.nan, dtype=np.float32)
        self._second = self._first.copy()
        self.is_owed = np.zeros(len(pairs), dtype=bool)
        """Which pairs were read in one order, and are read in the other by the next step."""

    def read(self, part: Places) -> Places:
        """Read the pairs at the places *part*, and the other order of those that are owed.

        Return the places of the pairs whose scores are known now, in the order of the reading.
        Raises `InferenceError` if the model cannot read the texts.
        """
        first, second = part[self._is_read[part]], np.flatnonzero(self.is_owed)
        inputs = np.concatenate((self._ordered[first], self._ordered[second][:, ::-1]))
        logits = self._reranker.score(self._texts, inputs)
        self._first[first], self._second[second] = np.split(logits, [len(first)])
        self.is_owed[second] = False
        self.is_owed[first] = self._matters(first)
        return np.concatenate((second, part[~self.is_owed[part]]))

    def read_owed(self) -> Places:
        """Read the other order of the pairs that are owed; return their places."""
        return self.read(_NO_MORE)

    def read_all(self) -> Scores:
        """Read all pairs, and return their scores; raises the errors of `read`."""
        everything = np.arange(len(self._first))
        self.read(everything)
        self.read_owed()
        return self.scores(everything)

    def _matters(self, part: Places) -> NDArray[np.bool_]:
        """Return whether the other order of each pair can change what is flagged, (m,)."""
        calibration = self._reranker.calibration
        given = self._first[part], self._cosines[part], self._some(part)
        best, worst = (case(calibration, self._fusion, *given) for case in (best_case, worst_case))
        return np.asarray((worst < self._threshold) & (best >= self._threshold))

    def _some(self, part: Places) -> Traits | None:
        return None if self._traits is None else self._traits.take(part)

    @property
    def logits(self) -> Floats:
        """Return the mean logit of the orders that were read, (n,); NaN if none was."""
        return np.where(np.isnan(self._second), self._first, (self._first + self._second) / 2)

    def scores(self, part: Places) -> Scores:
        """Return the scores of the pairs at the places *part*, as far as they are read."""
        first, second, is_turned = self._first[part], self._second[part], self._is_turned[part]
        none = unread(self._reranker.calibration, len(part))
        mean = np.where(np.isnan(first), none, self.logits[part]).astype(np.float32)
        return Scores(
            forward=np.where(is_turned, second, first),
            backward=np.where(is_turned, first, second),
            first=first,
            mean=mean,
            probability=self._fusion.probability(mean, self._cosines[part], self._some(part)),
            calls=int((~np.isnan(first)).sum() + (~np.isnan(second)).sum()),
        )
