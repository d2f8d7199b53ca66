"""Binary cross-entropy that also teaches a CrossEncoder that a pair has no order."""

from collections.abc import Sequence

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn


class SymmetricBinaryCrossEntropyLoss(BinaryCrossEntropyLoss):
    """`BinaryCrossEntropyLoss` over pairs in random order, some of them in both orders.

    Every row is seen in an order drawn anew each time. A *both_orders* share of the batch is seen
    in the other order too; there the squared difference between the two logits, times *symmetry*,
    is added to the loss. Labels may be soft, as a teacher gives them.
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
        loss: Tensor = self.bce_with_logits_loss(
            logits, torch.cat([labels, labels[:doubled]]).float()
        )
        if doubled and self.symmetry:
            loss = loss + self.symmetry * (logits[:doubled] - logits[-doubled:]).square().mean()
        return loss

    def get_config_dict(self) -> dict[str, object]:
        """Return what a model card says of the loss."""
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
