import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.main import app
from cli.sample import load_questions
from cli.training.tables import show_comparison
from training.data.pairs import LabelledPair, PairsError, write_pairs
from training.measure.evaluate import Scored, compare
from worker.scoring.calibration import Calibration
from worker.scoring.gate import load_gates
from worker.weights.load import DEFAULT_RERANKER, model_folder


def run(*words: str | Path) -> str:
    train = ["train", *map(str, words)]
    found = CliRunner().invoke(app, train, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_split_writes_the_parts_and_says_what_it_left_out(tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    pairs = [LabelledPair(f"left {i}", f"right {i}", float(i % 2)) for i in range(100)]
    write_pairs(data, [*pairs, LabelledPair("Why?", "why", 1.0)])

    output = run("split", data, "--output", tmp_path / "splits", "--seed", "3")

    assert "1 of two questions with the same text, left out (lines 101)" in " ".join(output.split())
    manifest = json.loads((tmp_path / "splits" / "manifest.json").read_text(encoding="utf-8"))
    assert sum(part["pairs"] for part in manifest["parts"].values()) == 100


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=r"nowhere\.csv: no such file"):
        run("split", tmp_path / "nowhere.csv", "--output", tmp_path)


def test_brackets_in_a_question_are_shown_as_they_were_written() -> None:
    pairs = [LabelledPair("What is [math]x^2[/math]?", f"Why [/b] {i}?", i % 2) for i in range(6)]
    scores = [
        Scored(name=name, scores=np.random.default_rng(seed).random(6).astype(np.float32))
        for seed, name in enumerate(("one", "other"))
    ]
    console = Console(width=200, record=True, file=io.StringIO())

    show_comparison(compare(scores[0], scores[1], pairs, samples=5, shown=2), console=console)

    assert console.export_text().count("What is [math]x^2[/math]?") == 2


def test_a_gate_is_fitted_without_labels_and_says_what_it_spares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.gate._FEWEST", 5)  # the sample forum is a small one
    monkeypatch.setattr("training.gate._STEPS", (40, 1))
    folder, questions = tmp_path / "model", tmp_path / "questions.txt"
    shutil.copytree(model_folder(DEFAULT_RERANKER), folder)
    titles = [str(question["title"]) for question in load_questions()]
    questions.write_text("\n".join(titles), encoding="utf-8")

    output = run("gate", folder, "--questions", questions)

    assert load_gates(folder).keys() == Calibration.load(folder).rules.keys()
    assert f"near pairs of {len(set(titles)):,} questions." in " ".join(output.split())


@pytest.mark.parametrize("weight", ["much", "0", "-1", "inf", "nan"])
def test_a_weight_that_is_none_is_refused(tmp_path: Path, weight: str) -> None:
    data = tmp_path / "pairs.jsonl"
    write_pairs(data, [LabelledPair(f"left {i}", f"right {i}", float(i % 2)) for i in range(100)])
    words = ["train", "cross-encoder", "--train", str(data), "--output", str(tmp_path / "run")]

    found = CliRunner().invoke(app, [*words, "--pos-weight", weight])

    assert found.exit_code == 2
    assert "must be `auto` or a number above 0" in " ".join(found.output.split())
