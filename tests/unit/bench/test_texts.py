"""Questions for measurements: distinct, and the same ones each time."""

import csv
import gzip
from pathlib import Path

import pytest

from bench.texts import BenchSettings, questions


@pytest.fixture(autouse=True)
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASKEDBEFORE_DATA", raising=False)
    assert BenchSettings().data is None


@pytest.mark.parametrize("count", [0, 1, 3_500, 3_501, 9_000])
def test_made_up_questions_are_distinct_however_many_are_wanted(count: int) -> None:
    found = questions(count)

    assert len(found) == len(set(found)) == count
    assert all(text.endswith("?") for text in found)


def test_the_same_seed_gives_the_same_questions() -> None:
    assert questions(50) == questions(50)
    assert questions(50) != questions(50, seed=8)


def test_real_questions_are_taken_once_and_too_few_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "quora"
    folder.mkdir()
    with gzip.open(folder / "pairs_train.csv.gz", "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("question1", "question2"), ("A?", "B?"), ("B?", "C, or D?")])

    assert sorted(questions(3, folder=tmp_path)) == ["A?", "B?", "C, or D?"]
    with pytest.raises(ValueError, match="only 3 distinct questions"):
        questions(4, folder=tmp_path)
