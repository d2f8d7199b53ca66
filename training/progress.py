"""What a training run leaves behind besides its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from transformers import TrainerState

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Trained(Generic[Model]):
    """The best model of a run, and average precision on dev by training step."""

    model: Model
    history: Sequence[tuple[int, float]]


def history(state: TrainerState, metric: str) -> list[tuple[int, float]]:
    """Return the values of *metric* by step, as the trainer logged them."""
    return [
        (int(entry["step"]), float(entry[metric])) for entry in state.log_history if metric in entry
    ]
