"""Exact candidate search by matrix products of blocks of vectors, in PyTorch.

A product of two blocks is first computed in half precision, which is much faster, with a margin for
rounding. The cosines of pairs that pass are computed again in single precision. Each pair is
compared once: callers compute only the tiles of the upper triangle.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.archives.searching.products import BLOCK, Search, Vectors, all_near, keep_nearest
from worker.scoring.gate import Gate, gate_scores

__all__ = ["BLOCK", "BlockSearch", "Vectors", "all_near", "keep_nearest"]

BLOCK_ON_GPU = 65_536
_SLAB = 1_024
_CROWDED = 4
_EXACT_CHUNK = 1 << 14
# Upper bounds for the error of a cosine when its two vectors and the result are rounded.
_MARGIN = {torch.bfloat16: 0.012, torch.float16: 0.004, torch.float32: 1e-5}


class BlockSearch(Search):
    """Finds all pairs at or above a cosine on one device.

    On a CPU *threads* sets PyTorch's threads for the whole process; 0 means every core.
    """

    def __init__(
        self, device: str = "auto", *, dtype: torch.dtype | None = None, threads: int = 0
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
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
        self, ours: torch.Tensor, theirs: torch.Tensor, *, floor: float, top_k: int, same: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        fast = theirs.to(self._dtype).T  # (dim, m)
        found = [
            self._slab(
                ours[start : start + _SLAB].to(self._dtype),
                fast,
                floor=floor,
                top_k=top_k,
                diagonal=start if same else None,
            )
            for start in range(0, len(ours), _SLAB)
        ]
        rows = torch.cat([hit[0] + at * _SLAB for at, hit in enumerate(found)] or [_none()])
        return rows, torch.cat([hit[1] for hit in found] or [_none()])

    def _slab(
        self,
        rows: torch.Tensor,
        fast: torch.Tensor,
        *,
        floor: float,
        top_k: int,
        diagonal: int | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scores = rows @ fast  # (s, m)
        if diagonal is not None:
            above = torch.ones_like(scores, dtype=torch.bool).triu_(diagonal + 1)
            scores = scores.masked_fill_(~above, -2.0)
        mask = scores >= floor - _MARGIN[self._dtype]
        if int(mask.sum()) > _CROWDED * top_k * len(rows):
            mask &= _top_of_either_side(scores, top_k)
        if self._device.type == "cpu":  # PyTorch's own nonzero takes three times as long here
            flat = torch.from_numpy(np.flatnonzero(mask.numpy()))
        else:
            flat = mask.flatten().nonzero()[:, 0]
        return flat // scores.shape[1], flat % scores.shape[1]

    def _exact(
        self,
        ours: torch.Tensor,
        theirs: torch.Tensor,
        rows: torch.Tensor,
        columns: torch.Tensor,
        gate: Gate | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        cosines = torch.zeros(len(rows), device=self._device)
        passed = torch.ones(len(rows), dtype=torch.bool, device=self._device)
        weights = [torch.from_numpy(one).to(self._device) for one in gate.weights] if gate else []
        for at in range(0, len(rows), _EXACT_CHUNK):
            part = slice(at, at + _EXACT_CHUNK)
            one, other = ours[rows[part]], theirs[columns[part]]
            cosines[part] = (one * other).sum(1)
            if gate is not None:
                passed[part] = gate_scores(one, other, weights) >= gate.bar
        return cosines, passed


def _none() -> torch.Tensor:
    return torch.zeros(0, dtype=torch.int64)


def _cpu_dtype() -> torch.dtype:
    # Without CPU instructions for bfloat16 PyTorch emulates it, slower than single precision.
    is_fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return torch.bfloat16 if is_fast else torch.float32


def _top_of_either_side(scores: torch.Tensor, top_k: int) -> torch.Tensor:
    keep = torch.zeros_like(scores, dtype=torch.bool)
    for side in (0, 1):
        best = scores.topk(min(top_k, scores.shape[side]), dim=side, sorted=False).indices
        keep.scatter_(side, best, True)
    return keep
