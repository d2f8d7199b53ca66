"""The CrossEncoder behind one narrow protocol: pairs in, logits out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.scoring import Calibration


class Reranker(Protocol):
    """Anything that reads two questions together and says how surely they are the same."""

    name: str
    digest: str
    calibration: Calibration

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return one logit per pair, in the order given, (n,) float32.

        *pairs* is (n, 2) int32, indices into *texts*; each text is tokenised once a call.
        """
        ...
