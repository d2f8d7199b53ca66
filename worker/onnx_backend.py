"""Models on the CPU, by ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from db.errors import UnreadableModelError
from worker.runner import Floats, InferenceError
from worker.tokens import Batch

TOKEN_BUDGET = 512
"""Activations of this many tokens stay in a core's cache."""

_SLOW_FUSIONS = ["SkipLayerNormFusion"]
"""On the CPU the fused kernel is scalar: the two steps it joins take a third of its time."""


class OnnxRunner:
    """An exported model in one ONNX Runtime session."""

    token_budget = TOKEN_BUDGET

    def __init__(self, model: Path, *, inputs: Sequence[str], threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(model),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_SLOW_FUSIONS,
            )
        except Exception as error:  # the library's errors share no other root
            raise UnreadableModelError(model, str(error)) from error
        self._inputs = inputs

    def run(self, batches: Sequence[Batch]) -> Floats:
        """Return the rows of all batches, one after the other."""
        try:
            return np.concatenate(
                [self._session.run(None, batch.feed(self._inputs))[0] for batch in batches]
            )
        except Exception as error:  # the library's errors share no other root
            raise InferenceError(f"ONNX Runtime failed: {error}") from error
