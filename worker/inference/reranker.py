"""The CrossEncoder behind a small protocol: pairs in, logits out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.inference.runner import Runner, in_order
from worker.inference.tokens import Tokens
from worker.scoring.calibration import Calibration
from worker.scoring.gate import Gate


class Reranker(Protocol):
    """A model that reads two questions together and scores whether they are the same."""

    name: str
    digest: str
    calibration: Calibration
    gates: Mapping[str, Gate]
    """By the digest of a bi-encoder: the gate that leaves out pairs by their vectors."""

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return one logit per pair, in the order given, (n,) float32.

        *pairs* is (n, 2) int32, indices into *texts*; each text is tokenised once in a call.
        """
        ...


class TokenReranker:
    """A `Reranker` on any backend."""

    def __init__(
        self,
        name: str,
        *,
        digest: str,
        calibration: Calibration,
        tokens: Tokens,
        runner: Runner,
        gates: Mapping[str, Gate] | None = None,
    ) -> None:
        self.name = name
        self.digest = digest
        self.calibration = calibration
        self.gates = gates or {}
        self._tokens = tokens
        self._runner = runner
        self.runs_on = str(getattr(runner, "runs_on", ""))
        """The card or processor, the library, and the precision of the numbers."""

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return one logit per pair, in the order given, (n,) float32.

        Raises `InferenceError` if the model cannot read the texts.
        """
        if not len(pairs):
            return np.zeros(0, np.float32)
        read, places = np.unique(pairs, return_inverse=True)
        ids = self._tokens.ids([texts[one] for one in read.tolist()])
        batches = list(
            self._tokens.pairs(
                ids,
                places.reshape(-1, 2).astype(np.int32),
                token_budget=self._runner.token_budget,
            )
        )
        return in_order(batches, self._runner.run(batches))
