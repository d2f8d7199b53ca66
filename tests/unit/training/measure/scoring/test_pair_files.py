import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.pairs import PairsError
from training.data.tables import open_table
from training.data.writing import open_writer
from training.measure.scoring.pair_files import SCORES, Lines, Tally, columns_of, score_table
from training.measure.scoring.stages import CHUNK, Stages
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.matcher import Matcher
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion
from worker.text.normal import FOREIGN_WARNING

CALIBRATION = Calibration(fusion=Fusion(cosine=4.0), logit_only=Fusion(), threshold=0.6)


def scored(text: str, folder: Path) -> tuple[list[dict[str, str]], Tally]:
    path, out = folder / "pairs.csv", folder / "out.csv"
    path.write_text(text, encoding="utf-8")
    stages = Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION)))
    with open_table(path) as table, open_writer(str(out), columns_of(table)) as writer:
        tally = score_table(table, stages, writer)
    with out.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream)), tally


def test_no_row_is_lost_and_what_has_no_two_questions_has_no_scores(tmp_path: Path) -> None:
    rows, tally = scored(
        "id,question2,question1\n"
        "1,Is it hot?,Is it very hot?\n"
        "2,,Why?\n"
        "3,too,many,fields\n"
        "4,为什么天空是蓝色的,Why?\n"
        "5,is it hot,Is it hot?\n",
        tmp_path,
    )

    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [name for name in rows[0] if name not in SCORES] == ["id", "question2", "question1"]
    assert [bool(row["probability"]) for row in rows] == [True, False, False, True, True]
    assert [row["flagged"] for row in rows] == ["1", "", "", "0", "1"]
    assert rows[4]["probability"] == "1.0"
    assert [row["warning"] for row in rows] == [
        "",
        "a question is missing",
        "this row cannot be read: 4 fields, but the header has 3",
        FOREIGN_WARNING,
        "",
    ]
    assert (tally.rows, tally.scored, tally.flagged, tally.warned) == (5, 3, 2, 1)
    assert (str(tally.empty), str(tally.unreadable)) == ("line 3", "line 4")


def test_a_language_that_the_models_do_not_know_is_said_and_the_pair_scored(
    tmp_path: Path,
) -> None:
    german = "Wie bekomme ich Rotweinflecken aus dem Teppich?"
    rows, tally = scored(
        f"question1,question2\n{german},{german} Oder nicht?\nHow does one clean it?,{german}\n",
        tmp_path,
    )

    assert ["seems to be de" in row["warning"] for row in rows] == [True, True]
    assert rows[0]["warning"].count("seems to be de") == 1
    assert rows[0]["flagged"] == "1"
    assert tally.warned == 2


def test_rows_beyond_one_chunk_keep_their_order(tmp_path: Path) -> None:
    count = 2 * CHUNK + 3
    text = "".join(f"{i},is {i} it,is {i % 7} it\n" for i in range(count))

    rows, tally = scored("id,question1,question2\n" + text, tmp_path)

    assert [int(row["id"]) for row in rows] == list(range(count))
    assert tally.scored == count
    same = [i for i, row in enumerate(rows) if row["probability"] == "1.0"]
    assert same == list(range(7))


def test_a_body_counts_only_in_the_cosine_of_the_whole(tmp_path: Path) -> None:
    rows, _ = scored("question1,question2,body1,body2\na b,a b c,,\na b,a b c,d e,f g\n", tmp_path)

    assert rows[0]["cosine_titles"] == rows[1]["cosine_titles"] == rows[0]["cosine_whole"]
    assert float(rows[1]["cosine_whole"]) < float(rows[1]["cosine_titles"])


def test_a_value_that_is_no_text_is_no_question(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    values = ("NaN", "null", '["Is it hot?"]', '{"text": "Is it hot?"}', '""')
    lines = [f'{{"question1": "Is it hot?", "question2": {value}}}\n' for value in values]
    lines += ['{"question1": "Is it hot?", "question2": 5, "body1": NaN, "body2": [1]}\n']
    path.write_text("".join(lines), encoding="utf-8")
    stages = Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION)))

    with open_table(path) as table, open_writer(str(tmp_path / "a.csv"), {}) as writer:
        tally = score_table(table, stages, writer)

    assert (tally.empty.count, tally.scored) == (5, 1)


def test_bytes_of_parquet_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    asked = pa.array([b"Is it hot?"], pa.binary())
    pq.write_table(pa.table({"question1": asked, "question2": ["is it hot"]}), path)
    stages = Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION)))

    with open_table(path) as table, open_writer(str(tmp_path / "a.csv"), {}) as writer:
        tally = score_table(table, stages, writer)

    assert (tally.scored, tally.flagged) == (1, 1)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("question,question2", r"pairs\.csv:1: no column question1"),
        ("question1,question2,flagged", r"pairs\.csv:1: rename flagged"),
    ],
)
def test_columns_that_lack_or_clash_are_named(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(PairsError, match=message):
        scored(f"{header}\n", tmp_path)


def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    rows, tally = scored("question1,question2\n", tmp_path)

    assert (rows, tally.rows, tally.scored) == ([], 0, 0)


def test_only_the_first_lines_are_named() -> None:
    lines = Lines()
    for line in range(2, 11):
        lines.add(line)

    assert str(lines) == "lines 2, 3, 4, 5, 6, ..."
    assert lines.count == 9
