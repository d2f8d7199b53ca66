import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.pairs import PairsError
from training.data.tables import Row, open_table

ROWS = [
    {"question1": "Why, oh why?", "question2": "How\nso?", "note": "a"},
    {"question1": "Où est-ce ?", "question2": "什么?", "note": ""},
]
CSV = 'question1,question2,note\n"Why, oh why?","How\nso?",a\nOù est-ce ?,什么?,\n'


def rows(path: Path) -> list[Row]:
    with open_table(path) as table:
        return list(table)


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if ".parquet" in name:
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    text = {
        "csv": CSV,
        "jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    }[name.split(".")[1]].encode()
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    return path


@pytest.mark.parametrize(
    "name", ["a.csv", "a.csv.gz", "a.CSV", "a.jsonl", "a.jsonl.gz", "a.parquet"]
)
def test_every_kind_of_file_has_the_same_rows(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name.lower()).rename(tmp_path / name)

    found = rows(path)

    assert [dict(row.values) for row in found] == ROWS
    assert [row.fault for row in found] == [None, None]


def test_tabs_and_semicolons_are_found_in_the_header(tmp_path: Path) -> None:
    for mark in "\t;|":
        path = tmp_path / "pairs.csv"
        path.write_text(f"question1{mark}question2\na, b{mark}c\n", encoding="utf-8")

        assert rows(path) == [Row(2, {"question1": "a, b", "question2": "c"})]


def test_a_row_that_cannot_be_read_keeps_its_place_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    good = "a,b\nc\nd,e,f\nO\u00f9 \u00e7a ? D\u00e9j\u00e0 \u00e9t\u00e9,f".encode()
    path.write_bytes(b"question1,question2\n" + good + b"\nbad \xff,g\nh,i\n")

    found = rows(path)

    assert [row.line for row in found] == [2, 3, 4, 5, 6, 7]
    assert [row.fault for row in found] == [
        None,
        "1 field, but the header has 2",
        "3 fields, but the header has 2",
        None,
        "bytes that are not UTF-8: save the file as UTF-8",
        None,
    ]
    assert found[1].values == {"question1": "c"}
    assert found[5].values == {"question1": "h", "question2": "i"}


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    body = "".join(f"left {i},right {i}\n" for i in range(3_000))
    path.write_text(f'question1,question2\n"open,and on,more\n{body}', encoding="utf-8")

    found = rows(path)

    assert len(found) == 3_001
    assert found[0].fault is not None
    assert found[-1].values == {"question1": "left 2999", "question2": "right 2999"}


def test_a_json_line_that_is_no_object_is_a_fault_of_that_row(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"question1": "a", "question2": "b"}\n[1]\nnot json\n', encoding="utf-8")

    found = rows(path)

    assert [row.fault is None for row in found] == [True, False, False]
    assert "not valid JSON" in str(found[2].fault)


def test_the_columns_of_json_are_those_of_its_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"a": 1}\n{"b": 2}\n', encoding="utf-8")

    with open_table(path) as table:
        assert table.columns == ("a", "b")


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("a,a,,\n1,2,3,4\n", encoding="utf-8")

    assert rows(path)[0].values == {"a": "1", "a 2": "2", "": "3", " 2": "4"}


def test_other_encodings_are_found_out_unless_one_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    question = "Wie groß müssen Öfen für süße Brötchen sein?"
    text = f"question1,question2\n{question},Welche Größe braucht man für Brötchen?\n" * 5
    path.write_bytes(text.encode("cp1252"))

    with open_table(path) as table:
        assert table.encoding.startswith("cp125")
        assert next(iter(table)).values["question1"] == question
    with open_table(path, encoding="utf-8") as table, pytest.raises(PairsError, match="not UTF-8"):
        list(table.sound_rows())


def test_how_far_a_file_was_read_ends_at_all_of_it(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl.gz", "a.parquet"):
        with open_table(written(tmp_path, name)) as table:
            list(table)

            assert table.share_read == 1.0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "q,question2\n", r"a\.csv:1: no column question1 \(columns: q, question2\)"),
        ("b.csv", "", r"b\.csv:1: no column question1, question2 \(columns: none\)"),
        ("c.xlsx", "x", r"c\.xlsx: unknown kind of file; wanted one of \.csv, \.tsv, "),
        ("d.parquet", "x", r"d\.parquet: cannot be read"),
        ("e.csv", None, r"e\.csv: no such file"),
        ("f.parquet", None, r"f\.parquet: no such file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(PairsError, match=message), open_table(path) as table:
        table.require("question1", "question2")


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress((CSV * 999).encode())[:-20])

    with pytest.raises(PairsError, match=r"cut\.csv\.gz: cannot be read"):
        rows(path)


def test_an_encoding_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match="there is no encoding 'utf-9'"):
        open_table(written(tmp_path, "a.csv"), encoding="utf-9")
