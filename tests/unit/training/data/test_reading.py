import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.pairs import LabelledPair, PairsError, write_pairs
from training.data.reading import read_pairs, read_questions

HEADER = "question1,question2,is_duplicate\n"
ROWS = HEADER + "How do I bake bread?,How is bread baked?,1\nWhy is it hot?,Is it Monday?,0\n"
PAIRS = [
    LabelledPair("How do I bake bread?", "How is bread baked?", 1.0),
    LabelledPair("Why is it hot?", "Is it Monday?", 0.0),
]


def test_the_published_quora_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "quora.tsv"
    path.write_text(
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        '0\t1\t2\t"How do I\nbake bread?"\tHow is bread baked?\t1\n',
        encoding="utf-8",
    )

    read = read_pairs(path)

    assert read.pairs == PAIRS[:1]
    assert read.rows == 1


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_pairs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"pairs.{kind}"
    table = [
        {"question1": p.question1, "question2": p.question2, "is_duplicate": int(p.label)}
        for p in PAIRS
    ]
    if kind == "csv":
        path.write_text("\ufeff" + ROWS, encoding="utf-8")
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(ROWS.encode()))
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, table)), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(table), path)

    assert read_pairs(path).pairs == PAIRS


def test_what_is_left_out_is_reported_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        ROWS
        + ",Is it Monday?,0\n"  # line 4: empty
        + "Who am I?,WHO AM I,1\n"  # line 5: the same text
        + "How is bread baked?,How do I bake bread?,1\n"  # line 6: line 2 turned round
        + "Is it Monday?,Why is it hot?,1\n",  # line 7: contradicts line 3
        encoding="utf-8",
    )

    read = read_pairs(path)

    assert read.pairs == PAIRS[:1]
    assert (read.empty, read.identical, read.repeated) == ([4], [5], [6])
    assert read.conflicting == [(3, 7)]
    assert "1 with contradicting labels, left out (lines 3 and 7)" in read.summary()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "q1,question2,is_duplicate\n", r"a\.csv:1: no column question1"),
        ("b.csv", HEADER + "a,b,maybe\n", r"b\.csv:2: is_duplicate must be 0 or 1, not 'maybe'"),
        ("c.csv", HEADER + "a,b\n", r"c\.csv:2: cannot be read: 2 fields, but the header has 3"),
        ("d.csv", HEADER, r"d\.csv: holds no usable pair"),
        ("e.csv", "", r"e\.csv:1: no column"),
        ("f.jsonl", '{"question1": "a"', r"f\.jsonl:1: no column"),
        ("g.jsonl", "[1]", r"g\.jsonl:1: no column"),
        ("h.parquet", "no parquet", r"h\.parquet: cannot be read"),
        ("i.csv.gz", "no gzip", r"i\.csv\.gz:1: no column"),
        ("j.xlsx", "", r"j\.xlsx: unknown kind of file"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    with pytest.raises(PairsError, match=message):
        read_pairs(path)


def test_bytes_that_are_no_text_are_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(HEADER.encode() + b"caf\xe9,b,1\n")

    with pytest.raises(PairsError, match="cannot be read"):
        read_pairs(path)


@pytest.mark.parametrize("name", ["questions.txt", "questions.csv", "questions.txt.gz"])
def test_questions_that_are_no_text_are_an_error_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"question\ncaf\xe9\n")

    with pytest.raises(PairsError, match="cannot be read"):
        read_questions(path)


def test_a_gzip_file_that_was_cut_or_damaged_is_an_error_of_the_file(tmp_path: Path) -> None:
    whole = gzip.compress((ROWS * 50).encode())
    for name, content in (("cut", whole[:-20]), ("bent", whole[:20] + b"????" + whole[24:])):
        path = tmp_path / f"{name}.csv.gz"
        path.write_bytes(content)

        with pytest.raises(PairsError, match=rf"{name}\.csv\.gz"):
            read_pairs(path)


def test_soft_labels_are_taken_only_where_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "soft.jsonl"
    write_pairs(path, [LabelledPair("Who am I?", "Who are you?", 0.25)])

    assert read_pairs(path, soft=True).pairs[0].label == 0.25
    with pytest.raises(PairsError, match="must be 0 or 1"):
        read_pairs(path)


def test_unlabelled_questions_come_from_lines_or_a_column(tmp_path: Path) -> None:
    lines, table = tmp_path / "questions.txt", tmp_path / "titles.csv"
    lines.write_text("Who am I?\n\nWho am I?\nWhy?\n", encoding="utf-8")
    table.write_text("id,title\n1,Who am I?\n2,Why?\n", encoding="utf-8")

    assert read_questions(lines) == read_questions(table) == ["Who am I?", "Why?"]


def test_a_table_without_questions_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "titles.csv"
    path.write_text("id,heading\n1,Why?\n", encoding="utf-8")

    with pytest.raises(PairsError, match="no column question or title"):
        read_questions(path)
