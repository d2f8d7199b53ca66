"""What `askedbefore mine` reads and writes, without any model."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from cli.archives import mine
from db.errors import InvalidInputError
from worker.archives.searching.mining import Mined


def read(folder: Path, content: str) -> tuple[list[str], list[str]]:
    file = folder / "questions.csv"
    file.write_text(content, encoding="utf-8")
    return mine._read(str(file))  # noqa: SLF001  # of a file, before any model is loaded


def test_questions_are_read_in_their_order_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids, titles = read(tmp_path, "id,title\n7,How to boil eggs?\n3,Why?\n7,How to boil eggs?\n")

    assert (ids, titles) == (["7", "3"], ["How to boil eggs?", "Why?"])
    assert capsys.readouterr().err == ""


def test_an_id_of_two_questions_is_told_and_the_first_one_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids, titles = read(tmp_path, "id,title\n7,How to boil eggs?\n7,How to bake bread?\n8,\n")

    assert (ids, titles) == (["7"], ["How to boil eggs?"])
    told = capsys.readouterr().err
    assert "line 3" in told
    assert "'7'" in told
    assert "line 4" in told


def test_a_file_without_questions_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"questions\.csv"):
        read(tmp_path, "id,title\n1,\n")


def test_pairs_are_written_with_their_texts_and_run_nothing() -> None:
    found = Mined(
        left=np.array([0]),
        right=np.array([1]),
        cosine=np.array([0.87654], np.float32),
        score=np.array([0.912345], np.float32),
        twins=0,
        candidates=1,
        calls=2,
        capped=0,
    )
    out = io.StringIO()

    mine._write(out, found, ["7", "=8"], ["How to boil eggs?", "@SUM(A1)"])  # noqa: SLF001  # pure

    header, row = csv.reader(io.StringIO(out.getvalue()))
    assert header == ["id1", "id2", "question1", "question2", "cosine", "score"]
    assert row == ["7", "'=8", "How to boil eggs?", "'@SUM(A1)", "0.8765", "0.9123"]
