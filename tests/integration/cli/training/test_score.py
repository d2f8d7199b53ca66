"""`askedbefore score` and `askedbefore evaluate --suite` with real models, small and shipped."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from db.errors import InvalidInputError
from tests.models.tiny_models import make_bert_encoder, make_reranker
from training.data.pairs import PairsError
from training.measure.scoring.pair_files import SCORES
from worker.text.normal import model_text
from worker.weights.load import load_encoder, load_reranker

# Exporting a model warns of what PyTorch will do otherwise one day.
pytestmark = [
    pytest.mark.usefixtures("exported_here"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:# The axis name:UserWarning"
    ),
]

TEXT = """\
id,question1,question2,is_duplicate
1,how do i fold a jacket,what is the best way to fold a jacket,1
2,how do i paint a ladder,how do i paint a ladder in winter,0
3,how do i fold a jacket,How do I fold a jacket?,1
4,,how do i paint a ladder,0
5,how do i paint a ladder,what is the best way to paint a ladder without tools,1
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options that name two small models."""
    folder = tmp_path_factory.mktemp("models")
    encoder, reranker = make_bert_encoder(folder / "encoder"), make_reranker(folder / "reranker")
    cache = str(folder / "cache")
    names = ["--bi-encoder", str(encoder), "--reranker", str(reranker)]
    return [*names, "--model-cache", cache, "--device", "cpu"]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def run(*words: str | Path) -> Result:
    found = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_gets_what_the_models_say_of_it(
    models: Sequence[str], pairs: Path, tmp_path: Path
) -> None:
    found = run("score", pairs, "--out", tmp_path / "out.csv", "--threshold", "0", *models)

    rows = rows_of(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[3] | dict.fromkeys(SCORES, "") == rows[3] | {"warning": ""}
    assert [row["flagged"] for row in rows] == ["1", "1", "1", "", "1"]
    assert rows[2]["probability"] == "1.0"
    assert "5 rows: 4 scored, 4 flagged at 0.000 or above." in found.stderr
    assert "1 row without a question, kept with empty scores (line 5)." in found.stderr
    _agree(rows[1], models)


def _agree(row: dict[str, str], models: Sequence[str]) -> None:
    """Compare a row with the models asked one by one."""
    cache = Path(models[5])
    encoder = load_encoder(models[1], device="cpu", cache=cache)
    reranker = load_reranker(models[3], device="cpu", cache=cache)
    texts = [model_text(row[name]) for name in ("question1", "question2")]
    vectors = encoder.encode(texts)
    logits = reranker.score(texts, np.array([[0, 1], [1, 0]], np.int32))
    assert float(row["cosine_titles"]) == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)
    assert float(row["logit_forward"]) == pytest.approx(float(logits[0]), abs=1e-4)
    assert float(row["logit_backward"]) == pytest.approx(float(logits[1]), abs=1e-4)
    assert float(row["overlap"]) == pytest.approx(6 / 8)


def test_the_pairs_go_through_every_kind_of_file(
    models: Sequence[str], pairs: Path, tmp_path: Path
) -> None:
    run("score", pairs, "--out", tmp_path / "out.parquet", *models)
    run("score", pairs, "--out", tmp_path / "out.jsonl.gz", *models)
    printed = run("score", pairs, "--out", "-", *models)

    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 5
    assert table.column("question2").to_pylist()[0].startswith("what is the best way")
    assert str(table.schema.field("probability").type) == "double"
    assert len(list(csv.reader(printed.stdout.splitlines()))) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q,question2\na,b\n", r"pairs\.csv:1: no column question1"),
        ("question1,question2,probability\na,b,c\n", r"pairs\.csv:1: rename probability"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_and_nothing_written(
    models: Sequence[str], pairs: Path, tmp_path: Path, text: str, message: str
) -> None:
    pairs.write_text(text, encoding="utf-8")

    with pytest.raises(PairsError, match=message):
        run("score", pairs, "--out", tmp_path / "out.csv", *models)

    assert not (tmp_path / "out.csv").exists()


def test_the_pairs_are_not_overwritten(models: Sequence[str], pairs: Path) -> None:
    with pytest.raises(InvalidInputError, match="is the file of pairs itself"):
        run("score", pairs, "--out", pairs, *models)

    assert pairs.read_text(encoding="utf-8") == TEXT


def test_the_shipped_models_say_of_five_pairs_what_a_person_would(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "question1,question2\n"
        "How do I become a better cook?,What can I do to cook better?\n"
        "How do I get rid of ants in my kitchen?,How can I get rid of ants in the kitchen?\n"
        "Which bread goes with goat cheese?,Is the museum open on Monday?\n"
        "How do I get rid of ants in my kitchen?,How do I get rid of ants in my kitchen\n"
        "Wie werde ich Ameisen los?,Как избавиться от муравьёв на кухне?\n",
        encoding="utf-8",
    )

    run("score", path, "--out", tmp_path / "out.csv", "--device", "cpu")

    rows = rows_of(tmp_path / "out.csv")
    probabilities = [float(row["probability"]) for row in rows]
    assert min(probabilities[:2]) > 0.5 > probabilities[2]
    assert [row["flagged"] for row in rows] == ["1", "1", "0", "1", "0"]
    assert probabilities[3] == 1.0
    assert [bool(row["warning"]) for row in rows] == [False] * 4 + [True]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    for name in ("house", "garden"):
        folder = tmp_path / "suite" / name
        folder.mkdir(parents=True)
        (folder / "pairs.csv").write_text(
            TEXT.replace("ladder", name if name == "garden" else "ladder"), encoding="utf-8"
        )
    (tmp_path / "suite" / "house" / "questions.csv").write_text(
        "id,title,cluster\n1,how do i fold a jacket,a\n2,fold a jacket,a\n3,paint a ladder,\n",
        encoding="utf-8",
    )
    return tmp_path / "suite"


def test_a_suite_is_one_table_on_the_terminal_and_in_a_file(
    models: Sequence[str], suite: Path, tmp_path: Path
) -> None:
    more = ("--suite", suite, "--samples", "20", "--out")

    curves = ("--curve", tmp_path / "curves.csv")
    printed = run("evaluate", *more, tmp_path / "table.md", *curves, *models).output
    run("evaluate", *more, tmp_path / "table.json", "--leave-one-out", *models)

    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert "house (mining): 3 questions, 1 pair is the same" in printed
    for name in ("garden", "house", "house (mining)"):
        assert f"| {name} |" in text
    drawn = (tmp_path / "curves.csv").read_text(encoding="utf-8")
    assert "house (mining),served," in drawn
    assert data["is_left_out"]
    assert 0 < data["domains"][0]["curves"]["served"][0]["recall"] <= 1
    assert [(one["name"], one["is_mining"]) for one in data["domains"]] == [
        ("garden", False),
        ("house", False),
        ("house", True),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate"],
        ["evaluate", "cosine", "default"],
        ["evaluate", "cosine", "default", "--suite", "x"],
        ["evaluate", "--suite", "x", "--leave-one-out", "--threshold", "0.5"],
        ["evaluate", "cosine", "default", "--data", "x.csv", "--curve", "x.svg"],
    ],
)
def test_what_does_not_go_together_is_said(words: list[str]) -> None:
    found = CliRunner().invoke(app, words)

    assert found.exit_code == 2
    assert "--suite" in found.output or "--threshold" in found.output
