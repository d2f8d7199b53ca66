"""The interface of a backend: padded batches in, rows of numbers out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from db.errors import TransientError
from worker.inference.tokens import Batch

Floats = NDArray[np.float32]


class InferenceError(TransientError):
    """The model failed on these texts; fewer texts or another attempt may work."""


class Runner(Protocol):
    """A model on a device."""

    token_budget: int
    """Tokens of a batch, with padding, at which the device is fastest."""

    def run(self, batches: Sequence[Batch]) -> Floats:
        """Return the rows of all batches, one after the other: (n,) or (n, dimension) float32."""
        ...


def in_order(batches: Sequence[Batch], rows: Floats) -> Floats:
    """Return *rows*, (n,) or (n, dimension), which come batch by batch, in the order of the inputs.

    Raises `InferenceError` if a number is not finite.
    """
    if not np.isfinite(rows).all():
        raise InferenceError("the model gave numbers that are not finite")
    ordered = np.empty_like(rows)
    ordered[np.concatenate([batch.rows for batch in batches])] = rows
    return ordered
