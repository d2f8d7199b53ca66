import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.pairs import PairsError, Values
from training.data.tables import open_table
from training.data.writing import open_writer

COLUMNS = {"text": str, "score": float, "flag": int}
ROWS: list[Values] = [
    {"text": 'He said "why, oh\nwhy?"', "score": 0.25, "flag": 1},
    {"text": {"deep": [1]}, "score": None, "flag": None},
    {"text": None, "score": 0.125, "flag": 0},
]


def write(path: Path, rows: list[Values] = ROWS) -> None:
    with open_writer(str(path), COLUMNS) as writer:
        writer.write(rows)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
def test_a_delimited_file_is_read_back_as_it_was(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)

    with open_table(tmp_path / name) as table:
        assert [dict(row.values) for row in table] == [
            {"text": 'He said "why, oh\nwhy?"', "score": "0.25", "flag": "1"},
            {"text": '{"deep": [1]}', "score": "", "flag": ""},
            {"text": "", "score": "0.125", "flag": "0"},
        ]


def test_json_keeps_types_and_columns_that_nobody_announced(tmp_path: Path) -> None:
    rows: list[Values] = [*ROWS, {"text": "x", "more": True}]

    write(tmp_path / "a.jsonl.gz", rows)

    lines = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in lines] == rows


def test_parquet_has_numbers_as_numbers_and_keeps_the_types_it_is_given(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int32())])
    columns = {"id": str, **COLUMNS}

    with open_writer(str(tmp_path / "a.parquet"), columns, schema=schema) as writer:
        writer.write([{"id": 7, **row} for row in ROWS])

    table = pq.read_table(tmp_path / "a.parquet")
    assert [str(field.type) for field in table.schema] == ["int32", "string", "double", "int64"]
    assert table.column("score").to_pylist() == [0.25, None, 0.125]
    assert table.column("text").to_pylist()[1] == '{"deep": [1]}'


def test_bytes_that_were_no_text_go_out_as_they_came(tmp_path: Path) -> None:
    raw = b"bad \xff byte".decode("utf-8", "surrogateescape")

    write(tmp_path / "a.csv", [{"text": raw}, {"text": "half \ud83d of a pair"}])

    lines = (tmp_path / "a.csv").read_bytes().splitlines()
    assert lines[1:] == [b'"bad \xff byte","",""', b'"half ? of a pair","",""']


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("as it was", encoding="utf-8")

    with pytest.raises(AttributeError):
        write(tmp_path / "a.csv", [*ROWS, None])  # type: ignore[list-item]  # fails on the way

    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "as it was"


def test_standard_output_takes_csv(capsys: pytest.CaptureFixture[str]) -> None:
    with open_writer("-", COLUMNS) as writer:
        writer.write(ROWS[2:])

    assert capsys.readouterr().out == '"text","score","flag"\n"","0.125","0"\n'


def test_bytes_of_a_table_go_out_as_text(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl"):
        write(tmp_path / name, [{"text": "caf\u00e9".encode()}])

        with open_table(tmp_path / name) as table:
            assert [row.values["text"] for row in table] == ["caf\u00e9"]


def test_a_folder_in_place_of_the_file_is_noticed_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()

    with (
        pytest.raises(PairsError, match="it is a folder"),
        open_writer(str(tmp_path / "a.csv"), COLUMNS),
    ):
        pytest.fail("the rows are asked for")


@pytest.mark.parametrize("name", ["no/such/folder/a.csv", "a.xlsx"])
def test_where_nothing_can_be_written_the_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(PairsError, match=Path(name).name):
        write(tmp_path / name)
