"""The shared part of all recipes: configuration, the trainer's arguments, the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from sentence_transformers.base.trainer import BaseTrainer

from training.recipes.progress import KEPT_CHECKPOINTS, Trained, history, start
from training.recipes.ranks import Rank
from worker.inference.torch_backend import without_plans_by_shape

_Model = TypeVar("_Model", bound=torch.nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """The configuration of any run; a recipe adds its own fields and defaults."""

    base: str
    epochs: float = 1.0
    batch_size: int
    learning_rate: float
    warmup: float
    """Share of the steps in which the learning rate rises to its peak."""
    max_length: int
    bf16: bool = True
    seed: int = 1
    evaluations: int = 8
    patience: int = 3
    """The run stops after so many evaluations on dev without a better result."""

    @property
    def pairs_a_step(self) -> int:
        """Return the number of pairs that all processes of the run see together in one step."""
        return self.batch_size * Rank().world_size


def begin(config: FitConfig, work: Path, *, resume: bool) -> str | None:
    """Set the seed, and return the checkpoint to continue from; see `progress.start`."""
    checkpoint = start(work, resume=resume)
    torch.manual_seed(config.seed)
    without_plans_by_shape()
    return checkpoint


def arguments(config: FitConfig, *, rows: int, work: Path, metric: str) -> dict[str, Any]:
    """Return the trainer's arguments that are the same for all recipes.

    *metric* on dev chooses the checkpoint; higher is better.
    """
    steps = max(1, round(config.epochs * -(-rows // config.pairs_a_step)))
    every = max(1, steps // config.evaluations)
    return {
        "output_dir": str(work),
        "num_train_epochs": config.epochs,
        "per_device_train_batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "warmup_steps": round(config.warmup * steps),
        "bf16": config.bf16,
        "use_cpu": not torch.cuda.is_available(),
        "seed": config.seed,
        "eval_strategy": "steps",
        "eval_steps": every,
        "save_steps": every,
        "logging_steps": max(1, every // 5),
        "save_total_limit": KEPT_CHECKPOINTS,
        "load_best_model_at_end": True,
        "metric_for_best_model": metric,
        "greater_is_better": True,
        "report_to": "none",
    }


def run(
    trainer: BaseTrainer, model: _Model, config: FitConfig, *, checkpoint: str | None, metric: str
) -> Trained[_Model]:
    """Train, from *checkpoint* if it is given; return the best *model* and the run's history."""
    trainer.train(resume_from_checkpoint=checkpoint)
    return Trained(model.eval(), history(trainer.state, metric), pairs_a_step=config.pairs_a_step)
