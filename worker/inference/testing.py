"""Deterministic fakes of the models, with the same protocols."""

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.scoring.calibration import Calibration
from worker.scoring.gate import Gate

_WORD = re.compile(r"\w+")


class PoisonError(RuntimeError):
    """A text has the fake encoder's poison word."""


class WordEncoder:
    """A fake encoder: texts with common words get near vectors.

    A text that contains *poison* raises `PoisonError`.
    """

    name = "fake-words"
    digest = "fake-words-1"
    dimension = 64

    def __init__(self, *, poison: str | None = None) -> None:
        self._poison = poison
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, (n, 64) float32."""
        self.calls += 1
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            if self._poison is not None and self._poison in text:
                raise PoisonError("this text cannot be encoded")
            for word in _WORD.findall(text.casefold()) or [""]:
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dimension] += 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class WordReranker:
    """A fake reranker: the more words two texts share, the higher the logit.

    The order of the pair changes the logit by 0.1.
    """

    name = "fake-overlap"
    digest = "fake-overlap-1"

    def __init__(self, calibration: Calibration | None = None, gate: Gate | None = None) -> None:
        self.calibration = calibration or Calibration(cosine_floor=0.3, asymmetry=0.4)
        self.gates: Mapping[str, Gate] = {} if gate is None else {gate.bi_encoder: gate}
        self.calls = 0

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return one logit per pair, (n,) float32, within -6..6."""
        self.calls += len(pairs)
        words = [frozenset(_WORD.findall(text.casefold())) for text in texts]
        return np.array(
            [
                12.0 * len(words[a] & words[b]) / max(len(words[a] | words[b]), 1)
                - 6.0
                + (0.1 if a < b else -0.1)
                for a, b in pairs
            ],
            dtype=np.float32,
        )
