"""Binary cross-entropy that also penalises different scores for the two orders of a pair."""

from collections.abc import Sequence

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

_TEACHER = 0.5
"""The weight of a teacher's pair, if that of a label is 1."""
_SUREST = 1e-3
"""A teacher's probabilities are clipped to this distance from 0 and 1: logits to 6.9."""


class SymmetricBinaryCrossEntropyLoss(BinaryCrossEntropyLoss):
    """`BinaryCrossEntropyLoss` over pairs in random order, some of them in both orders.

    Each row is shown in a random order. A *both_orders* share of the batch is also shown in the
    other order; there the squared difference of the two logits, times *symmetry*, is added to the
    loss.

    A label between 0 and 1 is a teacher's probability; its loss is the smooth L1 distance of the
    two logits. For cross-entropy 0.001 and 0.01 are nearly equal, so the model would forget the
    order of pairs that are far apart.
    """

    def __init__(
        self,
        model: CrossEncoder,
        *,
        both_orders: float = 0.25,
        symmetry: float = 0.2,
        pos_weight: float | None = None,
    ) -> None:
        weight = None if pos_weight is None else torch.tensor(pos_weight)
        super().__init__(model, nn.Identity(), weight)
        self.both_orders = both_orders
        self.symmetry = symmetry

    def forward(
        self,
        inputs: Sequence[Sequence[str]],
        labels: Tensor,
        prompt: str | None = None,
        task: str | None = None,
    ) -> Tensor:
        """Return the loss of one batch, a scalar."""
        pairs = _in_random_order(inputs[0], inputs[1])
        doubled = round(self.both_orders * len(pairs))
        pairs += [(second, first) for first, second in pairs[:doubled]]
        features = self.model.preprocess(pairs, prompt=prompt, task=task)
        features = batch_to_device(features, self.model.device)
        logits = self.model(features)["scores"].view(-1).float()
        loss = self._supervised(logits, torch.cat([labels, labels[:doubled]]).float())
        if doubled and self.symmetry:
            loss = loss + self.symmetry * (logits[:doubled] - logits[-doubled:]).square().mean()
        return loss

    def _supervised(self, logits: Tensor, labels: Tensor) -> Tensor:
        soft = (labels > 0) & (labels < 1)
        hard = ~soft
        loss = logits.new_zeros(())
        if hard.any():
            loss = loss + self.bce_with_logits_loss(logits[hard], labels[hard]) * hard.sum()
        if soft.any():
            target = torch.logit(labels[soft], eps=_SUREST)
            loss = loss + _TEACHER * smooth_l1_loss(logits[soft], target) * soft.sum()
        return loss / len(labels)

    def get_config_dict(self) -> dict[str, object]:
        """Return the description of the loss for a model card."""
        return {
            "pos_weight": None if self.pos_weight is None else self.pos_weight.item(),
            "both_orders": self.both_orders,
            "symmetry": self.symmetry,
        }


def _in_random_order(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    # The global generator, because the trainer saves its state in a checkpoint and restores it.
    flip = (torch.rand(len(first)) < 0.5).tolist()  # noqa: PLR2004
    return [
        (right, left) if turned else (left, right)
        for left, right, turned in zip(first, second, flip, strict=True)
    ]
