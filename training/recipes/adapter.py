"""The recipe of the profile `accurate`: a low-rank adapter on a frozen MPNet, and a new head.

For each weight W of the layers two thin matrices are learnt: W + scale * B A (Hu et al. 2021). They
are named and saved as `worker.weights.merging` reads them. On a GPU a run takes a few minutes.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer
from torch import Tensor, nn
from torch.nn import functional

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.recipes import cross_encoder
from training.recipes.cross_encoder import CrossEncoderConfig
from training.recipes.progress import Trained
from worker.weights.accurate import PUBLISHED, WEIGHTS
from worker.weights.merging import HEAD_FILES

ADAPTER_FILE = "adapter.safetensors"
_LAYERS = (".attention.attn.q", ".attention.attn.k", ".attention.attn.v", ".attention.attn.o")
_DENSE = (".intermediate.dense", ".output.dense")
_HEAD = "classifier."


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig(CrossEncoderConfig):
    """The configuration of a run."""

    batch_size: int = 512
    learning_rate: float = 6e-4
    warmup: float = 0.06
    layer_decay: float = 1.0
    both_orders: float = 0.0
    """Each pair is read in a random order only; the service averages both."""
    symmetry: float = 0.0
    rank: int = 24
    scale: float = 2.0


def train(
    config: AdapterConfig,
    train_pairs: Sequence[LabelledPair],
    dev_pairs: Sequence[LabelledPair],
    *,
    work: Path,
    resume: bool = False,
) -> Trained[CrossEncoder]:
    """Return the base with the adapter that did best on *dev_pairs*; `save` writes the adapter.

    Raises the errors of `cross_encoder.train`, and `InvalidInputError` if the base is no MPNet.
    """
    return cross_encoder.train(
        config,
        train_pairs,
        dev_pairs,
        work=work,
        resume=resume,
        load=load_base,
        trainer_class=_AdapterTrainer,
    )


class _AdapterTrainer(CrossEncoderTrainer):
    """Reads a checkpoint with an adapter, which the library's own reader does not know."""

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        saved = load_file(Path(checkpoint_path) / WEIGHTS)
        _network(self.model).load_state_dict(saved)


def load_base(config: CrossEncoderConfig) -> CrossEncoder:
    """Return a CrossEncoder of *config.base* in which only the adapter and the head are learnt.

    Raises `InvalidInputError` if the base is no MPNet, and `TypeError` for the configuration of
    another recipe.
    """
    if not isinstance(config, AdapterConfig):
        raise TypeError("an adapter needs the configuration of one")
    model = cross_encoder.load_base(config)
    for parameter in model.parameters():
        parameter.requires_grad = False
    found = []
    for name, module in _network(model).named_modules():
        if isinstance(module, nn.Linear) and name.endswith(_LAYERS + _DENSE) and ".layer." in name:
            _adapt(module, rank=config.rank, scale=config.scale)
            found.append(name)
        elif name.startswith(_HEAD):
            for parameter in module.parameters():
                parameter.requires_grad = True
    if not any(name.endswith(_LAYERS) for name in found):
        raise InvalidInputError(f"{config.base} is no MPNet: the adapter does not fit it")
    return model


def _network(model: CrossEncoder) -> nn.Module:
    """Return the network inside *model*; its weights have the same names as in its file."""
    network = model[0].model
    if not isinstance(network, nn.Module):
        raise InvalidInputError("the base has no network of its own")
    return network


def _adapt(linear: nn.Linear, *, rank: int, scale: float) -> None:
    """Let *linear* compute W x + scale * B A x; B begins as 0, so nothing changes at first."""
    device = linear.weight.device
    start = torch.randn(rank, linear.in_features, device=device) / linear.in_features**0.5
    linear.A = nn.Parameter(start)
    linear.B = nn.Parameter(torch.zeros(linear.out_features, rank, device=device))
    linear.register_forward_hook(partial(_added, scale=scale))


def _added(linear: nn.Module, given: tuple[Tensor, ...], output: Tensor, *, scale: float) -> Tensor:
    learnt: tuple[Tensor, Tensor] = (linear.A, linear.B)  # type: ignore[assignment]
    first, second = (one.to(given[0].dtype) for one in learnt)
    return output + functional.linear(functional.linear(given[0], first), second) * scale


def learnt(model: CrossEncoder) -> Iterator[tuple[str, Tensor]]:
    """Yield the trained weights, with the names that merging expects, in half precision."""
    for name, parameter in _network(model).named_parameters():
        if parameter.requires_grad:
            yield name, parameter.detach().half().cpu().contiguous()


def save(model: CrossEncoder, folder: Path) -> None:
    """Write the adapter to the new *folder*, with the files that describe its head."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(learnt(model)), folder / ADAPTER_FILE)
    for name in HEAD_FILES:
        shutil.copyfile(PUBLISHED.adapter / name, folder / name)
