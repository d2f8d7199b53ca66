"""Finds the checkpoint from which a killed training run continues."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from transformers import TrainerState

from db.errors import InvalidInputError

Model = TypeVar("Model")

KEPT_CHECKPOINTS = 2
"""The best checkpoint and the last one."""
_WRITTEN_LAST = "trainer_state.json"
_PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Trained(Generic[Model]):
    """The best model of a run, and average precision on dev by training step."""

    model: Model
    history: Sequence[tuple[int, float]]
    pairs_a_step: int = 1
    """Pairs that all processes of the run saw together in one step."""


def history(state: TrainerState, metric: str) -> list[tuple[int, float]]:
    """Return the values of *metric* by step, as the trainer logged them."""
    return [
        (int(entry["step"]), float(entry[metric])) for entry in state.log_history if metric in entry
    ]


def start(work: Path, *, resume: bool) -> str | None:
    """Return the checkpoint in *work* to continue from; None for a new run.

    A half-written checkpoint is skipped. Raises `InvalidInputError` if there is none to *resume*,
    or if a new run would mix its checkpoints with those of another run.
    """
    found = sorted(filter(_is_whole, work.glob(f"{_PREFIX}*")), key=_step)
    if resume and not found:
        raise InvalidInputError(f"{work} has no checkpoint to continue from: leave out --resume")
    if found and not resume:
        raise InvalidInputError(
            f"{work} has the checkpoints of another run: continue that run with --resume, or choose"
            " another --output"
        )
    return str(found[-1]) if found else None


def _is_whole(checkpoint: Path) -> bool:
    if not checkpoint.name.removeprefix(_PREFIX).isdecimal():  # a copy that somebody named
        return False
    try:
        json.loads((checkpoint / _WRITTEN_LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(_PREFIX))
