"""The card of a run, and what is written beside it so that the run can be repeated."""

import json
from pathlib import Path

import numpy as np
import pytest

from training.measure import report
from training.measure.report import Run, card, versions

FIGURES = {"pairs": 1_234.0, "average_precision": 0.91239, "f1": 0.8}


def run(**changes: object) -> Run:
    fields = {
        "recipe": "CrossEncoder",
        "config": {"epochs": 1.0, "base": "mini"},
        "data": {"/home/ana/pairs.csv": "ab12", "hub:quora/pairs": "cd34"},
        "seed": 7,
        "metrics": {"fused": FIGURES},
        **changes,
    }
    return Run(**fields)  # type: ignore[arg-type]


def test_a_card_names_files_without_their_folders_and_datasets_whole() -> None:
    said = card(run())

    assert "- `pairs.csv`, SHA-256 `ab12`" in said
    assert "- `hub:quora/pairs`, SHA-256 `cd34`" in said
    assert "ana" not in said


def test_a_card_says_what_was_measured_and_chosen() -> None:
    said = card(run()).splitlines()

    assert said[0] == "# CrossEncoder"
    assert "| fused | 1,234 | 0.9124 | 0.8000 |" in said
    assert {"- epochs: `1.0`", "- base: `mini`"} <= set(said)


def test_history_is_told_by_pairs_seen_whatever_a_step_was() -> None:
    said = card(run(history=[(10, 0.5), (2_000, 0.75)], pairs_a_step=64))

    assert "| 640 | 10 | 0.5000 |" in said
    assert "| 128,000 | 2,000 | 0.7500 |" in said


@pytest.mark.parametrize("notes", [(), ("a.csv: 3 rows, 2 pairs used",)])
def test_notes_stand_in_the_card_where_there_are_any(notes: tuple[str, ...]) -> None:
    said = card(run(notes=notes))

    assert [line for line in said.splitlines() if line.startswith("- a.csv")] == [
        f"- {note}" for note in notes
    ]
    assert said.endswith("\n")
    assert "\n\n\n" not in said


def test_the_versions_are_those_of_the_libraries_that_decide_numbers() -> None:
    found = versions()

    assert {"python", "torch", "numpy", "sentence-transformers"} <= set(found)
    assert found["numpy"] == np.__version__


def test_a_run_leaves_its_facts_figures_card_and_charts(tmp_path: Path) -> None:
    labels = np.array([0, 1, 0, 1])
    scores = {"cosine": np.array([0.2, 0.6, 0.4, 0.5], np.float32)}
    folder = tmp_path / "deep" / "run"

    report.write(run(config={"base": Path("/m")}), folder, labels=labels, scores=scores)

    facts = json.loads((folder / "run.json").read_text())
    assert (facts["recipe"], facts["seed"], facts["config"]) == ("CrossEncoder", 7, {"base": "/m"})
    assert facts["data"]["/home/ana/pairs.csv"] == "ab12"
    assert json.loads((folder / "metrics.json").read_text()) == {"fused": FIGURES}
    assert (folder / "README.md").read_text().startswith("# CrossEncoder")
    charts = sorted(path.name for path in folder.glob("*.svg"))
    assert charts == [
        "precision_recall.svg",
        "reliability.svg",
        "scores.svg",
        "thresholds.svg",
        "training.svg",
    ]


def test_where_there_is_no_checkout_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert report._commit() is None  # noqa: SLF001
