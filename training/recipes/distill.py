"""The teacher: a strong bi-encoder that labels close pairs of unlabelled questions.

A logistic fit on labelled pairs turns the teacher's cosine into a probability. The CrossEncoder is
also trained on these pairs, so that it does not forget other domains.
"""

import random
from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from training.data.mining import neighbours
from training.data.pairs import LabelledPair, labels_of, require_both_labels
from training.measure.figures.calibrate import fit_fusion
from training.measure.figures.metrics import Floats
from worker.scoring.fusion import Fusion

_LOW, _HIGH = 0.35, 0.985
_NEIGHBOURS = 12
_CLOSE = 0.62


class Teacher:
    """A bi-encoder whose cosine is turned into a probability."""

    def __init__(
        self, name: str, labelled: Sequence[LabelledPair], *, batch_size: int = 32
    ) -> None:
        require_both_labels(labelled, what="the set to fit the teacher on")
        self._model = SentenceTransformer(name)
        self._batch_size = batch_size
        cosines = self._cosines([(pair.question1, pair.question2) for pair in labelled])
        fitted = fit_fusion(cosines, None, labels_of(labelled))
        self.fusion = Fusion(logit=0.0, cosine=fitted.logit, bias=fitted.bias)

    def label(self, texts: Sequence[str], *, wanted: int, seed: int) -> list[LabelledPair]:
        """Return up to *wanted* pairs of *texts* with the teacher's probability as a soft label.

        Up to three in five of *wanted* are close. The others are farther apart, so that the student
        does not learn that all close pairs are duplicates.
        """
        vectors = self._vectors(texts)
        anchors = np.arange(len(texts))
        limit = min(_NEIGHBOURS, len(texts) - 1)
        found = {
            (min(a, b), max(a, b)): cosine
            for a, b, cosine in neighbours(vectors, anchors, low=_LOW, high=_HIGH, limit=limit)
        }
        choice = random.Random(seed)  # noqa: S311  # no secret
        chosen = _mixed(found, wanted=wanted, choice=choice)
        scores = self._probability(np.array([cosine for _, cosine in chosen], np.float32))
        return [
            LabelledPair(texts[a], texts[b], float(score))
            for ((a, b), _), score in zip(chosen, scores, strict=True)
        ]

    def _probability(self, cosines: Floats) -> Floats:
        return self.fusion.probability(np.zeros_like(cosines), cosines)

    def _cosines(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        texts = sorted({text for pair in pairs for text in pair})
        place = {text: i for i, text in enumerate(texts)}
        vectors = self._vectors(texts)
        left, right = ([place[pair[side]] for pair in pairs] for side in (0, 1))
        return np.asarray(np.einsum("nd,nd->n", vectors[left], vectors[right]), np.float32)

    def _vectors(self, texts: Sequence[str]) -> Floats:
        found = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            show_progress_bar=len(texts) > 2_000,  # noqa: PLR2004
        )
        return np.asarray(found, np.float32)


def _mixed(
    found: dict[tuple[int, int], float], *, wanted: int, choice: random.Random
) -> list[tuple[tuple[int, int], float]]:
    items = sorted(found.items())
    choice.shuffle(items)
    close = [item for item in items if item[1] > _CLOSE][: wanted * 3 // 5]
    far = [item for item in items if item[1] <= _CLOSE][: wanted - len(close)]
    return close + far
