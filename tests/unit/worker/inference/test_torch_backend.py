"""What PyTorch is asked for before a model runs on a card; the models themselves run elsewhere."""

from collections.abc import Callable
from typing import cast

import torch

from worker.inference.torch_backend import without_plans_by_shape


def test_attention_is_kept_from_cudnn_and_from_nothing_else() -> None:
    """CuDNN builds a plan for each shape; the other ways of attention stay."""
    torch.backends.cuda.enable_cudnn_sdp(enabled=True)
    before = [_is_on(name) for name in ("flash", "mem_efficient", "math")]

    without_plans_by_shape()

    assert not _is_on("cudnn")
    assert [_is_on(name) for name in ("flash", "mem_efficient", "math")] == before


def _is_on(name: str) -> bool:
    """Return whether attention may be computed in this way."""
    asked = cast("Callable[[], bool]", getattr(torch.backends.cuda, f"{name}_sdp_enabled"))
    return asked()
