"""The recipe that trains a CrossEncoder for duplicates from the weights of a bi-encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.evaluation import CrossEncoderClassificationEvaluator
from torch import nn
from transformers import EarlyStoppingCallback

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.recipes.batches import LengthBatchSampler
from training.recipes.fitting import FitConfig, arguments, begin, run
from training.recipes.losses import SymmetricBinaryCrossEntropyLoss
from training.recipes.progress import Trained

_EVALUATOR = "dev"
_METRIC = f"eval_{_EVALUATOR}_average_precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoderConfig(FitConfig):
    """The configuration of a run; saved beside the model, so that the run can be repeated."""

    batch_size: int = 96
    learning_rate: float = 1.2e-4
    warmup: float = 0.02
    max_length: int = 256
    layer_decay: float = 0.9
    """The learning rate of each layer is that of the next one towards the output times this."""
    schedule: str = "linear"
    weight_decay: float = 0.01
    dropout: float = 0.0
    train_word_embeddings: bool = False
    both_orders: float = 0.125
    symmetry: float = 0.3
    pos_weight: float | None = None
    """The weight of a duplicate, if another pair's is 1; None means 1."""


def train(
    config: CrossEncoderConfig,
    train_pairs: Sequence[LabelledPair],
    dev_pairs: Sequence[LabelledPair],
    *,
    work: Path,
    resume: bool = False,
    load: Callable[[CrossEncoderConfig], CrossEncoder] | None = None,
    trainer_class: type[CrossEncoderTrainer] = CrossEncoderTrainer,
) -> Trained[CrossEncoder]:
    """Return the CrossEncoder that did best on *dev_pairs* by average precision.

    Checkpoints go to *work*; with *resume* the run continues from the last one. *load* returns the
    first model; None means `load_base`. Raises the errors of `progress.start`.
    """
    checkpoint = begin(config, work, resume=resume)
    model = (load or load_base)(config)
    trainer = trainer_class(
        model=model,
        args=_arguments(config, rows=len(train_pairs), work=work),
        train_dataset=as_dataset(train_pairs),
        loss=SymmetricBinaryCrossEntropyLoss(
            model,
            both_orders=config.both_orders,
            symmetry=config.symmetry,
            pos_weight=config.pos_weight,
        ),
        evaluator=dev_evaluator(dev_pairs, batch_size=config.batch_size),
        optimizers=(_optimizer(model, config), None),  # type: ignore[arg-type]  # its own default
        callbacks=[EarlyStoppingCallback(config.patience)],
    )
    return run(trainer, model, config, checkpoint=checkpoint, metric=_METRIC)


def balanced_pos_weight(pairs: Sequence[LabelledPair]) -> float:
    """Return the `pos_weight` with which both labels count the same: negatives / duplicates.

    Soft labels of a teacher are left out. Raises `InvalidInputError` if a label is missing.
    """
    labels = [pair.label for pair in pairs if pair.label in {0.0, 1.0}]
    duplicates = labels.count(1.0)
    if duplicates in {0, len(labels)}:
        raise InvalidInputError("--pos-weight auto needs labels of 0 and of 1")
    return (len(labels) - duplicates) / duplicates


def load_base(config: CrossEncoderConfig) -> CrossEncoder:
    """Return a CrossEncoder of one label with the weights of *config.base*."""
    # Eager attention: for texts this short its backward pass is twice as fast on a CPU.
    model: CrossEncoder = CrossEncoder(
        config.base,
        num_labels=1,
        max_length=config.max_length,
        model_kwargs={"attn_implementation": "eager"},
        config_kwargs={
            "hidden_dropout_prob": config.dropout,
            "attention_probs_dropout_prob": config.dropout,
        },
    )
    model.float()  # weights in half precision cannot be trained
    if not config.train_word_embeddings:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("word_embeddings" not in name)
    return model


def as_dataset(pairs: Sequence[LabelledPair]) -> Dataset:
    """Return the pairs as a dataset with the columns that the trainer expects."""
    return Dataset.from_dict(
        {
            "question1": [pair.question1 for pair in pairs],
            "question2": [pair.question2 for pair in pairs],
            "label": [float(pair.label) for pair in pairs],
        }
    )


def dev_evaluator(
    pairs: Sequence[LabelledPair], *, batch_size: int
) -> CrossEncoderClassificationEvaluator:
    """Return the evaluator whose average precision chooses the checkpoint."""
    return CrossEncoderClassificationEvaluator(
        [[pair.question1, pair.question2] for pair in pairs],
        [round(pair.label) for pair in pairs],
        name=_EVALUATOR,
        batch_size=batch_size,
        show_progress_bar=False,
    )


def parameter_groups(
    model: nn.Module, *, learning_rate: float, layer_decay: float, weight_decay: float
) -> list[dict[str, object]]:
    """Return optimiser groups; the layers nearest to the input have the lowest learning rates."""
    depth = 1 + max((_layer(name) for name, _ in model.named_parameters()), default=0)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((_layer(name, head=depth), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": learning_rate * layer_decay ** (depth - layer),
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (layer, decays), parameters in groups.items()
    ]


def _layer(name: str, head: int = 0) -> int:
    """Return 0 for embeddings, n + 1 for layer n, and *head* for all after the layers."""
    numbers = [int(part) for part in name.split(".") if part.isdigit() and ".layer." in name]
    if numbers:
        return 1 + numbers[-1]
    return 0 if "embeddings" in name else head


def _optimizer(model: CrossEncoder, config: CrossEncoderConfig) -> torch.optim.Optimizer:
    groups = parameter_groups(
        model[0],
        learning_rate=config.learning_rate,
        layer_decay=config.layer_decay,
        weight_decay=config.weight_decay,
    )
    return torch.optim.AdamW(groups, fused=True)


def _arguments(
    config: CrossEncoderConfig, *, rows: int, work: Path
) -> CrossEncoderTrainingArguments:
    return CrossEncoderTrainingArguments(
        **arguments(config, rows=rows, work=work, metric=_METRIC),
        lr_scheduler_type=config.schedule,
        batch_sampler=LengthBatchSampler,
        # Every weight is used at each step; the search for unused weights wrongly reports the head.
        ddp_find_unused_parameters=False,
        disable_tqdm=False,
    )
