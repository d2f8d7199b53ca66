"""Exact candidate search by matrix products of blocks of vectors, in PyTorch.

A product of two blocks is first computed in half precision, or in integers of one byte where the
processor has instructions for them (VNNI). This is much faster. A margin for rounding makes sure
that no pair is missed. The cosines of pairs that pass are computed again in single precision. Each
pair is compared once: callers compute only the tiles of the upper triangle.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.archives.searching.products import (
    BLOCK,
    SLAB,
    Search,
    Vectors,
    all_near,
    exact_cosines,
    keep_nearest,
)
from worker.inference.devices import resolved
from worker.scoring.gate import Gate, gate_scores

__all__ = ["BLOCK", "BlockSearch", "Vectors", "all_near", "keep_nearest"]

BLOCK_ON_GPU = 65_536
_CROWDED = 4
_EXACT_CHUNK = 1 << 14
# Upper bounds for the error of a cosine when its two vectors and the result are rounded.
_MARGIN = {torch.bfloat16: 0.012, torch.float16: 0.004, torch.float32: 1e-5}
_LARGEST = 127
_NOT_UNIT = 0.001
"""Stored vectors are in half precision, so they are a little longer or shorter than 1."""


class BlockSearch(Search):
    """Finds all pairs at or above a cosine on one device.

    On a CPU *threads* sets PyTorch's threads for the whole process; 0 means every core.
    """

    def __init__(
        self, device: str = "auto", *, dtype: torch.dtype | None = None, threads: int = 0
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self._device = torch.device(resolved(device))
        on_cuda = self._device.type == "cuda"
        self._dtype = dtype or (torch.float16 if on_cuda else _cpu_dtype())

    @property
    def block(self) -> int:
        """Return the rows of a block: a product of two takes this device about half a second."""
        return BLOCK_ON_GPU if self.is_on_gpu else BLOCK

    @property
    def is_on_gpu(self) -> bool:
        """Return whether the products are computed on a GPU."""
        return self._device.type != "cpu"

    def _load(self, vectors: Vectors) -> torch.Tensor:
        return torch.from_numpy(np.array(vectors)).to(self._device, torch.float32)

    def _unload(self, found: torch.Tensor) -> NDArray[Any]:
        return found.cpu().numpy()

    def _hits(
        self,
        ours: torch.Tensor,
        theirs: torch.Tensor,
        starts: Iterator[int],
        *,
        floor: float,
        top_k: int,
        same: bool,
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        rounded, fast, least = self._rounded(ours, theirs, floor)
        end, none = len(ours), torch.zeros(0, dtype=torch.int64, device=self._device)
        rows, columns = [none], [none]
        for start in starts:
            end = min(start + SLAB, len(ours))
            hits, places = self._slab(
                rounded[start:end],
                fast,
                least=least,
                top_k=top_k,
                diagonal=start if same else None,
            )
            rows.append(hits + start)
            columns.append(places)
        return torch.cat(rows), torch.cat(columns), end

    def _rounded(
        self, ours: torch.Tensor, theirs: torch.Tensor, floor: float
    ) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Return both blocks rounded, (n, dim) and (dim, m), and the least product at *floor*."""
        if self._dtype is not torch.int8:
            least = floor - _MARGIN[self._dtype]
            return ours.to(self._dtype), theirs.to(self._dtype).T, least
        codes, step, error = _codes(ours)
        others, other_step, other_error = _codes(theirs)
        margin = (error + other_error) * (1 + _NOT_UNIT) + error * other_error
        return codes, others.T, math.floor((floor - margin) / (step * other_step))

    def _slab(
        self,
        rows: torch.Tensor,
        fast: torch.Tensor,
        *,
        least: float,
        top_k: int,
        diagonal: int | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scores = torch._int_mm(rows, fast) if rows.dtype is torch.int8 else rows @ fast  # (s, m)  # noqa: SLF001
        if diagonal is not None:
            above = torch.ones_like(scores, dtype=torch.bool).triu_(diagonal + 1)
            scores = scores.masked_fill_(~above, least - 1)  # float16 has no far smaller number
        mask = scores >= least
        if self._count(mask) > _CROWDED * top_k * len(rows):
            mask &= _top_of_either_side(scores, top_k)
        if self.is_on_gpu:
            flat = mask.flatten().nonzero()[:, 0]
        else:  # PyTorch's own nonzero takes three times as long here
            flat = torch.from_numpy(np.flatnonzero(mask.numpy()))
        return flat // scores.shape[1], flat % scores.shape[1]

    def _count(self, mask: torch.Tensor) -> int:
        # On a CPU PyTorch takes as long for this sum as for the product.
        return int(mask.sum() if self.is_on_gpu else np.count_nonzero(mask.numpy()))

    def _exact(
        self,
        ours: torch.Tensor,
        theirs: torch.Tensor,
        rows: torch.Tensor,
        columns: torch.Tensor,
        gate: Gate | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_on_gpu:  # PyTorch takes four times as long for rows that lie apart
            cosines, passed = exact_cosines(
                ours.numpy(), theirs.numpy(), rows.numpy(), columns.numpy(), gate
            )
            return torch.from_numpy(cosines), torch.from_numpy(passed)
        near = torch.zeros(len(rows), device=self._device)
        is_in = torch.ones(len(rows), dtype=torch.bool, device=self._device)
        weights = [torch.from_numpy(one).to(self._device) for one in gate.weights] if gate else []
        for at in range(0, len(rows), _EXACT_CHUNK):
            part = slice(at, at + _EXACT_CHUNK)
            one, other = ours[rows[part]], theirs[columns[part]]
            near[part] = (one * other).sum(1)
            if gate is not None:
                is_in[part] = gate_scores(one, other, weights) >= gate.bar
        return near, is_in


def _cpu_dtype() -> torch.dtype:
    if torch.cpu._is_vnni_supported():  # noqa: SLF001
        return torch.int8
    # Without CPU instructions for bfloat16 PyTorch emulates it, slower than single precision.
    is_fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return torch.bfloat16 if is_fast else torch.float32


def _codes(vectors: torch.Tensor) -> tuple[torch.Tensor, float, float]:
    """Return *vectors*, (n, dim), as integers of one byte, their step, and the largest error.

    The error is the length of the difference between a vector and its integers times the step.
    """
    if not vectors.numel():
        return vectors.to(torch.int8), 1.0, 0.0
    step = max(float(vectors.abs().max()), 1e-12) / _LARGEST
    codes = (vectors / step).round_()
    error = float((vectors - codes * step).norm(dim=1).max())
    return codes.to(torch.int8), step, error


def _top_of_either_side(scores: torch.Tensor, top_k: int) -> torch.Tensor:
    keep = torch.zeros_like(scores, dtype=torch.bool)
    for side in (0, 1):
        best = scores.topk(min(top_k, scores.shape[side]), dim=side, sorted=False).indices
        keep.scatter_(side, best, True)
    return keep
