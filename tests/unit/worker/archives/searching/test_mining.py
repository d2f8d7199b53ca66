"""Mining without a database, and the command around it."""

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.archives import mine as command
from cli.main import app
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import Miner
from worker.inference.testing import WordEncoder, WordReranker

TITLES = [
    "How do I reset my password?",
    "how do i reset my password",
    "How can I reset my own password?",
    "Why is the sky so very blue today?",
    "Why is the sky so blue today?",
    "What feeds a fox?",
]


def pairs(*, min_score: float | None = None, top_k: int = 100) -> list[tuple[int, int]]:
    miner = Miner(
        WordEncoder(),
        WordReranker(),
        search=BlockSearch("cpu"),
        top_k=top_k,
        min_score=min_score,
    )
    found = miner.mine(TITLES)
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_twins_come_first_and_then_the_surest_pairs() -> None:
    assert pairs() == [(0, 1), (3, 4), (0, 2)]


def test_a_higher_score_keeps_fewer() -> None:
    assert pairs(min_score=0.98) == [(0, 1), (3, 4)]


def test_each_pair_is_read_at_most_once_in_each_order() -> None:
    reranker = WordReranker()
    titles = [*TITLES, "How do I paint my old garden fence?"]
    found = Miner(WordEncoder(), reranker, search=BlockSearch("cpu")).mine(titles)

    assert found.calls == reranker.calls <= 2 * found.candidates
    assert found.calls < 2 * found.candidates  # some pairs cannot be saved by their second order


def test_progress_reaches_its_totals() -> None:
    told: dict[str, list[int]] = {}

    def listen(stage: str, done: int, total: int) -> None:
        told.setdefault(stage, [0, total])[0] += done

    Miner(WordEncoder(), WordReranker(), search=BlockSearch("cpu"), on_progress=listen).mine(TITLES)

    assert list(told) == ["embed", "search", "rerank"]
    assert all(done == total for done, total in told.values())


def test_an_archive_of_one_text_is_all_twins() -> None:
    found = Miner(WordEncoder(), WordReranker(), search=BlockSearch("cpu")).mine(["Why?"] * 3)

    assert found.left.tolist() == [0, 0]
    assert found.right.tolist() == [1, 2]
    np.testing.assert_array_equal(found.score, [1, 1])


def test_bodies_tell_questions_of_one_title_apart() -> None:
    titles = ["Why is it slow?", "Why is it slow?", "Why is it SLOW?"]
    bodies = [
        "The query plan of a large join",
        "A bicycle with a new chain",
        "the query plan of a large join.",
    ]
    miner = Miner(WordEncoder(), WordReranker(), search=BlockSearch("cpu"), min_score=0.9)

    found = miner.mine(titles, bodies)

    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 2)]
    assert found.twins == 1


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_encoder", lambda *_, **__: WordEncoder())
    monkeypatch.setattr(command, "load_reranker", lambda *_, **__: WordReranker())


@pytest.mark.usefixtures("fakes")
def test_the_command_writes_pairs_with_their_ids_and_texts(tmp_path: Path) -> None:
    file, out = tmp_path / "questions.csv", tmp_path / "pairs.csv"
    rows = [[f"q{place}", title] for place, title in enumerate(TITLES)]
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["id", "question"], *rows, ["q0", "Another one?"]])

    result = CliRunner().invoke(app, ["mine", str(file), "--out", str(out), "--device", "cpu"])

    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == ["id1", "id2", "question1", "question2", "cosine", "score"]
    assert [(row["id1"], row["id2"]) for row in found] == [("q0", "q1"), ("q3", "q4"), ("q0", "q2")]
    assert found[1]["question2"] == TITLES[4]
    assert "'q0' is used twice" in result.stderr
    assert "1 row was left out" in result.stderr


@pytest.mark.usefixtures("fakes")
def test_a_place_that_cannot_be_written_is_an_error_before_the_work(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text("id,question\n1,Why?\n", encoding="utf-8")

    result = CliRunner().invoke(app, ["mine", str(file), "--out", str(tmp_path / "no" / "out.csv")])

    assert "No such file" in str(result.exception)
