"""Runs in processes of their own: killed and gone on with, and two that train together."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from db.errors import InvalidInputError
from tests.models.tiny_recipes import config, make_base, pairs
from training.data.pairs import write_pairs
from training.recipes import cross_encoder, runs
from training.recipes.progress import start

torch.set_num_threads(1)  # tiny models: threads only wait for each other

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

DYING = """
import os, signal, sys
from pathlib import Path
import torch
from tests.models.tiny_recipes import config, pairs
from training.recipes import cross_encoder, runs

class Dying(cross_encoder.SymmetricBinaryCrossEntropyLoss):
    steps = 0

    def forward(self, *args, **kwargs):
        self.steps += 1
        if self.steps == 12:  # after the first checkpoint
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(*args, **kwargs)

torch.set_num_threads(1)
cross_encoder.SymmetricBinaryCrossEntropyLoss = Dying
parts = runs.dev_halves(pairs(), seed=7)
cross_encoder.train(
    config(sys.argv[1]), parts["calibrate"], parts["report"], work=Path(sys.argv[2])
)
"""


def test_a_run_that_was_killed_and_resumed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    base, work = make_base(tmp_path), tmp_path / "killed"
    parts = runs.dev_halves(pairs(), seed=7)
    train, dev = parts["calibrate"], parts["report"]
    whole = cross_encoder.train(config(base), train, dev, work=tmp_path / "whole")
    killed = subprocess.run([sys.executable, "-c", DYING, base, work], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(work.glob("checkpoint-*"))

    resumed = cross_encoder.train(config(base), train, dev, work=work, resume=True)

    assert resumed.history == whole.history
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(tmp_path: Path) -> None:
    for step, state in ((8, "{}"), (100, "{}"), (120, '{"epoch": 1')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-140").mkdir()

    assert start(tmp_path, resume=True) == str(tmp_path / "checkpoint-100")


def test_a_new_run_does_not_mix_its_checkpoints_with_anothers(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-8").mkdir()
    (tmp_path / "checkpoint-8" / "trainer_state.json").write_text("{}")

    with pytest.raises(InvalidInputError, match="--resume"):
        start(tmp_path, resume=False)


def test_there_must_be_something_to_go_on_from(tmp_path: Path) -> None:
    assert start(tmp_path / "none", resume=False) is None
    with pytest.raises(InvalidInputError, match="has no checkpoint to continue from"):
        start(tmp_path / "none", resume=True)


def test_two_processes_train_one_model_and_the_first_alone_writes(tmp_path: Path) -> None:
    base, data, output = make_base(tmp_path), tmp_path / "pairs.jsonl", tmp_path / "run"
    parts = runs.dev_halves(pairs(), seed=7)
    write_pairs(data, parts["calibrate"])
    write_pairs(tmp_path / "dev.jsonl", parts["report"])
    command: list[str | Path] = ["-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "cli.main", "train", "cross-encoder"]
    command += ["--base", base, "--train", data, "--dev", tmp_path / "dev.jsonl"]
    command += ["--output", output, "--batch-size", "4", "--epochs", "2", "--pos-weight", "auto"]

    found = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # noqa: TID251  # the launcher's, not ours
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.count("average precision") == 1
    run = json.loads((output / "run.json").read_text())
    rounds = len(parts["calibrate"]) // (2 * 4)
    assert run["pairs_a_step"] == 2 * 4
    assert run["history"][-1][0] == 2 * rounds
    assert (output / "checkpoints" / f"checkpoint-{2 * rounds}" / "rng_state_1.pth").is_file()
    assert (output / "model" / "calibration.json").is_file()
