"""The bi-encoder behind one narrow protocol: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Anything that turns texts into unit vectors, in order."""

    name: str
    digest: str
    """Hex digest of the weights and the tokenizer: vectors of two digests are never compared."""
    dimension: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, in order, (n, dimension) float32."""
        ...
