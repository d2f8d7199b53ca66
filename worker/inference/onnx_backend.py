"""Runs models on the CPU with ONNX Runtime."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from db.errors import UnreadableModelError
from worker.inference.runner import Floats, InferenceError
from worker.inference.tokens import Batch

TOKEN_BUDGET = 512
"""Tokens of a batch: the activations of so many fit into a core's cache."""

_SLOW_FUSIONS = ["SkipLayerNormFusion"]
"""On the CPU the fused kernel is scalar: its two steps take a third of the time when not fused."""


class OnnxRunner:
    """An exported model in one ONNX Runtime session.

    Each batch runs on one thread, and several batches run at the same time. Threads that share a
    batch wait for each other at every step, and on a busy machine they wait long. If there are
    fewer batches than threads, the batches are split.
    """

    token_budget = TOKEN_BUDGET
    runs_on = "cpu, ONNX Runtime"

    def __init__(self, model: Path, *, inputs: Sequence[str], threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
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
        self._count = threads or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._count)

    def run(self, batches: Sequence[Batch]) -> Floats:
        """Return the rows of all batches, one batch after the other, (n,) or (n, dimension).

        Raises `InferenceError` if the library fails.
        """
        parts = shared_out(batches, self._count)
        if len(parts) == 1:  # one question need not wait for another thread
            return self._run_one(parts[0])
        return np.concatenate(list(self._threads.map(self._run_one, parts)))

    def _run_one(self, batch: Batch) -> Floats:
        try:
            (rows,) = self._session.run(None, batch.feed(self._inputs))
        except Exception as error:  # the library's errors share no other root
            raise InferenceError(f"ONNX Runtime failed: {error}") from error
        return np.asarray(rows, np.float32)


def shared_out(batches: Sequence[Batch], count: int) -> list[Batch]:
    """Return the batches, the largest split until there are *count*; the order stays."""
    parts = list(batches)
    while len(parts) < count:
        place = max(range(len(parts)), key=lambda at: parts[at].ids.size * (len(parts[at].ids) > 1))
        if len(parts[place].ids) == 1:
            break
        middle = len(parts[place].ids) // 2
        parts[place : place + 1] = [
            parts[place].take(slice(0, middle)),
            parts[place].take(slice(middle, None)),
        ]
    return parts
