"""The bi-encoder behind a small protocol: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.inference.runner import Runner, in_order
from worker.inference.tokens import Tokens


class Encoder(Protocol):
    """A model that turns texts into unit vectors, in order."""

    name: str
    digest: str
    """Hex digest of weights, tokenizer and configs. Vectors of different digests are never
    compared.
    """
    dimension: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, in order, (n, dimension) float32."""
        ...


class TokenEncoder:
    """An `Encoder` on any backend."""

    def __init__(
        self, name: str, *, digest: str, dimension: int, tokens: Tokens, runner: Runner
    ) -> None:
        self.name = name
        self.digest = digest
        self.dimension = dimension
        self._tokens = tokens
        self._runner = runner
        self.runs_on = str(getattr(runner, "runs_on", ""))
        """The card or processor, the library, and the precision of the numbers."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, in order, (n, dimension) float32.

        Raises `InferenceError` if the model cannot read the texts.
        """
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        ids = self._tokens.ids(texts)
        batches = list(self._tokens.singles(ids, token_budget=self._runner.token_budget))
        vectors = in_order(batches, self._runner.run(batches))
        norms = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
        return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)
