"""What PyTorch is asked for before a model runs on a card; the models themselves run elsewhere."""

import torch

from worker.inference.torch_backend import without_plans_by_shape


def test_attention_is_kept_from_cudnn_and_from_nothing_else() -> None:
    """CuDNN builds a plan for each shape; the other ways of attention stay."""
    cuda = torch.backends.cuda
    cuda.enable_cudnn_sdp(enabled=True)
    others = (cuda.flash_sdp_enabled, cuda.mem_efficient_sdp_enabled, cuda.math_sdp_enabled)
    before = [one() for one in others]

    without_plans_by_shape()

    assert not cuda.cudnn_sdp_enabled()
    assert [one() for one in others] == before
