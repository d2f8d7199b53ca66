import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.training import app
from training.pairs import LabelledPair, PairsError, write_pairs


def run(*words: str | Path) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
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


@pytest.mark.parametrize(
    "command",
    ["split", "cross-encoder", "sentence-transformer", "distill", "mix", "average", "calibrate"],
)
def test_every_recipe_teaches_by_an_example(command: str) -> None:
    assert f"askedbefore train {command}" in " ".join(run(command, "--help").split())
