"""Where a run goes on, what it is told to do, and who writes its files."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerState

from db.errors import InvalidInputError
from training.recipes.distill import _mixed
from training.recipes.fitting import FitConfig, arguments
from training.recipes.progress import KEPT_CHECKPOINTS, history, start
from training.recipes.ranks import Rank

CONFIG = FitConfig(base="b", batch_size=32, learning_rate=1e-4, warmup=0.1, max_length=64)


def put(work: Path, name: str, state: str | None = "{}") -> None:
    (work / name).mkdir()
    if state is not None:
        (work / name / "trainer_state.json").write_text(state)


def test_the_latest_whole_checkpoint_is_taken_by_its_number(tmp_path: Path) -> None:
    put(tmp_path, "checkpoint-9")
    put(tmp_path, "checkpoint-10")
    put(tmp_path, "checkpoint-11", '{"epoch":')
    put(tmp_path, "checkpoint-12", None)

    assert start(tmp_path, resume=True) == str(tmp_path / "checkpoint-10")


@pytest.mark.parametrize("name", ["checkpoint-best", "checkpoint-10-copy", "checkpoint-", "other"])
def test_a_copy_that_somebody_named_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    fresh = start(tmp_path, resume=False)
    put(tmp_path, "checkpoint-3")

    assert fresh is None
    assert start(tmp_path, resume=True) == str(tmp_path / "checkpoint-3")


def test_only_half_written_checkpoints_are_as_good_as_none(tmp_path: Path) -> None:
    put(tmp_path, "checkpoint-5", "")

    assert start(tmp_path, resume=False) is None
    with pytest.raises(InvalidInputError, match="leave out --resume"):
        start(tmp_path, resume=True)


def test_history_has_the_steps_at_which_dev_was_looked_at() -> None:
    state = TrainerState()
    state.log_history = [
        {"step": 10, "loss": 0.7},
        {"step": 20, "eval_ap": 0.5, "epoch": 0.1},
        {"step": 30.0, "eval_ap": 1},
        {"step": 30, "eval_f1": 0.3},
    ]

    assert history(state, "eval_ap") == [(20, 0.5), (30, 1.0)]
    assert history(state, "eval_mrr") == []


@given(st.integers(1, 5_000), st.floats(0.01, 5), st.integers(1, 20), st.floats(0, 1))
def test_a_run_looks_at_dev_about_as_often_as_it_was_asked(
    rows: int, epochs: float, evaluations: int, warmup: float
) -> None:
    config = FitConfig(
        base="b",
        epochs=epochs,
        batch_size=32,
        learning_rate=1e-4,
        warmup=warmup,
        max_length=64,
        evaluations=evaluations,
    )

    found = arguments(config, rows=rows, work=Path("w"), metric="eval_ap")

    steps = max(1, round(epochs * -(-rows // 32)))
    assert found["eval_steps"] == found["save_steps"] >= 1  # else the best one would not be saved
    assert min(steps, evaluations) <= steps // found["eval_steps"] < 2 * evaluations + 1
    assert 0 <= found["warmup_steps"] <= steps
    assert found["logging_steps"] >= 1


def test_the_best_checkpoint_is_chosen_by_the_metric_and_nothing_is_sent_anywhere() -> None:
    found = arguments(CONFIG, rows=100, work=Path("w"), metric="eval_ap")

    assert found["metric_for_best_model"] == "eval_ap"
    assert found["load_best_model_at_end"]
    assert found["greater_is_better"]
    assert found["save_total_limit"] == KEPT_CHECKPOINTS == 2
    assert found["report_to"] == "none"


@pytest.mark.parametrize(
    ("rank", "world", "is_first"),
    [("0", "1", True), ("0", "4", True), ("3", "4", False), ("2", "1", True)],
)
def test_of_several_processes_the_first_alone_writes(
    monkeypatch: pytest.MonkeyPatch, rank: str, world: str, *, is_first: bool
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", world)

    assert Rank().is_first is is_first
    assert CONFIG.pairs_a_step == 32 * int(world)


CLOSE = st.dictionaries(
    st.tuples(st.integers(0, 20), st.integers(21, 40)), st.floats(0.35, 0.985), max_size=40
)


@given(CLOSE, st.integers(0, 40), st.integers(0, 3))
def test_a_teachers_pairs_are_three_in_five_close_and_never_too_many(
    found: dict[tuple[int, int], float], wanted: int, seed: int
) -> None:
    chosen = _mixed(found, wanted=wanted, choice=Random(seed))  # noqa: S311

    close = [cosine for _, cosine in chosen if cosine > 0.62]
    far = sum(cosine <= 0.62 for cosine in found.values())
    assert len(close) == min(len(found) - far, wanted * 3 // 5)
    assert len(chosen) == min(wanted, len(close) + far)
    assert len({pair for pair, _ in chosen}) == len(chosen)
    assert all(found[pair] == cosine for pair, cosine in chosen)


@given(CLOSE, st.integers(0, 3))
def test_the_same_seed_chooses_the_same_pairs_whatever_their_order(
    found: dict[tuple[int, int], float], seed: int
) -> None:
    turned = dict(reversed(found.items()))

    one, other = (_mixed(of, wanted=9, choice=Random(seed)) for of in (found, turned))  # noqa: S311

    assert one == other
