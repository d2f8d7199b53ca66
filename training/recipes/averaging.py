"""Averages models that were trained from the same weights (model soups, Wortsman et al. 2022).

The mean of a model and an earlier one of the same run has much of the strengths of both.
"""

from collections.abc import Sequence

import torch
from sentence_transformers import CrossEncoder

from db.errors import IncompatibleModelError


def average(folders: Sequence[str], shares: Sequence[float]) -> CrossEncoder:
    """Return the CrossEncoder whose weights are the mean of those in *folders*, by *shares*.

    Raises `IncompatibleModelError` if their shapes differ or the shares do not fit.
    """
    if len(folders) != len(shares) or abs(sum(shares) - 1.0) > 1e-6:  # noqa: PLR2004
        raise IncompatibleModelError("one share for each model is needed, adding up to 1")
    models: list[CrossEncoder] = [CrossEncoder(f, device="cpu").float() for f in folders]
    states = [model.state_dict() for model in models]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(shape != shapes[0] for shape in shapes):
        raise IncompatibleModelError("models of different shapes cannot be averaged")
    with torch.no_grad():
        for name, value in states[0].items():
            if value.is_floating_point():
                parts = zip(shares, states, strict=True)
                value.copy_(torch.stack([share * state[name] for share, state in parts]).sum(0))
    return models[0]
